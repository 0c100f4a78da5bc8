//! Measures how punctual this machine is: a busy one wakes threads too late.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long the watch sleeps each time.
const NAP: Duration = Duration::from_millis(10);

/// How many threads must wake in turn for one answer: those of the client and of the members of etcd.
const WOKEN: u32 = 4;

/// Watches the clock during an action that must end in time.
pub struct Watch {
    began: Instant,
    /// Closing this ends the thread.
    open: Sender<()>,
    thread: JoinHandle<Duration>,
}

impl Watch {
    /// Starts watching.
    pub fn begin() -> Self {
        let (open, closes) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut late = Duration::ZERO;
            loop {
                let slept = Instant::now();
                let woken = closes.recv_timeout(NAP);
                if !matches!(woken, Err(RecvTimeoutError::Timeout)) {
                    return late;
                }
                late += slept.elapsed().saturating_sub(NAP);
            }
        });
        Self {
            began: Instant::now(),
            open,
            thread,
        }
    }

    /// Asserts that no more than `limit` has passed until now, apart from the machine's own delays.
    pub fn must_be_within(self, limit: Duration) {
        let took = self.began.elapsed();
        self.must_have_been_within(took, limit);
    }

    /// Asserts the same of a time that was measured meanwhile.
    pub fn must_have_been_within(self, took: Duration, limit: Duration) {
        drop(self.open);
        let late = self.thread.join().unwrap();
        assert!(
            took < limit + WOKEN * late,
            "{took:?}, of which this machine was late by {late:?}"
        );
    }
}
