//! Comma-separated values (RFC 4180), read from a text in memory.

use otp_core::messages::import::Flaw;
use zeroize::Zeroizing;

/// A row: the line where it begins, and its cells. Cells may hold keys, so they are wiped.
pub(crate) struct Row {
    pub line: usize,
    pub cells: Vec<Zeroizing<String>>,
}

/// The rows of a text. Cells in quotation marks may hold commas, line ends and doubled marks. Space around a cell is
/// dropped, and empty rows are skipped.
pub(crate) struct Rows<'a> {
    rest: &'a str,
    line: usize,
    separator: char,
}

impl<'a> Rows<'a> {
    pub(crate) const fn of(text: &'a str, separator: char) -> Self {
        Self {
            rest: text,
            line: 1,
            separator,
        }
    }

    fn row(&mut self) -> Result<Row, (usize, Flaw)> {
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            let cell = self.cell().map_err(|flaw| (line, flaw))?;
            cells.push(cell);
            let mut behind = self.rest.chars();
            match behind.next() {
                Some(c) if c == self.separator => self.rest = behind.as_str(),
                Some(_) => {
                    // This is a line end: a cell ends only at a separator or a line end.
                    self.rest = behind.as_str();
                    self.line += 1;
                    return Ok(Row { line, cells });
                }
                None => return Ok(Row { line, cells }),
            }
        }
    }

    fn cell(&mut self) -> Result<Zeroizing<String>, Flaw> {
        let blank = |c: char| matches!(c, ' ' | '\t');
        let start = self.rest.trim_start_matches(blank);
        let Some(mut quoted) = start.strip_prefix('"') else {
            let end = self
                .rest
                .find([self.separator, '\n'])
                .unwrap_or(self.rest.len());
            let cell = self.rest[..end].trim_matches(|c| blank(c) || c == '\r');
            self.rest = &self.rest[end..];
            return Ok(Zeroizing::new(cell.to_owned()));
        };
        // The capacity is set first, so that growing leaves no copy behind.
        let mut cell = Zeroizing::new(String::with_capacity(
            quoted.find('"').map_or(0, |_| longest(quoted)),
        ));
        loop {
            let end = quoted.find('"').ok_or(Flaw::Quotes)?;
            cell.push_str(&quoted[..end]);
            quoted = &quoted[end + 1..];
            match quoted.strip_prefix('"') {
                Some(rest) => {
                    cell.push('"');
                    quoted = rest;
                }
                None => break,
            }
        }
        self.line += cell.matches('\n').count();
        self.rest = quoted.trim_start_matches(|c| blank(c) || c == '\r');
        if self.rest.is_empty() || self.rest.starts_with([self.separator, '\n']) {
            Ok(cell)
        } else {
            Err(Flaw::Quotes)
        }
    }
}

/// Returns how many bytes a quoted cell can hold: up to the first mark that is not doubled.
fn longest(quoted: &str) -> usize {
    let bytes = quoted.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'"', Some(b'"')) => at += 2,
            (b'"', _) => break,
            _ => at += 1,
        }
    }
    at
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, (usize, Flaw)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            match self.row() {
                Ok(row) if row.cells.iter().all(|cell| cell.is_empty()) => {}
                Ok(row) => return Some(Ok(row)),
                Err(fault) => {
                    // After a mark that is not closed, the start of the next row is unknown.
                    self.rest = "";
                    return Some(Err(fault));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(text: &str) -> Vec<(usize, Vec<String>)> {
        let row = |row: Result<Row, _>| {
            row.map_or_else(|_| panic!("{text:?}"), |row| (row.line, row.cells))
        };
        let plain =
            |cells: Vec<Zeroizing<String>>| cells.iter().map(|cell| cell.to_string()).collect();
        Rows::of(text, ',')
            .map(row)
            .map(|(line, cells)| (line, plain(cells)))
            .collect()
    }

    #[test]
    fn cells_are_read_as_the_rfc_specifies() {
        let read = rows("a, b ,\r\n\r\n,,\n\"c,\"\"d\"\"\n e\" ,f\ng");
        let cells = |cells: &[&str]| {
            cells
                .iter()
                .map(|&cell| cell.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            read,
            [
                (1, cells(&["a", "b", ""])),
                (4, cells(&["c,\"d\"\n e", "f"])),
                (6, cells(&["g"]))
            ]
        );
        assert!(rows("").is_empty() && rows("\n , \r\n").is_empty());
    }

    #[test]
    fn a_quote_in_the_wrong_place_is_an_error_and_ends_the_reading() {
        for (text, line) in [("a\n\"b", 2), ("\"a\"b,c\nd", 1), ("x\n\"a\" b\"\n", 2)] {
            let read: Vec<_> = Rows::of(text, ',').collect();
            let Some(Err(fault)) = read.last() else {
                panic!("{text:?}")
            };
            assert_eq!(*fault, (line, Flaw::Quotes), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn written_cells_read_back(cells in prop::collection::vec(prop::collection::vec("[a-z\"\n,;é]{1,6}", 1..4), 0..5)) {
            let quote = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let line = |row: &Vec<String>| row.iter().map(quote).collect::<Vec<_>>().join(",");
            let text = cells.iter().map(line).collect::<Vec<_>>().join("\n");
            let read: Vec<Vec<String>> = rows(&text).into_iter().map(|(_, cells)| cells).collect();
            prop_assert_eq!(read, cells);
        }

        #[test]
        fn reading_ends_for_any_text(text in "[a,\"\n\r ]{0,40}") {
            prop_assert!(Rows::of(&text, ',').count() <= 41);
        }
    }
}
