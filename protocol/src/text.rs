//! Text from strangers: UTF-8 in NFC, capped in bytes, free of anything that could play with a terminal or a reader.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::limits;

/// Text of at most `MAX` bytes, in NFC, without control, bidi-override or invisible characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Default)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

/// A title of a want or an item.
pub type Title = Text<{ limits::TITLE_BYTES }>;
/// A longer free text.
pub type Prose = Text<{ limits::TEXT_BYTES }>;
/// A chosen name.
pub type Name = Text<{ limits::NAME_BYTES }>;
/// A short technical word: an attribute's name, a strand, a purpose.
pub type Word = Text<{ limits::WORD_BYTES }>;
/// The text value of an attribute.
pub type Phrase = Text<{ limits::VALUE_BYTES }>;

/// Why a string is not a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// More bytes than the field holds.
    #[error("{len} bytes of text, where {max} fit")]
    TooLong {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Not in Unicode normalization form C, so that two spellings would look alike.
    #[error("text that is not in Unicode normalization form C")]
    NotNfc,
    /// A control, direction-changing or invisible character.
    #[error("text with the character U+{0:04X}, which could disguise what is shown")]
    Forbidden(u32),
}

/// Characters that change what a reader or a terminal shows without being seen themselves.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

impl<const MAX: usize> Text<MAX> {
    /// Takes `text` as it is, or says why not.
    pub fn strict(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        if text.len() > MAX {
            return Err(TextError::TooLong {
                len: text.len(),
                max: MAX,
            });
        }
        if let Some(c) = text.chars().find(|c| is_forbidden(*c)) {
            return Err(TextError::Forbidden(c as u32));
        }
        if !text.is_ascii() && !is_nfc(&text) {
            return Err(TextError::NotNfc);
        }
        Ok(Self(text))
    }

    /// What a person typed: trimmed, normalized to NFC, runs of white space folded to one space.
    ///
    /// # Errors
    /// [`TextError::TooLong`] or [`TextError::Forbidden`].
    pub fn new(text: &str) -> Result<Self, TextError> {
        let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self::strict(match folded.is_ascii() {
            true => folded,
            false => folded.nfc().collect(),
        })
    }

    /// What a catalogue holds, made to fit: forbidden characters dropped, cut at a word where it is too long.
    pub fn lossy(text: &str) -> Self {
        let clean: String = text
            .chars()
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .filter(|c| !is_forbidden(*c))
            .collect();
        let mut folded = clean.split_whitespace().collect::<Vec<_>>().join(" ");
        // Most of a large catalogue is ASCII, which composing leaves as it is.
        if !folded.is_ascii() {
            folded = folded.nfc().collect();
        }
        if folded.len() > MAX {
            folded.truncate(folded.floor_char_boundary(MAX));
            if let Some(space) = folded.rfind(' ').filter(|at| *at > MAX / 2) {
                folded.truncate(space);
            }
            // A cut may leave a base character whose mark is gone; composing again keeps it NFC.
            folded = folded.nfc().collect();
            folded.truncate(folded.floor_char_boundary(MAX));
        }
        Self(folded)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const MAX: usize> AsRef<str> for Text<MAX> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::strict(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_escape_sequence_is_no_text() {
        assert_eq!(Title::strict("\u{1b}[2Jbike"), Err(TextError::Forbidden(0x1b)));
        assert_eq!(Title::strict("bike\u{202e}"), Err(TextError::Forbidden(0x202e)));
    }

    #[test]
    fn two_spellings_are_one() {
        assert_eq!(Title::strict("cafe\u{301}"), Err(TextError::NotNfc));
        assert_eq!(
            Title::new("  cafe\u{301}  au lait").map(|t| t.to_string()),
            Ok("caf\u{e9} au lait".into())
        );
    }

    proptest! {
        #[test]
        fn what_is_made_to_fit_is_text(s in any::<String>()) {
            let cut = Word::lossy(&s);
            prop_assert_eq!(Word::strict(cut.as_str()), Ok(cut));
        }
    }
}
