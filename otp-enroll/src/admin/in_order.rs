//! Much work of the same kind, done beside each other, whose results come in order and are not kept.

use crate::failure::Failure;
use nix::unistd::{getegid, geteuid, getgid, getuid};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// How much of it one thread does before another has its turn.
const PART: usize = 256;

/// How many parts of a thread may wait for those of others.
const AHEAD: usize = 4;

/// More threads than these wait for one another's results.
const MOST_THREADS: usize = 8;

/// The results of a part, up to where it failed.
struct Part<T> {
    done: Vec<T>,
    failed: Option<Failure>,
}

/// Does `work` for each number below `count` and gives what it says to `take`, in order, up to the first that fails.
///
/// No more than a few parts are kept at a time.
///
/// # Errors
/// What `work` or `take` failed with first.
pub fn in_order<T: Send>(
    count: usize,
    work: impl Fn(usize) -> Result<T, Failure> + Sync,
    take: impl FnMut(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    in_order_by(threads(), count, work, take)
}

/// A process that a user can reach changes its user ids while it holds an account, and all threads have the same.
fn threads() -> usize {
    if getuid() != geteuid() || getgid() != getegid() {
        return 1;
    }
    let processors = thread::available_parallelism();
    processors.map_or(1, |processors| processors.get().min(MOST_THREADS))
}

fn in_order_by<T: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> Result<T, Failure> + Sync,
    mut take: impl FnMut(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let parts = count.div_ceil(PART);
    if threads == 1 || parts <= 1 {
        return (0..count).try_for_each(|at| take(work(at)?));
    }
    let range = |part: usize| part * PART..count.min((part + 1) * PART);
    let work = &work;
    thread::scope(|scope| {
        // Each thread has every so many parts, so where the next one comes from is known. Once nobody takes them any more,
        // the threads end.
        let receivers: Vec<Receiver<Part<T>>> = (0..threads)
            .map(|first| {
                let (sender, receiver) = sync_channel(AHEAD);
                let ranges = (first..parts).step_by(threads).map(range);
                scope.spawn(move || every_part(ranges, work, &sender));
                receiver
            })
            .collect();
        (0..parts).try_for_each(|part| {
            // A thread that has ended without this part has panicked, and the scope goes on with that.
            let Ok(part) = receivers[part % threads].recv() else {
                return Err(Failure::Refused);
            };
            part.done.into_iter().try_for_each(&mut take)?;
            part.failed.map_or(Ok(()), Err)
        })
    })
}

fn every_part<T>(
    ranges: impl Iterator<Item = Range<usize>>,
    work: impl Fn(usize) -> Result<T, Failure>,
    results: &SyncSender<Part<T>>,
) {
    for range in ranges {
        let mut part = Part {
            done: Vec::with_capacity(range.len()),
            failed: None,
        };
        for at in range {
            match work(at) {
                Ok(done) => part.done.push(done),
                Err(failure) => {
                    part.failed = Some(failure);
                    break;
                }
            }
        }
        let has_failed = part.failed.is_some();
        if results.send(part).is_err() || has_failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(threads: usize, count: usize, fails_at: Option<usize>) -> (Vec<usize>, bool) {
        let mut taken = Vec::new();
        let work = |at: usize| {
            if Some(at) == fails_at {
                return Err(Failure::Refused);
            }
            Ok(at)
        };
        let done = in_order_by(threads, count, work, |at| {
            taken.push(at);
            Ok(())
        });
        (taken, done.is_ok())
    }

    #[test]
    fn results_come_in_order_whoever_is_first() {
        for threads in [1, 2, 3, 8] {
            for count in [0, 1, PART, PART + 1, 10 * PART + 7] {
                let (taken, is_done) = run(threads, count, None);
                assert!(is_done);
                assert!(taken.iter().copied().eq(0..count), "{threads} {count}");
            }
        }
    }

    #[test]
    fn what_comes_before_a_failure_is_taken_and_nothing_after_it() {
        for threads in [1, 2, 3] {
            for fails_at in [0, 1, PART - 1, PART, 5 * PART + 3] {
                let (taken, is_done) = run(threads, 20 * PART, Some(fails_at));
                assert!(!is_done);
                assert!(
                    taken.iter().copied().eq(0..fails_at),
                    "{threads} {fails_at}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_worked_on_for_long_when_nobody_takes_it() {
        for threads in [1, 2, 3] {
            let mut taken = 0;
            let done = in_order_by(threads, 1 << 40, Ok, |_| {
                taken += 1;
                if taken == 1000 {
                    Err(Failure::ReaderLeft)
                } else {
                    Ok(())
                }
            });
            assert!(matches!(done, Err(Failure::ReaderLeft)));
        }
    }
}
