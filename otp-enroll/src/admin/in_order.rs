//! Runs equal pieces of work in parallel; the results come in order and are not stored.

use crate::failure::Failure;
use nix::unistd::{getegid, geteuid, getgid, getuid};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// The number of pieces that one thread does in a part.
const PART: usize = 256;

/// The number of finished parts of a thread that may wait for other threads.
const AHEAD: usize = 4;

/// The largest number of threads; more would wait for one another's results.
const MOST_THREADS: usize = 8;

/// The results of a part, up to the first failure.
struct Part<T> {
    done: Vec<T>,
    failed: Option<Failure>,
}

/// Runs `work` for each number below `count` and passes the results to `take`, in order, up to the first failure.
///
/// Only a few parts are in memory at a time.
///
/// # Errors
/// The first failure of `work` or `take`.
pub fn in_order<T: Send>(
    count: usize,
    work: impl Fn(usize) -> Result<T, Failure> + Sync,
    take: impl FnMut(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    in_order_by(threads(), count, work, take)
}

/// Returns one thread for a process that a user can reach: it changes its user ids while it holds an account, and all
/// threads share them.
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
        // Each thread does every n-th part, so the source of the next part is known. Once no one takes results any
        // more, the threads end.
        let receivers: Vec<Receiver<Part<T>>> = (0..threads)
            .map(|first| {
                let (sender, receiver) = sync_channel(AHEAD);
                let ranges = (first..parts).step_by(threads).map(range);
                scope.spawn(move || every_part(ranges, work, &sender));
                receiver
            })
            .collect();
        (0..parts).try_for_each(|part| {
            // A thread that ended without this part has panicked; the scope passes the panic on.
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
    fn results_come_in_order_whichever_thread_is_first() {
        for threads in [1, 2, 3, 8] {
            for count in [0, 1, PART, PART + 1, 10 * PART + 7] {
                let (taken, is_done) = run(threads, count, None);
                assert!(is_done);
                assert!(taken.iter().copied().eq(0..count), "{threads} {count}");
            }
        }
    }

    #[test]
    fn results_before_a_failure_are_taken_and_none_after_it() {
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
    fn the_work_stops_soon_if_nobody_takes_the_results() {
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
