//! Changes a string: the records in it, or its letters.

use super::rng::Rng;
use super::{Fallback, bytes, put};
use crate::checks::naive;

/// The mutator of targets that read text.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, fallback: Fallback) -> usize {
    let mut rng = Rng::new(seed);
    let text = std::str::from_utf8(&data[..size]).ok();
    let changed = match (rng.below(8), text, text.and_then(take_apart)) {
        (1..=4, _, Some((prefix, message))) => {
            let message = bytes::change(&message, &mut rng, fallback);
            let prefix = if rng.one_in(32) { rng.pick(&["lno", "lnr", "lni", "lnp"]).to_owned() } else { prefix };
            write(&prefix, &message, &mut rng)
        }
        (5..=7, Some(text), _) => change_letters(text, &mut rng),
        _ => return fallback(data, size, max_size),
    };
    put(data, changed.as_bytes(), max_size)
}

/// Takes records of both strings, or the start of one and the end of the other.
pub fn cross(one: &[u8], other: &[u8], out: &mut [u8], seed: u32) -> usize {
    let mut rng = Rng::new(seed);
    let apart = |text| std::str::from_utf8(text).ok().and_then(take_apart);
    let crossed = match (apart(one), apart(other)) {
        (Some((prefix, one)), Some((_, other))) if !rng.one_in(8) => {
            let crossed = bytes::crossed(&one, &other, &mut rng);
            write(&prefix, &crossed, &mut rng).into_bytes()
        }
        _ => [&one[..rng.below(one.len())], &other[rng.below(other.len())..]].concat(),
    };
    put(out, &crossed, out.len())
}

/// The prefix and the bytes of a string, whatever is wrong with its letters.
fn take_apart(text: &str) -> Option<(String, Vec<u8>)> {
    let text = text.rsplit([':', '=']).next()?.to_ascii_lowercase();
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let (prefix, data) = letters.split_once('1')?;
    // The last letters may be padding that is not right.
    let bytes = (0..3).find_map(|cut| naive::bytes(data.get(..data.len().checked_sub(cut)?)?))?;
    Some((prefix.to_owned(), bytes))
}

/// The string, in one of the forms that a reader has to take.
fn write(prefix: &str, bytes: &[u8], rng: &mut Rng) -> String {
    let mut text = format!("{prefix}1");
    for part in bytes.chunks(5) {
        let bits = part.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte)) << (8 * (5 - part.len()));
        let letters = (part.len() * 8).div_ceil(5);
        text.extend((0..letters).map(|at| char::from(naive::ALPHABET[(bits >> (35 - 5 * at)) as usize & 31])));
    }
    if rng.one_in(4) {
        text = text.to_ascii_uppercase();
    }
    for _ in 0..rng.pick(&[0, 0, 0, 1, 2, 5]) {
        let space = rng.pick(&["", "", "\n", "\r\n  ", " ", "\t", "\u{a0}", "\u{2003}"]);
        insert(&mut text, &format!("+{space}"), rng);
    }
    match rng.below(16) {
        0 => format!("lightning:{text}"),
        1 => format!("bitcoin:?amount=1&lno={}", text.replace('+', "%2B")),
        2 => format!(" {text}\n"),
        3 => format!("BITCOIN:bc1qxyz?LNO={text}&x=y"),
        _ => text,
    }
}

/// One to three changes of single characters.
fn change_letters(text: &str, rng: &mut Rng) -> String {
    let mut text = text.to_owned();
    for _ in 0..1 + rng.below(3) {
        let chars: Vec<char> = text.chars().collect();
        let at = rng.below(chars.len());
        let (start, end) = (&chars[..at], chars.get(at + 1..).unwrap_or_default());
        let found = chars.get(at).copied().unwrap_or('l');
        let replaced = match rng.below(8) {
            0 => String::new(),
            1 => found.to_ascii_uppercase().to_string(),
            2 => found.to_ascii_lowercase().to_string(),
            3 => found.to_string().repeat(2),
            4 => char::from(rng.pick(naive::ALPHABET)).to_string(),
            5 => format!("+{found}"),
            6 => format!("{found}+{}", rng.pick(&["", " ", "\n", "+", "\u{2028}"])),
            _ => {
                let odd =
                    ["b", "1", "i", "o", "B", " ", "%", "%2B", "+", "\u{212a}", "\u{17f}", "\u{1f600}", "\0", "é"];
                rng.pick(&odd).to_owned()
            }
        };
        text = start.iter().collect::<String>() + &replaced + &end.iter().collect::<String>();
    }
    text
}

/// Puts something between two characters.
fn insert(text: &mut String, what: &str, rng: &mut Rng) {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).skip(1).collect();
    if !places.is_empty() {
        text.insert_str(rng.pick(&places), what);
    }
}
