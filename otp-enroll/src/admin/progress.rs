//! The progress of long work, for a person who waits at a terminal.

use otp_core::messages::report::Roll;
use otp_core::record::Language;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// The delay before the first update: shorter work shows none.
const FIRST: Duration = Duration::from_millis(500);
const EVERY: Duration = Duration::from_millis(200);

/// Progress on standard error, if that is a terminal and the result goes elsewhere: rows on the screen show progress
/// better.
pub struct Progress {
    next: Option<Instant>,
    is_shown: bool,
    language: Language,
    all: u64,
    done: u64,
}

impl Progress {
    /// Starts for this much work.
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

    /// Counts one more piece.
    pub fn step(&mut self) {
        self.done += 1;
        // Reading the clock costs as much as some of the work.
        let Some(next) = self.next.filter(|_| self.done.is_multiple_of(64)) else {
            return;
        };
        let now = Instant::now();
        if now >= next {
            self.next = Some(now + EVERY);
            self.is_shown = true;
            // A terminal that cannot show this loses nothing.
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
