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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_character_counts_twice() {
        let rows = [["사용자", "x"], ["alice", "y"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "사용자  x\nalice   y\n");
    }
}
