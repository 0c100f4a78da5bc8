//! Reading TOML key by key, so that an error can name line and reason and never what stands there.
//!
//! The parser's own messages quote the line that they complain about, which may hold a secret; here only its
//! positions are used.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Why a document is not understood. Names what is wrong, and never quotes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unparsed {
    /// It does not say what it must.
    Content {
        /// Which line of it, from 1, where that is known.
        line: Option<usize>,
        /// What is wrong there.
        reason: String,
    },
    /// A newer release wrote it in a format that this one does not know.
    Newer,
}

impl Unparsed {
    /// What is wrong with the document as a whole.
    pub fn whole(reason: impl Into<String>) -> Self {
        Self::Content {
            line: None,
            reason: reason.into(),
        }
    }
}

/// The text of a document.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    text: &'a str,
}

impl<'a> Source<'a> {
    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// They are not UTF-8.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Unparsed> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text }),
            Err(error) => Err(Unparsed::Content {
                line: Some(line_at(bytes, error.valid_up_to())),
                reason: "not UTF-8".to_owned(),
            }),
        }
    }

    /// Takes the text of a file.
    #[must_use]
    pub const fn of_text(text: &'a str) -> Self {
        Self { text }
    }

    /// Takes the bytes of a record, which no editor has written.
    ///
    /// # Errors
    /// They are not UTF-8, or begin with a byte order mark.
    pub fn of_record(bytes: &'a [u8]) -> Result<Self, Unparsed> {
        let source = Self::new(bytes)?;
        if source.text.starts_with('\u{feff}') {
            return Err(source.fault(&(0..0), "begins with a byte order mark"));
        }
        Ok(source)
    }

    /// The document without lines that are blank or only a comment, which is most of a policy file: a login takes longer to
    /// read them than to read the rest. It says the same, on other lines: where something is wrong, the whole document tells
    /// where.
    #[must_use]
    pub fn in_short(self) -> String {
        // No comment may hold such a character; it is left to be refused.
        let odd = |byte: u8| byte.is_ascii_control() && byte != b'\n' && byte != b'\t';
        let any_odd = |found: u8, byte: &u8| found | u8::from(odd(*byte));
        if self.text.as_bytes().iter().fold(0, any_odd) != 0 {
            return self.text.to_owned();
        }
        let mut short = String::with_capacity(self.text.len());
        let mut rest = self.text;
        while !rest.is_empty() {
            let line;
            (line, rest) = rest.split_at(length_of_line(rest));
            let content = line.trim_ascii_start();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            // It may begin a string of several lines, in which nothing is a comment.
            if ["\"\"\"", "'''"]
                .iter()
                .any(|quotes| content.contains(quotes))
            {
                return self.text.to_owned();
            }
            short.push_str(line);
        }
        // A byte order mark that was not the first of all would be now, and be taken.
        if short.starts_with('\u{feff}') {
            return self.text.to_owned();
        }
        short
    }

    /// An error at a position of the document.
    fn fault(&self, span: &Range<usize>, reason: impl Into<String>) -> Unparsed {
        Unparsed::Content {
            line: Some(line_at(self.text.as_bytes(), span.start)),
            reason: reason.into(),
        }
    }

    /// The top of the document.
    ///
    /// # Errors
    /// It is not TOML.
    pub fn root(self) -> Result<Section<'a>, Unparsed> {
        match DeTable::parse(self.text) {
            Ok(table) => Ok(Section {
                source: self,
                span: 0..0,
                table: table.into_inner(),
                known: Vec::new(),
            }),
            Err(error) => {
                let reason = "not valid TOML, or a key given twice";
                Err(error
                    .span()
                    .map_or_else(|| Unparsed::whole(reason), |span| self.fault(&span, reason)))
            }
        }
    }
}

