//! How far a long work has come, for somebody who waits at a terminal.

use otp_core::messages::report::Roll;
use otp_core::record::Language;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Nobody waits for less.
const FIRST: Duration = Duration::from_millis(500);
const EVERY: Duration = Duration::from_millis(200);

/// Shown on standard error where that is a terminal and the result goes elsewhere: rows that go by show it better.
pub struct Progress {
    next: Option<Instant>,
    is_shown: bool,
    language: Language,
    all: u64,
    done: u64,
}

impl Progress {
    /// Of so much work.
    pub fn of(all: usize, language: Language) -> Self {
        let is_watched = io::stderr().is_terminal() && !io::stdout().is_terminal();
        Self {
            next: is_watched.then(|| Instant::now() + FIRST),
            is_shown: false,
            language,
            all: u64::try_from(all).unwrap_or(u64::MAX),
            done: 0,
        }
    }

    /// One more is done.
    pub fn step(&mut self) {
        self.done += 1;
        // Looking at the clock costs as much as some of the work.
        let Some(next) = self.next.filter(|_| self.done.is_multiple_of(64)) else {
            return;
        };
        let now = Instant::now();
        if now >= next {
            self.next = Some(now + EVERY);
            self.is_shown = true;
            // A terminal that cannot show it loses nothing.
            write!(io::stderr(), "\r{}\x1b[K", self.text()).ok();
        }
    }

    fn text(&self) -> String {
        let (done, all) = (self.done, self.all);
        Roll::Progress { done, all }.text(self.language)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            write!(io::stderr(), "\r\x1b[K").ok();
        }
    }
}
