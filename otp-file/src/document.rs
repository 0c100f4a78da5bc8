//! Reads TOML key by key, so that an error can name the line and the reason and never quotes the content.
//!
//! The parser's own messages quote the line that they complain about, which may hold a secret. Only their positions
//! are used here.

use otp_core::messages::reason::{Reason, Unfit};
use otp_core::record::Language;
use std::fmt::Display;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Why a document cannot be understood. It names the fault and never quotes the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unparsed {
    /// The content is invalid.
    Content {
        /// The line, counted from 1, if it is known.
        line: Option<usize>,
        /// The fault on that line.
        reason: Reason,
    },
    /// A newer release wrote the document in a format that this one does not know.
    Newer,
}

impl Unparsed {
    /// Makes an error about the document as a whole.
    pub fn whole(reason: impl Into<Reason>) -> Self {
        Self::Content {
            line: None,
            reason: reason.into(),
        }
    }

    /// Returns the text of this error in the file of a configuration, in this language.
    #[must_use]
    pub fn at(&self, place: impl Display, language: Language) -> String {
        match self {
            Self::Content { line, reason } => reason.at(place, *line, language),
            Self::Newer => Reason::from(Unfit::Newer).at(place, None, language),
        }
    }
}

/// The text of a document.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    text: &'a str,
}

impl<'a> Source<'a> {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// The bytes are not UTF-8.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Unparsed> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text }),
            Err(error) => Err(Unparsed::Content {
                line: Some(line_at(bytes, error.valid_up_to())),
                reason: Unfit::NotUtf8.into(),
            }),
        }
    }

    /// Takes a text that is already decoded.
    #[must_use]
    pub const fn of_text(text: &'a str) -> Self {
        Self { text }
    }

    /// Reads the bytes of a record, which programs write and editors do not.
    ///
    /// # Errors
    /// The bytes are not UTF-8, or begin with a byte order mark.
    pub fn of_record(bytes: &'a [u8]) -> Result<Self, Unparsed> {
        let source = Self::new(bytes)?;
        if source.text.starts_with('\u{feff}') {
            return Err(source.fault(&(0..0), Unfit::ByteOrderMark));
        }
        Ok(source)
    }

    /// Returns the document without blank lines and lines that are only a comment.
    ///
    /// Most of a policy file is such lines, and a login takes longer to parse them than the rest. The result means
    /// the same, but its line numbers differ: to report an error, parse the whole document.
    #[must_use]
    pub fn in_short(self) -> String {
        // No comment may hold such a character; the parser must see it and refuse it.
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
            // The line may begin a string of several lines, in which nothing is a comment.
            if ["\"\"\"", "'''"]
                .iter()
                .any(|quotes| content.contains(quotes))
            {
                return self.text.to_owned();
            }
            short.push_str(line);
        }
        // A byte order mark that was not at the start of the document would be now, and the parser would accept it.
        if short.starts_with('\u{feff}') {
            return self.text.to_owned();
        }
        short
    }

    /// Makes an error at a position of the document.
    fn fault(&self, span: &Range<usize>, reason: impl Into<Reason>) -> Unparsed {
        Unparsed::Content {
            line: Some(line_at(self.text.as_bytes(), span.start)),
            reason: reason.into(),
        }
    }

    /// Parses the document and returns its top table.
    ///
    /// # Errors
    /// The document is not TOML.
    pub fn root(self) -> Result<Section<'a>, Unparsed> {
        match DeTable::parse(self.text) {
            Ok(table) => Ok(Section {
                source: self,
                span: 0..0,
                table: table.into_inner(),
                known: Vec::new(),
            }),
            Err(error) => {
                let reason = Unfit::NotToml;
                Err(error
                    .span()
                    .map_or_else(|| Unparsed::whole(reason), |span| self.fault(&span, reason)))
            }
        }
    }
}