/// A table of which keys are taken one by one; whatever is left at the [`end`](Section::end) is unknown.
pub struct Section<'a> {
    source: Source<'a>,
    span: Range<usize>,
    table: DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Takes a key and reads its value; `None`: the key is not there.
    ///
    /// # Errors
    /// The value is not one that `read` takes.
    pub fn take<T, R: Into<String>>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'a>) -> Result<T, R>,
    ) -> Result<Option<T>, Unparsed> {
        self.known.push(key);
        let Some(value) = self.table.remove(key) else {
            return Ok(None);
        };
        read(value.get_ref())
            .map(Some)
            .map_err(|reason| self.source.fault(&value.span(), reason))
    }

    /// Takes a key that must be there.
    ///
    /// # Errors
    /// It is not, or its value is not one that `read` takes.
    pub fn require<T, R: Into<String>>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'a>) -> Result<T, R>,
    ) -> Result<T, Unparsed> {
        self.take(key, read)?.ok_or_else(|| {
            self.source
                .fault(&self.span, format!("the key '{key}' is missing"))
        })
    }

    /// Takes the version of a record's file. It comes first: what a newer one means by the other keys is not ours to
    /// judge.
    ///
    /// # Errors
    /// There is none that this release knows.
    pub fn version(&mut self, newest: u64) -> Result<u64, Unparsed> {
        let version = self.require("version", |value| match number(value)? {
            0 => Err("version 0 does not exist"),
            version => Ok(version),
        })?;
        if version > newest {
            return Err(Unparsed::Newer);
        }
        Ok(version)
    }

    /// Takes a table; `None`: it is not there.
    ///
    /// # Errors
    /// Something else has that key.
    pub fn section(&mut self, key: &'static str) -> Result<Option<Section<'a>>, Unparsed> {
        self.known.push(key);
        self.table
            .remove(key)
            .map(|value| self.inner(value))
            .transpose()
    }

    /// Takes an array of tables; empty when it is not there.
    ///
    /// # Errors
    /// Something else has that key.
    pub fn sections(&mut self, key: &'static str) -> Result<Vec<Section<'a>>, Unparsed> {
        self.known.push(key);
        let Some(value) = self.table.remove(key) else {
            return Ok(Vec::new());
        };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(array) => array.into_iter().map(|value| self.inner(value)).collect(),
            _ => Err(self.source.fault(&span, "must be an array of tables")),
        }
    }

    /// Takes every key that is left as a name with a table, sorted by the names.
    ///
    /// # Errors
    /// `read` takes one of the names for none, or something else has it.
    pub fn named<N, R: Into<String>>(
        &mut self,
        read: impl Fn(&str) -> Result<N, R>,
    ) -> Result<Vec<(N, Section<'a>)>, Unparsed> {
        let tables = std::mem::take(&mut self.table).into_iter();
        let named = tables.map(|(name, value)| {
            let read = read(name.get_ref());
            let read = read.map_err(|reason| self.source.fault(&name.span(), reason))?;
            Ok((read, self.inner(value)?))
        });
        named.collect()
    }

    /// Takes every key that is left as a name with a value, sorted by the names.
    ///
    /// # Errors
    /// `name` takes one of the names for none, or `read` does not take a value.
    pub fn entries<N, T, R: Into<String>>(
        &mut self,
        name: impl Fn(&str) -> Result<N, R>,
        read: impl Fn(&DeValue<'a>) -> Result<T, R>,
    ) -> Result<Vec<(N, T)>, Unparsed> {
        let values = std::mem::take(&mut self.table).into_iter();
        let entries = values.map(|(key, value)| {
            let named = name(key.get_ref());
            let named = named.map_err(|reason| self.source.fault(&key.span(), reason))?;
            let value_read = read(value.get_ref());
            let value_read =
                value_read.map_err(|reason| self.source.fault(&value.span(), reason))?;
            Ok((named, value_read))
        });
        entries.collect()
    }

    fn inner(&self, value: Spanned<DeValue<'a>>) -> Result<Section<'a>, Unparsed> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Ok(Section {
                source: self.source,
                span,
                table,
                known: Vec::new(),
            }),
            _ => Err(self.source.fault(&span, "must be a table")),
        }
    }

    /// An error about this table as a whole.
    pub fn fault(&self, reason: impl Into<String>) -> Unparsed {
        self.source.fault(&self.span, reason)
    }

    /// Ends the table: any key that was not taken is an error.
    ///
    /// # Errors
    /// There is one.
    pub fn end(self) -> Result<(), Unparsed> {
        match self
            .table
            .keys()
            .map(Spanned::span)
            .min_by_key(|span| span.start)
        {
            None => Ok(()),
            Some(span) => Err(self.source.fault(
                &span,
                format!("unknown key; known here are {}", self.known.join(", ")),
            )),
        }
    }
}

/// How long the first line is, with its end. Eight bytes at once: most of a policy file is comments, and what `str` looks by
/// takes twice as long for lines that are this short.
fn length_of_line(text: &str) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (words, rest) = text.as_bytes().as_chunks();
    for (at, word) in words.iter().enumerate() {
        // Zero where the end is. What is found first is one: a borrow comes from below.
        let other = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'\n'));
        let ends = other.wrapping_sub(ONES) & !other & (ONES << 7);
        if ends != 0 {
            return 8 * at + ends.trailing_zeros() as usize / 8 + 1;
        }
    }
    let end = rest.iter().position(|&byte| byte == b'\n');
    end.map_or(text.len(), |end| 8 * words.len() + end + 1)
}

/// The number of the line, from 1, that the byte at `position` stands on.
fn line_at(bytes: &[u8], position: usize) -> usize {
    let before = bytes.get(..position).unwrap_or(bytes);
    before.split(|&byte| byte == b'\n').count()
}

/// Reads a string.
///
/// # Errors
/// It is something else.
pub fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, &'static str> {
    value.as_str().ok_or("must be a string")
}

/// Reads a whole number, zero or more, in any notation of TOML's; its integers have 64 bits and a sign.
///
/// # Errors
/// It is something else.
pub fn number(value: &DeValue<'_>) -> Result<u64, &'static str> {
    let reason = "must be a whole number, zero or more";
    let integer = value.as_integer().ok_or(reason)?;
    let signed = i64::from_str_radix(integer.as_str(), integer.radix());
    signed
        .ok()
        .and_then(|number| u64::try_from(number).ok())
        .ok_or(reason)
}

/// Reads `true` or `false`.
///
/// # Errors
/// It is something else.
pub fn truth(value: &DeValue<'_>) -> Result<bool, &'static str> {
    value.as_bool().ok_or("must be true or false")
}

/// Reads a list of strings.
///
/// # Errors
/// It is something else.
pub fn texts(value: &DeValue<'_>) -> Result<Vec<String>, &'static str> {
    let reason = "must be a list of strings";
    let list = value.as_array().ok_or(reason)?;
    list.iter()
        .map(|one| one.get_ref().as_str().map(str::to_owned).ok_or(reason))
        .collect()
}

#[cfg(test)]
mod tests;
