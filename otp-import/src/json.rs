//! Reads JSON into texts that are wiped.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use zeroize::Zeroizing;

/// A JSON value, as far as it can hold keys.
pub(crate) enum Value {
    Text(Zeroizing<String>),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
    Nothing,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(number.to_string())))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = object.next_entry()? {
            fields.push(field);
        }
        Ok(Value::Object(fields))
    }
}

/// Returns the values of a text, each with its line: the elements of a list, or values one after the other (JSON
/// Lines).
pub(crate) fn values(text: &str) -> Result<Vec<(usize, Value)>, usize> {
    let mut cursor = Cursor {
        text,
        at: 0,
        line: 1,
        counted: 0,
    };
    let mut found = Vec::new();
    if cursor.next_is('[') {
        cursor.at += 1;
        if cursor.next_is(']') {
            cursor.at += 1;
        } else {
            loop {
                found.push(cursor.value()?);
                if cursor.next_is(',') {
                    cursor.at += 1;
                } else if cursor.next_is(']') {
                    cursor.at += 1;
                    break;
                } else {
                    return Err(cursor.line());
                }
            }
        }
    } else {
        while !cursor.rest().is_empty() {
            found.push(cursor.value()?);
        }
    }
    if cursor.rest().is_empty() {
        Ok(found)
    } else {
        Err(cursor.line())
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    counted: usize,
}

impl<'a> Cursor<'a> {
    /// Returns the remaining text, without leading space.
    fn rest(&mut self) -> &'a str {
        let rest = self.text[self.at..].trim_start_matches([' ', '\t', '\r', '\n']);
        self.at = self.text.len() - rest.len();
        rest
    }

    fn next_is(&mut self, c: char) -> bool {
        self.rest().starts_with(c)
    }

    /// Returns the line of the next value.
    fn line(&mut self) -> usize {
        let rest = self.rest().len();
        let here = self.text.len() - rest;
        self.line += self.text[self.counted..here].matches('\n').count();
        self.counted = here;
        self.line
    }

    fn value(&mut self) -> Result<(usize, Value), usize> {
        let line = self.line();
        let mut stream = serde_json::Deserializer::from_str(self.rest()).into_iter();
        match stream.next() {
            Some(Ok(value)) => {
                self.at += stream.byte_offset();
                Ok((line, value))
            }
            Some(Err(error)) => Err(line + error.line().saturating_sub(1)),
            None => Err(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Result<Vec<usize>, usize> {
        values(text).map(|found| found.into_iter().map(|(line, _)| line).collect())
    }

    #[test]
    fn values_are_found_with_their_lines() {
        assert_eq!(lines("[]"), Ok(vec![]));
        assert_eq!(
            lines(" [\n{\"a\": 1},\n\n\"b\", 3.5,\n[null, true, -1]]\n"),
            Ok(vec![2, 4, 4, 5])
        );
        assert_eq!(lines("{\"a\":\n1}\n{\"b\": 2}\n"), Ok(vec![1, 3]));
    }

    #[test]
    fn invalid_json_is_reported_with_its_line() {
        for (text, line) in [
            ("[\n{\"a\": 1}\n{}]", 3),
            ("[\n1,\n]", 3),
            ("{\n\"a\": x}", 2),
            ("[1]\n\nx", 3),
            ("[1", 1),
        ] {
            assert_eq!(lines(text), Err(line), "{text:?}");
        }
        // Any depth of nesting is safe: the reader has a limit, so the stack does not overflow.
        assert!(lines(&"[".repeat(100_000)).is_err());
        assert!(lines(&"{\"a\":".repeat(100_000)).is_err());
    }
}