/// A table whose keys are taken one by one; a key that is left at the [`end`](Section::end) is unknown.
pub struct Section<'a> {
    source: Source<'a>,
    span: Range<usize>,
    table: DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Takes a key and reads its value; `None` if the key is absent.
    ///
    /// # Errors
    /// `read` does not accept the value.
    pub fn take<T, R: Into<Reason>>(
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

    /// Takes a key that must be present.
    ///
    /// # Errors
    /// The key is absent, or `read` does not accept its value.
    pub fn require<T, R: Into<Reason>>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'a>) -> Result<T, R>,
    ) -> Result<T, Unparsed> {
        self.take(key, read)?
            .ok_or_else(|| self.source.fault(&self.span, Reason::KeyMissing { key }))
    }

    /// Takes the version of a record's file. Call it first: only the release that wrote a newer version knows what
    /// the other keys mean.
    ///
    /// # Errors
    /// The version is missing or invalid, or newer than this release knows.
    pub fn version(&mut self, newest: u64) -> Result<u64, Unparsed> {
        let version = self.require("version", |value| match number(value)? {
            0 => Err(Unfit::VersionZero),
            version => Ok(version),
        })?;
        if version > newest {
            return Err(Unparsed::Newer);
        }
        Ok(version)
    }

    /// Takes a table; `None` if the key is absent.
    ///
    /// # Errors
    /// The value is not a table.
    pub fn section(&mut self, key: &'static str) -> Result<Option<Section<'a>>, Unparsed> {
        self.known.push(key);
        self.table
            .remove(key)
            .map(|value| self.inner(value))
            .transpose()
    }

    /// Takes an array of tables; empty if the key is absent.
    ///
    /// # Errors
    /// The value is not an array of tables.
    pub fn sections(&mut self, key: &'static str) -> Result<Vec<Section<'a>>, Unparsed> {
        self.known.push(key);
        let Some(value) = self.table.remove(key) else {
            return Ok(Vec::new());
        };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(array) => array.into_iter().map(|value| self.inner(value)).collect(),
            _ => Err(self.source.fault(&span, Unfit::NotTables)),
        }
    }

    /// Takes every remaining key as a name that has a table, sorted by name.
    ///
    /// # Errors
    /// `read` does not accept a name, or a value is not a table.
    pub fn named<N, R: Into<Reason>>(
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

    /// Takes every remaining key as a name that has a value, sorted by name.
    ///
    /// # Errors
    /// `name` does not accept a key, or `read` does not accept a value.
    pub fn entries<N, T, R: Into<Reason>>(
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
            _ => Err(self.source.fault(&span, Unfit::NotATable)),
        }
    }

    /// Makes an error about this table as a whole.
    pub fn fault(&self, reason: impl Into<Reason>) -> Unparsed {
        self.source.fault(&self.span, reason)
    }

    /// Ends the table: a key that was not taken is an error.
    ///
    /// # Errors
    /// A key is unknown.
    pub fn end(self) -> Result<(), Unparsed> {
        match self
            .table
            .keys()
            .map(Spanned::span)
            .min_by_key(|span| span.start)
        {
            None => Ok(()),
            Some(span) => Err(self
                .source
                .fault(&span, Reason::UnknownKey { known: self.known })),
        }
    }
}

/// Returns the length of the first line, including its line end.
///
/// It looks at eight bytes at once. Most of a policy file is comments, and the search of `str` takes twice as long
/// for lines this short.
fn length_of_line(text: &str) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (words, rest) = text.as_bytes().as_chunks();
    for (at, word) in words.iter().enumerate() {
        // Zero at each line end. A borrow can mark bytes above a line end too, but the first byte marked is one.
        let other = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'\n'));
        let ends = other.wrapping_sub(ONES) & !other & (ONES << 7);
        if ends != 0 {
            return 8 * at + ends.trailing_zeros() as usize / 8 + 1;
        }
    }
    let end = rest.iter().position(|&byte| byte == b'\n');
    end.map_or(text.len(), |end| 8 * words.len() + end + 1)
}

/// Returns the number, from 1, of the line that holds the byte at `position`.
fn line_at(bytes: &[u8], position: usize) -> usize {
    let before = bytes.get(..position).unwrap_or(bytes);
    before.split(|&byte| byte == b'\n').count()
}

/// Reads a string.
///
/// # Errors
/// The value is not a string.
pub fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Unfit> {
    value.as_str().ok_or(Unfit::NotText)
}

/// Reads a whole number, zero or more, in any notation of TOML, whose integers are signed and have 64 bits.
///
/// # Errors
/// The value is not such a number.
pub fn number(value: &DeValue<'_>) -> Result<u64, Unfit> {
    let reason = Unfit::NotANumber;
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
/// The value is neither.
pub fn truth(value: &DeValue<'_>) -> Result<bool, Unfit> {
    value.as_bool().ok_or(Unfit::NotTruth)
}

/// Reads a list of strings.
///
/// # Errors
/// The value is not a list of strings.
pub fn texts(value: &DeValue<'_>) -> Result<Vec<String>, Unfit> {
    let reason = Unfit::NotTexts;
    let list = value.as_array().ok_or(reason)?;
    list.iter()
        .map(|one| one.get_ref().as_str().map(str::to_owned).ok_or(reason))
        .collect()
}

#[cfg(test)]
mod tests;
