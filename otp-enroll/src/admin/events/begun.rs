//! Records that belong together: what was begun and what it came to.
//!
//! The helper writes a line before an attempt or a change, and one after it, with the same id; the module that has asked it
//! one more, if it hears no answer. They are one record: what the helper says of the end. Held back is only what was begun a
//! moment ago, and never more than a few.

use super::Record;
use otp_core::event::Event;
use std::collections::VecDeque;
use std::time::Duration;

/// How much longer than the helper lives an outcome is waited for.
const LONGEST: Duration = Duration::from_secs(120);
/// How many are held back, or remembered.
const MOST: usize = 1000;

/// What was begun, and what has ended, a moment ago.
#[derive(Default)]
pub struct Begun {
    waiting: VecDeque<Record>,
    ended: VecDeque<(String, String)>,
}

impl Begun {
    /// What is to be told, now that this record has come.
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
        // By the same process: the id alone could be that of an attempt whose helper was killed.
        let of_it = self
            .waiting
            .iter()
            .position(|begun| begun.pid == record.pid && self::key(begun).as_ref() == Some(&key));
        if let Some(at) = of_it {
            self.waiting.remove(at);
        }
        // What the module says of an answer that it has not heard, of an attempt whose end is known.
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

    /// What has never ended.
    pub fn end(&mut self) -> VecDeque<Record> {
        std::mem::take(&mut self.waiting)
    }
}

/// What the records of one attempt or change have in common. Whose it is belongs to it, since the id comes from a program
/// that may be a user's own.
fn key(record: &Record) -> Option<(String, String)> {
    let value = |key| record.read.value(key).map(str::to_owned);
    let account = value("account").or_else(|| value("user"))?;
    Some((value("id")?, account))
}
