//! Which characters of a stranger's text could deceive anyone who reads it.

/// The length in bytes of the plain text at the start, if something deceptive follows.
pub(super) fn plain_len(text: &str) -> Option<usize> {
    let mut before = None;
    text.char_indices().find_map(|(at, c)| {
        let behind = || text.get(at..).unwrap_or_default().chars().skip(1);
        let is_plain = match c {
            '\u{200c}' | '\u{200d}' => before.is_some_and(|before| joins(before, c, behind().next())),
            '\u{fe00}'..='\u{fe0f}' => before.is_some_and(|before| selects(before, c, behind().next())),
            _ => !is_invisible(c),
        };
        before = Some(Before { last: c, emoji: is_emoji(c) || before.is_some_and(|it| it.goes_on(c)) });
        (!is_plain).then_some(at)
    })
}

/// What stands before a character.
#[derive(Clone, Copy)]
struct Before {
    last: char,
    /// Whether that is an emoji, with what belongs to it.
    emoji: bool,
}

impl Before {
    /// Whether a character belongs to the emoji before it: the colour of skin, or that it is shown as a picture.
    fn goes_on(self, c: char) -> bool {
        self.emoji && matches!(c, '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
    }
}

/// Whether a joiner changes how its neighbours look, so that nothing is hidden in it: between two emoji, or as
/// RFC 5892 has it in domain names (A.1 and A.2): behind a virama (here: and before a letter of the same script), or
/// a non-joiner between Arabic letters of which the first would join the second.
fn joins(before: Before, joiner: char, next: Option<char>) -> bool {
    let Some(next) = next else { return false };
    let of_arabic = || joiner == '\u{200c}' && joins_next(before.last) && is_arabic(next);
    let of_emoji = || joiner == '\u{200d}' && before.emoji && is_emoji(next);
    let of_indic = || is_virama(before.last) && next.is_alphabetic() && script(before.last) == script(next);
    of_arabic() || of_emoji() || of_indic()
}

/// Whether a variation selector has something to select: a picture or a letter form of an emoji, or the picture of a
/// key cap.
fn selects(before: Before, selector: char, next: Option<char>) -> bool {
    match (before.last, selector) {
        ('0'..='9' | '#' | '*', '\u{fe0f}') => next == Some('\u{20e3}'),
        (last, '\u{fe0e}' | '\u{fe0f}') => is_emoji(last),
        _ => false,
    }
}

/// The Indian scripts from Devanagari to Sinhala have 128 characters each.
fn script(c: char) -> u32 {
    u32::from(c) >> 7
}

/// The sign that takes a consonant's vowel away, in the scripts from Devanagari to Sinhala.
fn is_virama(c: char) -> bool {
    let number = u32::from(c);
    matches!(number, 0x900..=0xd7f) && number & 0x7f == 0x4d || number == 0xdca
}

/// Letters of the Arabic script, which is also that of Persian and Urdu.
fn is_arabic(c: char) -> bool {
    c.is_alphabetic() && matches!(c, '\u{620}'..='\u{6ff}' | '\u{750}'..='\u{77f}')
}

/// Arabic letters that join the letter after them: all but those that Unicode calls right-joining or non-joining.
fn joins_next(c: char) -> bool {
    is_arabic(c)
        && !matches!(c,
            '\u{621}'..='\u{625}' | '\u{627}' | '\u{629}' | '\u{62f}'..='\u{632}' | '\u{648}' | '\u{671}'..='\u{677}'
            | '\u{688}'..='\u{699}' | '\u{6c0}' | '\u{6c3}'..='\u{6cb}' | '\u{6cd}' | '\u{6cf}'
            | '\u{6d2}'..='\u{6d5}' | '\u{6ee}' | '\u{6ef}' | '\u{759}'..='\u{75b}' | '\u{76b}' | '\u{76c}'
            | '\u{771}' | '\u{773}' | '\u{774}' | '\u{778}' | '\u{779}')
}

/// Characters that are shown as pictures, or can be.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{21aa}'
        | '\u{231a}'..='\u{23ff}' | '\u{24c2}' | '\u{25aa}'..='\u{25fe}' | '\u{2600}'..='\u{27bf}'
        | '\u{2934}' | '\u{2935}' | '\u{2b05}'..='\u{2b55}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
        | '\u{1f000}'..='\u{1faff}')
}

/// Characters of the Unicode categories Cc, Cf, Zl, Zp and Co, noncharacters, and letters that show
/// as nothing.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{16fe4}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{10ffff}')
        || u32::from(c) & 0xfffe == 0xfffe
}
