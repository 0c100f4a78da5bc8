//! Reading TOML key by key, so that an error can name file, line and reason and never what stands there.
//!
//! The parser's own messages quote the line that they complain about, which may hold a secret; here only its
//! positions are used.

use crate::Error;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where a document comes from, for errors.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub path: &'a str,
    text: &'a str,
}

impl<'a> Source<'a> {
    /// Takes the bytes of a file.
    pub(crate) fn new(path: &'a str, bytes: &'a [u8]) -> Result<Self, Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { path, text }),
            Err(error) => {
                let line = line_at(bytes, error.valid_up_to());
                Err(Error::content(path, Some(line), "not UTF-8"))
            }
        }
    }

    /// An error at a position of the document.
    pub(crate) fn fault(&self, span: &Range<usize>, reason: impl Into<String>) -> Error {
        let line = line_at(self.text.as_bytes(), span.start);
        Error::content(self.path, Some(line), reason)
    }

    /// The top of the document.
    pub(crate) fn root(self) -> Result<Section<'a>, Error> {
        match DeTable::parse(self.text) {
            Ok(table) => Ok(Section {
                source: self,
                span: 0..0,
                table: table.into_inner(),
                known: Vec::new(),
            }),
            Err(error) => {
                let reason = "not valid TOML, or a key given twice";
                Err(error.span().map_or_else(
                    || Error::content(self.path, None, reason),
                    |span| self.fault(&span, reason),
                ))
            }
        }
    }
}

/// A table of which keys are taken one by one; whatever is left at the [`end`](Section::end) is unknown.
pub(crate) struct Section<'a> {
    source: Source<'a>,
    span: Range<usize>,
    table: DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Takes a key and reads its value; `None`: the key is not there.
    pub(crate) fn take<T, R: Into<String>>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'a>) -> Result<T, R>,
    ) -> Result<Option<T>, Error> {
        self.known.push(key);
        let Some(value) = self.table.remove(key) else {
            return Ok(None);
        };
        read(value.get_ref())
            .map(Some)
            .map_err(|reason| self.source.fault(&value.span(), reason))
    }

    /// Takes a key that must be there.
    pub(crate) fn require<T, R: Into<String>>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'a>) -> Result<T, R>,
    ) -> Result<T, Error> {
        self.take(key, read)?.ok_or_else(|| {
            self.source
                .fault(&self.span, format!("the key '{key}' is missing"))
        })
    }

    /// Takes the version of a record's file. It comes first: what a newer one means by the other keys is not ours to
    /// judge.
    pub(crate) fn version(&mut self, newest: u64) -> Result<(), Error> {
        let version = self.require("version", |value| match number(value)? {
            0 => Err("version 0 does not exist"),
            version => Ok(version),
        })?;
        if version > newest {
            let path = self.source.path.to_owned();
            return Err(Error::Newer { path });
        }
        Ok(())
    }

    /// Takes a table; `None`: it is not there.
    pub(crate) fn section(&mut self, key: &'static str) -> Result<Option<Section<'a>>, Error> {
        self.known.push(key);
        self.table
            .remove(key)
            .map(|value| self.inner(value))
            .transpose()
    }

    /// Takes an array of tables; empty when it is not there.
    pub(crate) fn sections(&mut self, key: &'static str) -> Result<Vec<Section<'a>>, Error> {
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

    fn inner(&self, value: Spanned<DeValue<'a>>) -> Result<Section<'a>, Error> {
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
    pub(crate) fn fault(&self, reason: impl Into<String>) -> Error {
        self.source.fault(&self.span, reason)
    }

    /// Ends the table: any key that was not taken is an error.
    pub(crate) fn end(self) -> Result<(), Error> {
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

/// The number of the line, from 1, that the byte at `position` stands on.
fn line_at(bytes: &[u8], position: usize) -> usize {
    let before = bytes.get(..position).unwrap_or(bytes);
    before.split(|&byte| byte == b'\n').count()
}

/// Reads a string.
pub(crate) fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, &'static str> {
    value.as_str().ok_or("must be a string")
}

/// Reads a whole number, zero or more.
pub(crate) fn number(value: &DeValue<'_>) -> Result<u64, &'static str> {
    let reason = "must be a whole number, zero or more";
    let integer = value.as_integer().ok_or(reason)?;
    u64::from_str_radix(integer.as_str(), integer.radix()).map_err(|_| reason)
}

/// Reads `true` or `false`.
pub(crate) fn truth(value: &DeValue<'_>) -> Result<bool, &'static str> {
    value.as_bool().ok_or("must be true or false")
}

/// Reads a list of strings.
pub(crate) fn texts(value: &DeValue<'_>) -> Result<Vec<String>, &'static str> {
    let reason = "must be a list of strings";
    let list = value.as_array().ok_or(reason)?;
    list.iter()
        .map(|one| one.get_ref().as_str().map(str::to_owned).ok_or(reason))
        .collect()
}
