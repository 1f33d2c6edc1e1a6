//! What a picture says besides what it shows: where and when it was taken, with what, by whom. It is left out before a
//! picture leaves, without touching a pixel: whole segments and chunks are dropped, and all others stay as they are.
//!
//! Of a JPEG the way up is kept, of all the camera said, since without it a photo lies on its side. It looks into JPEG,
//! PNG and WebP; GIF, PDF and words stay as they came, and a PDF may well say who made it.

use intentcast_protocol::document::Form;

/// The picture is not built as its form says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("it is not built as {0} is, so what it says besides the picture cannot be left out")]
pub struct Misbuilt(pub Form);

/// The same without what it says besides.
///
/// # Errors
/// [`Misbuilt`]: then nothing is known of what is in it.
pub fn left_out(form: Form, bytes: &[u8]) -> Result<Vec<u8>, Misbuilt> {
    let without = match form {
        Form::Jpeg => jpeg(bytes),
        Form::Png => png(bytes),
        Form::Webp => webp(bytes),
        Form::Gif | Form::Pdf | Form::Text => Some(bytes.to_vec()),
    };
    without.ok_or(Misbuilt(form))
}

const START: [u8; 2] = [0xff, 0xd8];

/// Segment by segment; what follows the end of the picture, a film on some telephones, goes as well.
fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(&START)?;
    let mut kept = Vec::with_capacity(bytes.len());
    let mut way_up = None;
    loop {
        let (marker, after) = marker(rest)?;
        rest = after;
        match marker {
            0xd9 => {
                kept.extend([0xff, marker]);
                break;
            }
            0x01 | 0xd0..=0xd7 => kept.extend([0xff, marker]),
            _ => {
                let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
                let (segment, after) = rest.split_at_checked(length)?;
                let said = segment.get(2..)?;
                rest = after;
                if marker == 0xe1 {
                    way_up = way_up.or_else(|| way_up_in(said.strip_prefix(b"Exif\0\0")?));
                }
                if is_picture(marker, said) {
                    kept.extend([0xff, marker]);
                    kept.extend(segment);
                }
                if marker == 0xda {
                    let (scan, after) = rest.split_at(scan_bytes(rest)?);
                    kept.extend(scan);
                    rest = after;
                }
            }
        }
    }
    let mut whole = START.to_vec();
    // Upright is what everybody takes a photo for that does not say.
    whole.extend(way_up.filter(|way| (2..=8).contains(way)).map(exif).unwrap_or_default());
    whole.append(&mut kept);
    Some(whole)
}

fn marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let fill = bytes.iter().take_while(|byte| **byte == 0xff).count();
    match bytes.get(fill..)?.split_first()? {
        (marker, rest) if fill > 0 && *marker != 0 => Some((*marker, rest)),
        _ => None,
    }
}

/// Whether a segment has to do with what is shown: its colours, and not its camera.
fn is_picture(marker: u8, said: &[u8]) -> bool {
    match marker {
        0xe0 => said.starts_with(b"JFIF\0"),
        0xe2 => said.starts_with(b"ICC_PROFILE\0"),
        0xee => said.starts_with(b"Adobe"),
        0xe1..=0xef | 0xfe => false,
        _ => true,
    }
}

/// How long the scan is that begins here: up to a marker that is neither a stuffed byte nor a restart.
fn scan_bytes(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(2)
        .position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff | 0xd0..=0xd7))
}

/// The way up that a camera's TIFF says, 1 to 8.
fn way_up_in(tiff: &[u8]) -> Option<u16> {
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    };
    let long = *tiff.get(4..)?.first_chunk()?;
    let first = if little {
        u32::from_le_bytes(long)
    } else {
        u32::from_be_bytes(long)
    } as usize;
    let entries = usize::from(short(first)?);
    let entry = (0..entries)
        .map(|at| first + 2 + 12 * at)
        .find(|at| short(*at) == Some(0x0112))?;
    short(entry + 8)
}

