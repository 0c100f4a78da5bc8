//! Lays out columns that line up, even if a character is two columns wide (as Hangul is).

use unicode_width::UnicodeWidthStr;
use zeroize::Zeroizing;

/// Spaces between two columns.
const GAP: usize = 2;

/// Returns the width of a column for these texts, including the gap after it.
fn line_up<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(UnicodeWidthStr::width).max().unwrap_or(0) + GAP
}

/// Fills a text with spaces to `width` columns, and always adds a gap.
fn pad(text: &str, width: usize) -> String {
    let fill = width.saturating_sub(text.width()).max(GAP);
    format!("{text}{}", " ".repeat(fill))
}

/// Lists values, each after its label. The text is wiped on drop: a value may be a secret.
pub fn labelled(rows: &[(String, &str)]) -> Zeroizing<String> {
    let width = line_up(rows.iter().map(|(label, _)| label.as_str()));
    // The capacity is set first, so that growing leaves no copy of a secret behind.
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

/// Lays out rows of cells, each column as wide as its widest cell, without spaces at the end of a line.
pub fn table(rows: &[Vec<String>]) -> String {
    let widths = widths(rows);
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        line_up(cells.map(String::as_str))
    };
    (0..columns).map(width).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths);
    let line: String = cells.map(|(cell, &width)| pad(cell, width)).collect();
    format!("{}\n", line.trim_end())
}

/// The number of rows that are measured before the first is written: most later rows fit the same widths.
const MEASURED: usize = 1000;

/// Rows of cells that are written as they come. The first thousand line up as in a [`table`], and so do later ones
/// that are not wider. Lines without columns come after the rows; once rows are being written, they come in their
/// place.
#[derive(Default)]
pub struct Columns {
    rows: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
    lines: Vec<String>,
}

impl Columns {
    /// Takes a row; returns the text that can be written now.
    pub fn row(&mut self, row: Vec<String>) -> String {
        if let Some(widths) = &self.widths {
            return line(&row, widths);
        }
        self.rows.push(row);
        self.when_full()
    }

    /// Takes a line without columns, with its line end; returns the text that can be written now.
    pub fn line(&mut self, line: String) -> String {
        if self.widths.is_some() {
            return line;
        }
        self.lines.push(line);
        self.when_full()
    }

    fn when_full(&mut self) -> String {
        if self.rows.len() + self.lines.len() < MEASURED {
            return String::new();
        }
        self.lay_out()
    }

    /// Returns the text that is still to be written.
    pub fn lay_out(&mut self) -> String {
        let (rows, lines) = (
            std::mem::take(&mut self.rows),
            std::mem::take(&mut self.lines),
        );
        let text = table(&rows) + &lines.concat();
        self.widths.get_or_insert_with(|| widths(&rows));
        text
    }
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
    fn later_rows_line_up_with_the_first_thousand() {
        let mut columns = Columns::default();
        let row = |first: &str| vec![first.to_owned(), "x".to_owned()];
        let mut text = columns.row(row("head"));
        text += &columns.line("a line\n".to_owned());
        for _ in 2..MEASURED {
            assert_eq!(text, "");
            text = columns.row(row("alice"));
        }
        assert!(text.starts_with("head   x\nalice  x\n"));
        assert!(text.ends_with("alice  x\na line\n"));
        assert_eq!(columns.row(row("bob")), "bob    x\n");
        assert_eq!(columns.row(row("far-too-wide")), "far-too-wide  x\n");
        assert_eq!(columns.line("another\n".to_owned()), "another\n");
        assert_eq!(columns.lay_out(), "");
        let mut few = Columns::default();
        few.row(row("head"));
        few.row(row("김철수"));
        assert_eq!(few.lay_out(), "head    x\n김철수  x\n");
    }
}
