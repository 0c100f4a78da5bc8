//! Only the newest entries, so that a long log costs no more than its end.

use super::Record;
use super::begun::Begun;
use std::collections::VecDeque;

/// The largest number of lines for one entry: its beginning, its end, and the module's line that it got no answer.
const LINES_OF_ONE: usize = 3;

/// The newest matching lines, the oldest first; enough of them for `count` entries.
pub struct Newest {
    count: usize,
    lines: VecDeque<Record>,
}

impl Newest {
    /// Starts without lines, for `count` entries.
    pub fn new(count: u16) -> Self {
        Self {
            count: count.into(),
            lines: VecDeque::new(),
        }
    }

    /// Starts without lines, for another file.
    pub fn of_a_file(&self) -> Self {
        Self {
            count: self.count,
            lines: VecDeque::new(),
        }
    }

    /// Returns the lines that are needed, plus one entry's: the first may be the rest of an entry.
    const fn most(&self) -> usize {
        (self.count + 1) * LINES_OF_ONE
    }

    /// Adds a line that is older than all; returns whether there are enough.
    pub fn before(&mut self, record: Record) -> bool {
        self.lines.push_front(record);
        self.lines.len() >= self.most()
    }

    /// Adds a line that is newer than all.
    pub fn after(&mut self, record: Record) {
        if self.lines.len() >= self.most() {
            self.lines.pop_front();
        }
        self.lines.push_back(record);
    }

    /// Adds the lines of an earlier file; returns whether there are enough.
    pub fn are_after(&mut self, mut earlier: Self) -> bool {
        earlier.lines.append(&mut self.lines);
        self.lines = earlier.lines;
        self.lines.len() >= self.most()
    }

    /// Returns the entries from the lines, no more than were asked for.
    pub fn take(&mut self) -> VecDeque<Record> {
        let mut begun = Begun::default();
        let lines = std::mem::take(&mut self.lines).into_iter();
        let mut records: VecDeque<_> = lines.flat_map(|line| begun.then(line)).collect();
        records.append(&mut begun.end());
        records.drain(..records.len().saturating_sub(self.count));
        records
    }
}
