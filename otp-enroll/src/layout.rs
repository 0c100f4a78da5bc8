//! Columns that line up, also where a character takes two of them (Hangul does).

use unicode_width::UnicodeWidthStr;
use zeroize::Zeroizing;

/// Spaces between two columns.
const GAP: usize = 2;

/// The width of a column that holds these texts, the gap after it included.
fn line_up<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(UnicodeWidthStr::width).max().unwrap_or(0) + GAP
}

/// The text, filled up with spaces to `width` columns.
fn pad(text: &str, width: usize) -> String {
    let fill = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(fill))
}

/// Values under each other, each behind its label. Wiped on drop: a value may be a secret.
pub fn labelled(rows: &[(String, &str)]) -> Zeroizing<String> {
    let width = line_up(rows.iter().map(|(label, _)| label.as_str()));
    // Sized beforehand, so that no copy of a secret is left behind by growing.
    let room = rows
        .iter()
        .map(|(label, value)| label.len() + width + value.len() + 1)
        .sum();
    let mut text = Zeroizing::new(String::with_capacity(room));
    for (label, value) in rows {
        text.push_str(&pad(label, width));
        text.push_str(value);
        text.push('\n');
    }
    text
}

/// Rows of cells, each column as wide as its widest cell. No space at the end of a line.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|at| {
            line_up(
                rows.iter()
                    .filter_map(|row| row.get(at))
                    .map(String::as_str),
            )
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let line: String = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| pad(cell, width))
            .collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Breaks a sentence into lines of at most `columns`, at its spaces. A longer word keeps a line of its own.
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
    fn a_wide_character_counts_twice() {
        let rows = [["사용자", "x"], ["alice", "y"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "사용자  x\nalice   y\n");
    }

    #[test]
    fn a_sentence_is_broken_at_its_spaces_and_loses_nothing() {
        assert_eq!(wrap("one two three", 7), "one two\nthree");
        assert_eq!(wrap("인증 앱으로 스캔", 11), "인증 앱으로\n스캔");
        assert_eq!(wrap("/a/long/path is there", 8), "/a/long/path\nis there");
        assert_eq!(wrap("code: ", 80), "code: ");
        assert_eq!(wrap("", 80), "");
    }
}