/// A segment that says which way is up, and nothing else.
fn exif(way_up: u16) -> Vec<u8> {
    let mut segment = vec![0xff, 0xe1, 0, 34];
    segment.extend(b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01");
    segment.extend(way_up.to_be_bytes());
    segment.extend([0; 6]);
    segment
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(PNG)?;
    let mut kept = PNG.to_vec();
    loop {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let (chunk, after) = rest.split_at_checked(length.checked_add(12)?)?;
        rest = after;
        let kind = &chunk[4..8];
        if ![b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"]
            .iter()
            .any(|it| *it == kind)
        {
            kept.extend(chunk);
        }
        if kind == b"IEND" {
            return Some(kept);
        }
    }
}

fn webp(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?) as usize;
    let mut rest = bytes.get(12..length.checked_add(8)?)?;
    let mut kept = bytes.get(..12)?.to_vec();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(*rest.get(4..)?.first_chunk()?) as usize;
        // Chunks are padded to even lengths; the last one's padding is left away by some.
        let padded = length.checked_add(8 + length % 2)?;
        let (chunk, after) = rest.split_at_checked(padded.min(rest.len().max(length.checked_add(8)?)))?;
        rest = after;
        match chunk.get(..4)? {
            b"EXIF" | b"XMP " => {}
            b"VP8X" => {
                let at = kept.len();
                kept.extend(chunk);
                // Two bits that say that there is such a chunk.
                *kept.get_mut(at + 8)? &= !0b1100;
            }
            _ => kept.extend(chunk),
        }
    }
    let length = u32::try_from(kept.len() - 8).ok()?;
    kept[4..8].copy_from_slice(&length.to_le_bytes());
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, said: &[u8]) -> Vec<u8> {
        let length = u16::try_from(said.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker], &length[..], said].concat()
    }

    fn tiff(order: &[u8; 2], way_up: u16) -> Vec<u8> {
        let little = order == b"II";
        let short = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let long = |n: u32| if little { n.to_le_bytes() } else { n.to_be_bytes() };
        let mut tiff = order.to_vec();
        tiff.extend(short(42));
        tiff.extend(long(8));
        tiff.extend(short(2));
        // GPS, and then which way is up.
        for (tag, kind, value) in [(0x8825u16, 4u16, 99u32), (0x0112, 3, 0)] {
            tiff.extend(short(tag));
            tiff.extend(short(kind));
            tiff.extend(long(1));
            match kind {
                3 => {
                    tiff.extend(short(way_up));
                    tiff.extend([0, 0]);
                }
                _ => tiff.extend(long(value)),
            }
        }
        tiff.extend(b"53.7443 N 0.3325 W");
        tiff
    }

    fn photo(way_up: u16, order: &[u8; 2]) -> Vec<u8> {
        let mut said = b"Exif\0\0".to_vec();
        said.extend(tiff(order, way_up));
        [
            START.to_vec(),
            segment(0xe0, b"JFIF\0\x01\x01"),
            segment(0xe1, &said),
            segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0Ann in Hull"),
            segment(0xe2, b"ICC_PROFILE\0\x01\x01colours"),
            segment(0xe2, b"MPF\0second picture"),
            segment(0xed, b"Photoshop 3.0\0"),
            segment(0xfe, b"taken at home"),
            segment(0xdb, &[1; 65]),
            segment(0xc0, &[8, 0, 1, 0, 1, 1, 1, 0x11, 0]),
            segment(0xda, &[1, 1, 0, 0, 63, 0]),
            vec![1, 0xff, 0, 2, 0xff, 0xd0, 3],
            segment(0xc4, &[2; 20]),
            segment(0xda, &[1, 1, 0, 0, 63, 0]),
            vec![4, 5, 6, 0xff, 0xd9],
            b"a film with where it was shot".to_vec(),
        ]
        .concat()
    }

    #[test]
    fn of_a_photo_all_that_is_shown_stays_and_nothing_that_tells_where_it_was_taken() {
        for order in [b"II", b"MM"] {
            let left = left_out(Form::Jpeg, &photo(6, order)).unwrap();
            for told in ["53.7443", "Ann in Hull", "at home", "film", "Photoshop", "MPF"] {
                assert!(
                    !left.windows(told.len()).any(|bytes| bytes == told.as_bytes()),
                    "{told} is still there"
                );
            }
            let expected = [
                START.to_vec(),
                exif(6),
                segment(0xe0, b"JFIF\0\x01\x01"),
                segment(0xe2, b"ICC_PROFILE\0\x01\x01colours"),
                segment(0xdb, &[1; 65]),
                segment(0xc0, &[8, 0, 1, 0, 1, 1, 1, 0x11, 0]),
                segment(0xda, &[1, 1, 0, 0, 63, 0]),
                vec![1, 0xff, 0, 2, 0xff, 0xd0, 3],
                segment(0xc4, &[2; 20]),
                segment(0xda, &[1, 1, 0, 0, 63, 0]),
                vec![4, 5, 6, 0xff, 0xd9],
            ];
            assert_eq!(left, expected.concat());
            assert_eq!(left_out(Form::Jpeg, &left).unwrap(), left, "once is enough");
        }
        let upright = left_out(Form::Jpeg, &photo(1, b"II")).unwrap();
        assert!(!upright.windows(4).any(|bytes| bytes == b"Exif"));
    }

    #[test]
    fn of_a_png_and_a_webp_the_words_go() {
        let chunk = |kind: &[u8; 4], said: &[u8]| {
            let length = u32::try_from(said.len()).unwrap().to_be_bytes();
            [&length[..], kind, said, &[9; 4]].concat()
        };
        let shown = [
            PNG.to_vec(),
            chunk(b"IHDR", &[1; 13]),
            chunk(b"IDAT", &[2; 30]),
            chunk(b"IEND", b""),
        ];
        let told = [
            shown[0].clone(),
            shown[1].clone(),
            chunk(b"tEXt", b"Author\0Ann"),
            chunk(b"eXIf", b"MM\0*"),
            shown[2].clone(),
            chunk(b"iTXt", b"XML:com.adobe.xmp"),
            shown[3].clone(),
            b"more".to_vec(),
        ];
        assert_eq!(left_out(Form::Png, &told.concat()).unwrap(), shown.concat());

        let chunk = |kind: &[u8; 4], said: &[u8]| {
            let length = u32::try_from(said.len()).unwrap().to_le_bytes();
            [&kind[..], &length, said, &vec![0; said.len() % 2]].concat()
        };
        let riff = |chunks: &[Vec<u8>]| {
            let body = [b"WEBP".to_vec(), chunks.concat()].concat();
            chunk(b"RIFF", &body)
        };
        let told = riff(&[
            chunk(b"VP8X", &[0b1101_1100, 0, 0, 0, 9, 0, 0, 9, 0, 0]),
            chunk(b"VP8 ", &[3; 21]),
            chunk(b"EXIF", b"II*\0"),
            chunk(b"XMP ", b"<x:xmpmeta/>."),
        ]);
        let shown = riff(&[
            chunk(b"VP8X", &[0b1101_0000, 0, 0, 0, 9, 0, 0, 9, 0, 0]),
            chunk(b"VP8 ", &[3; 21]),
        ]);
        assert_eq!(left_out(Form::Webp, &told).unwrap(), shown);
    }

    #[test]
    fn whatever_is_cut_short_is_refused_in_peace() {
        let whole = photo(6, b"II");
        let end = whole.len() - b"a film with where it was shot".len();
        for length in 0..end {
            assert_eq!(
                left_out(Form::Jpeg, &whole[..length]),
                Err(Misbuilt(Form::Jpeg)),
                "{length}"
            );
        }
        for bytes in [PNG, b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT"] {
            assert_eq!(left_out(Form::Png, bytes), Err(Misbuilt(Form::Png)));
        }
        for bytes in [
            &b"RIFF\xff\xff\xff\xffWEBP"[..],
            b"RIFF",
            b"RIFF\x0c\0\0\0WEBPVP8 \xff\xff\xff\xff",
        ] {
            assert_eq!(left_out(Form::Webp, bytes), Err(Misbuilt(Form::Webp)));
        }
    }
}
