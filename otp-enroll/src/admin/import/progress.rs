//! The progress of an import on a terminal; nothing on a pipe.

use otp_core::messages::import::Outcome;
use otp_core::record::Language;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often it is written.
const EVERY: Duration = Duration::from_millis(200);

/// A count that is shown while it grows.
pub struct Progress {
    language: Language,
    of: usize,
    done: AtomicUsize,
    /// The time of the last update; `None`: there is no terminal.
    written: Option<Mutex<Instant>>,
}

impl Progress {
    /// Starts a count up to `of`.
    pub fn of(of: usize, language: Language) -> Self {
        Self {
            language,
            of,
            done: AtomicUsize::new(0),
            written: io::stderr()
                .is_terminal()
                .then(|| Mutex::new(Instant::now())),
        }
    }

    /// Counts one.
    pub fn one_more(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        // If another thread is writing, nothing needs to be added.
        if let Some(written) = &self.written
            && let Ok(mut last) = written.try_lock()
            && last.elapsed() >= EVERY
        {
            *last = Instant::now();
            let of = self.of;
            let text = Outcome::Progress { done, of }.text(self.language);
            write!(io::stderr(), "\r\x1b[K{text}").ok();
        }
    }
}

impl Drop for Progress {
    /// Clears the line for the next output.
    fn drop(&mut self) {
        if self.written.is_some() {
            write!(io::stderr(), "\r\x1b[K").ok();
        }
    }
}
