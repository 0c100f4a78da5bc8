//! How far this machine keeps time: one that has much else to do wakes nobody when they are to be woken.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long the watch sleeps at a time.
const NAP: Duration = Duration::from_millis(10);

/// How many have to be woken, one after the other, for one answer: a client's threads, members of etcd and theirs.
const WOKEN: u32 = 4;

/// Looks at the time while something is tried that has to end in time.
pub struct Watch {
    began: Instant,
    /// Closed, it ends the thread.
    open: Sender<()>,
    thread: JoinHandle<Duration>,
}

impl Watch {
    /// Begins to look.
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

    /// Holds that no more than `limit` has gone by until now, beside what this machine has come too late by itself.
    pub fn must_be_within(self, limit: Duration) {
        let took = self.began.elapsed();
        self.must_have_been_within(took, limit);
    }

    /// The same of what was measured meanwhile.
    pub fn must_have_been_within(self, took: Duration, limit: Duration) {
        drop(self.open);
        let late = self.thread.join().unwrap();
        assert!(
            took < limit + WOKEN * late,
            "{took:?}, of which this machine was late by {late:?}"
        );
    }
}
