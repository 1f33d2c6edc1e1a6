//! Shops' texts come with the mark-up of their pages; an offer is plain text.

/// Names of characters that shops' editors write; any other stays as it stands.
const NAMED: &[(&str, &str)] = &[
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", " "),
    ("ensp", " "),
    ("emsp", " "),
    ("thinsp", " "),
    ("shy", ""),
    ("pound", "\u{a3}"),
    ("euro", "\u{20ac}"),
    ("yen", "\u{a5}"),
    ("cent", "\u{a2}"),
    ("copy", "\u{a9}"),
    ("reg", "\u{ae}"),
    ("trade", "\u{2122}"),
    ("deg", "\u{b0}"),
    ("plusmn", "\u{b1}"),
    ("times", "\u{d7}"),
    ("divide", "\u{f7}"),
    ("frac12", "\u{bd}"),
    ("frac14", "\u{bc}"),
    ("frac34", "\u{be}"),
    ("sup2", "\u{b2}"),
    ("sup3", "\u{b3}"),
    ("micro", "\u{b5}"),
    ("middot", "\u{b7}"),
    ("bull", "\u{2022}"),
    ("hellip", "\u{2026}"),
    ("ndash", "\u{2013}"),
    ("mdash", "\u{2014}"),
    ("lsquo", "\u{2018}"),
    ("rsquo", "\u{2019}"),
    ("ldquo", "\u{201c}"),
    ("rdquo", "\u{201d}"),
    ("laquo", "\u{ab}"),
    ("raquo", "\u{bb}"),
    ("auml", "\u{e4}"),
    ("ouml", "\u{f6}"),
    ("uuml", "\u{fc}"),
    ("Auml", "\u{c4}"),
    ("Ouml", "\u{d6}"),
    ("Uuml", "\u{dc}"),
    ("szlig", "\u{df}"),
    ("eacute", "\u{e9}"),
    ("egrave", "\u{e8}"),
    ("ecirc", "\u{ea}"),
    ("agrave", "\u{e0}"),
    ("acirc", "\u{e2}"),
    ("ccedil", "\u{e7}"),
    ("ocirc", "\u{f4}"),
    ("icirc", "\u{ee}"),
    ("ntilde", "\u{f1}"),
    ("aring", "\u{e5}"),
    ("oslash", "\u{f8}"),
    ("aelig", "\u{e6}"),
];

/// Elements whose content nobody reads.
const UNREAD: &[&str] = &["script", "style"];

/// `text` without tags and comments, with names and numbers of characters read once.
pub fn without_tags(text: &str) -> String {
    if !text.contains(['<', '&']) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        rest = if let Some(after) = from.strip_prefix('<') {
            match tag(after) {
                Some(after) => {
                    out.push(' ');
                    after
                }
                None => {
                    out.push('<');
                    after
                }
            }
        } else {
            match named(&from[1..]) {
                Some((character, after)) => {
                    out.push_str(&character);
                    after
                }
                None => {
                    out.push('&');
                    &from[1..]
                }
            }
        };
    }
    out.push_str(rest);
    out
}

/// `text` so that [`without_tags`] gives it back.
pub fn escaped(text: &str) -> String {
    if without_tags(text) == text {
        text.to_owned()
    } else {
        text.replace('&', "&amp;").replace('<', "&lt;")
    }
}

/// What stands behind the tag that `after`, behind its `<`, begins with; `None` where it is no tag.
fn tag(after: &str) -> Option<&str> {
    if let Some(comment) = after.strip_prefix("!--") {
        return Some(comment.split_once("-->").map_or("", |(_, after)| after));
    }
    // "< 5 kg" is no tag: one begins with a letter, a slash or an exclamation mark.
    if !after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') {
        return None;
    }
    let (inside, rest) = after.split_once('>')?;
    let name = inside.split([' ', '\n', '\t', '/']).next().unwrap_or_default();
    let unread = UNREAD.iter().find(|unread| unread.eq_ignore_ascii_case(name));
    let Some(unread) = unread.filter(|_| !inside.ends_with('/')) else {
        return Some(rest);
    };
    let end = rest.match_indices("</").find(|(at, _)| {
        let name = rest.as_bytes().get(at + 2..at + 2 + unread.len());
        name.is_some_and(|name| name.eq_ignore_ascii_case(unread.as_bytes()))
    });
    Some(end.map_or("", |(at, _)| rest[at..].split_once('>').map_or("", |(_, rest)| rest)))
}

/// The character that `after`, behind its `&`, names or counts, and what stands behind it.
fn named(after: &str) -> Option<(String, &str)> {
    let end = after.bytes().take(10).position(|byte| byte == b';')?;
    let (name, rest) = (&after[..end], &after[end + 1..]);
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return Some((char::from_u32(code)?.to_string(), rest));
    }
    let (_, character) = NAMED.iter().find(|(known, _)| *known == name)?;
    Some(((*character).to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_becomes_text() {
        for (page, text) in [
            ("A <b>forgiving</b> bike &amp; more", "A  forgiving  bike & more"),
            ("< 5 kg & > 3 kg", "< 5 kg & > 3 kg"),
            ("a<!-- b > c -->d", "a d"),
            (
                "a<script>if (1 < 2) { b() }</script>d<STYLE x='y'>p{}</style>e",
                "a d e",
            ),
            (
                "29&quot; &#8364;5 &#x20AC;6 caf&eacute;",
                "29\" \u{20ac}5 \u{20ac}6 caf\u{e9}",
            ),
            ("&amp;lt;b&gt; &unknown; &", "&lt;b> &unknown; &"),
            ("open <b", "open <b"),
            ("open <script>never closed", "open  "),
            ("open <!-- never closed", "open  "),
        ] {
            assert_eq!(without_tags(page), text, "{page}");
        }
    }

    #[test]
    fn what_is_escaped_comes_back() {
        for text in ["plain", "a <b> c", "&lt;", "&amp;amp; <i", "5 < 6 & 7", "<!--"] {
            assert_eq!(without_tags(&escaped(text)), text);
        }
        assert_eq!(escaped("5 < 6 & 7"), "5 < 6 & 7");
    }
}
