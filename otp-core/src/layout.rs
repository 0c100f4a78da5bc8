//! Sentences on a screen, where a character may take two columns (Hangul does).

use unicode_width::UnicodeWidthStr;

/// Breaks a sentence at its spaces into lines of at most `columns`. A longer word gets a line of its own.
#[must_use]
pub fn wrap(sentence: &str, columns: usize) -> String {
    let mut text = String::new();
    let mut used = 0;
    for word in sentence.split(' ') {
        let width = word.width();
        if used > 0 && used + 1 + width > columns {
            text.push('\n');
            used = 0;
        } else if !text.is_empty() {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += width;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_wrapped_at_its_spaces_and_loses_nothing() {
        assert_eq!(wrap("one two three", 7), "one two\nthree");
        assert_eq!(wrap("one two three", 6), "one\ntwo\nthree");
        assert_eq!(wrap("a b c d e f", 5), "a b c\nd e f");
        assert_eq!(wrap("인증 앱으로 스캔", 11), "인증 앱으로\n스캔");
        assert_eq!(wrap("/a/long/path is there", 8), "/a/long/path\nis there");
        assert_eq!(wrap("code: ", 80), "code: ");
        assert_eq!(wrap("", 80), "");
    }
}
