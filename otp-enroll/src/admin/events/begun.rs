//! Joins log entries that belong together: the beginning and the end of an attempt or a change.
//!
//! The helper writes a line before an attempt or a change, and one after it, with the same id. The module that has
//! asked it adds one if it gets no answer. They become one entry: the helper's line about the end. Only lines about a
//! recent beginning are held back, and never more than a thousand.

use super::Record;
use otp_core::event::Event;
use std::collections::VecDeque;
use std::time::Duration;

/// How much longer than the helper's life the end of an attempt is waited for.
const LONGEST: Duration = Duration::from_secs(120);
/// The number of lines that are held back, or remembered.
const MOST: usize = 1000;

/// The recent beginnings and ends.
#[derive(Default)]
pub struct Begun {
    waiting: VecDeque<Record>,
    ended: VecDeque<(String, String)>,
}

impl Begun {
    /// Takes the next entry, and returns the entries that can be printed now.
    pub fn then(&mut self, record: Record) -> Vec<Record> {
        let mut told = Vec::new();
        while let Some(first) = self.waiting.front() {
            let is_over = first.when.until(record.when) > LONGEST;
            if !is_over && self.waiting.len() <= MOST {
                break;
            }
            told.extend(self.waiting.pop_front());
        }
        let Some(key) = key(&record) else {
            told.push(record);
            return told;
        };
        if matches!(record.read.event, Event::Attempt | Event::Changing) {
            self.waiting.push_back(record);
            return told;
        }
        // The process must be the same: the id alone could be that of an attempt whose helper was killed.
        let of_it = self
            .waiting
            .iter()
            .position(|begun| begun.pid == record.pid && self::key(begun).as_ref() == Some(&key));
        if let Some(at) = of_it {
            self.waiting.remove(at);
        }
        // The module reports a missing answer, but the end of the attempt is known.
        let is_known = record.read.event == Event::Unavailable && self.ended.contains(&key);
        if !is_known {
            told.push(record);
        }
        self.ended.push_back(key);
        if self.ended.len() > MOST {
            self.ended.pop_front();
        }
        told
    }

    /// Returns the entries that never ended.
    pub fn end(&mut self) -> VecDeque<Record> {
        std::mem::take(&mut self.waiting)
    }
}

/// Returns what the entries of one attempt or change share. The account is a part of it, since the id comes from a
/// program that may be a user's own.
fn key(record: &Record) -> Option<(String, String)> {
    let value = |key| record.read.value(key).map(str::to_owned);
    let account = value("account").or_else(|| value("user"))?;
    Some((value("id")?, account))
}
