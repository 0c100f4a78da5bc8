//! The file of sessions. Records are appended and made durable before a request is answered. From time to time the file
//! is rewritten.
//!
//! A thread of its own writes, so only those who must wait for the disk do. One sync covers all records that have
//! arrived.

use super::record::{Record, parse_all};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

/// The first line.
const HEAD: &[u8] = b"pam_otp-portal sessions 1\n";

const FILE: &str = "sessions";
const NEW: &str = "sessions.new";
const DAMAGED: &str = "sessions.damaged";
const LOCK: &str = "lock";

/// The largest file of sessions, in bytes.
const LIMIT: u64 = 1 << 30;

/// The file is rewritten after this many bytes were appended, at the earliest.
const ENOUGH: usize = 1 << 20;

/// The file. Its user holds the lock of the table.
pub(super) struct Journal {
    /// Present until drop.
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    directory: PathBuf,
    added: usize,
    last_snapshot: usize,
    /// A write has failed: append nothing before the file was rewritten.
    is_broken: Arc<AtomicBool>,
    /// How often a rewrite was requested.
    #[cfg(test)]
    pub(super) rewrites: usize,
    _lock: Flock<File>,
}

enum Job {
    Append(Vec<u8>, oneshot::Sender<io::Result<()>>),
    Rewrite(Vec<u8>),
}

/// A record that will be on disk.
pub(super) struct Written(oneshot::Receiver<io::Result<()>>);

impl Written {
    /// Waits until it is on disk.
    pub(super) async fn wait(self) -> io::Result<()> {
        let gone = || io::Error::other("the thread that writes has ended");
        self.0.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Journal {
    /// Opens and reads the file in a directory; `None`: the file is damaged and was renamed.
    pub(super) fn open(directory: &Path) -> io::Result<(Self, Option<Vec<Record>>)> {
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let lock = private()
            .create(true)
            .truncate(false)
            .open(directory.join(LOCK))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| {
            let error = io::Error::from(errno);
            io::Error::new(
                error.kind(),
                format!("another portal uses {}", directory.display()),
            )
        })?;
        let read = read(&directory.join(FILE))?;
        if read.is_none() {
            fs::rename(directory.join(FILE), directory.join(DAMAGED))?;
        }
        let (queue, jobs) = channel();
        let is_broken = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            directory: directory.to_owned(),
            file: None,
            is_broken: Arc::clone(&is_broken),
        };
        let thread = thread::Builder::new()
            .name("sessions".to_owned())
            .spawn(move || writer.run(&jobs))?;
        let journal = Self {
            queue: Some(queue),
            thread: Some(thread),
            directory: directory.to_owned(),
            added: 0,
            last_snapshot: 0,
            is_broken,
            #[cfg(test)]
            rewrites: 0,
            _lock: lock,
        };
        Ok((journal, read))
    }

    /// Rewrites the file and waits, at the start.
    pub(super) fn rewrite_now(&mut self, snapshot: &[u8]) -> io::Result<()> {
        rewrite(&self.directory, snapshot)?;
        self.rewrite(snapshot.to_vec());
        Ok(())
    }

    /// Whether the file must be rewritten before the next record.
    pub(super) fn wants_a_snapshot(&self) -> bool {
        self.added > ENOUGH.max(2 * self.last_snapshot) || self.is_broken()
    }

    /// Whether a write has failed and the file has not been rewritten since.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }

    /// Requests a rewrite. Later records follow it.
    pub(super) fn rewrite(&mut self, snapshot: Vec<u8>) {
        (self.added, self.last_snapshot) = (0, snapshot.len());
        #[cfg(test)]
        {
            self.rewrites += 1;
        }
        self.hand_over(Job::Rewrite(snapshot));
    }

    /// Requests that a record be appended.
    pub(super) fn append(&mut self, record: &Record) -> Written {
        let mut line = Vec::new();
        record.write_to(&mut line);
        self.added += line.len();
        let (answer, written) = oneshot::channel();
        self.hand_over(Job::Append(line, answer));
        Written(written)
    }

    fn hand_over(&self, job: Job) {
        // If the thread has ended, the job and its sender are dropped, and waiting for it fails.
        self.queue.as_ref().and_then(|queue| queue.send(job).ok());
    }
}

#[cfg(test)]
impl Journal {
    /// Simulates a full disk: writing fails until the directory `sessions.new` is gone.
    pub(super) fn rewrite_fails_from_now_on(&mut self) {
        fs::create_dir(self.directory.join(NEW)).expect("a directory for tests");
        self.rewrite(Vec::new());
    }
}

impl Drop for Journal {
    /// Finishes all writes. Only then may another portal use the directory.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_CLOEXEC);
    options
}

/// Reads the file; `None`: it is damaged.
fn read(path: &Path) -> io::Result<Option<Vec<Record>>> {
    let opened = match private().open(path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Vec::new())),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    opened.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Ok(None);
    }
    Ok(bytes.strip_prefix(HEAD).and_then(parse_all))
}

/// Replaces the file as a whole.
fn rewrite(directory: &Path, snapshot: &[u8]) -> io::Result<File> {
    let new = directory.join(NEW);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().create_new(true).open(&new)?;
    file.write_all(HEAD)?;
    file.write_all(snapshot)?;
    file.sync_all()?;
    fs::rename(&new, directory.join(FILE))?;
    File::open(directory)?.sync_all()?;
    Ok(file)
}

struct Writer {
    directory: PathBuf,
    file: Option<File>,
    is_broken: Arc<AtomicBool>,
}

impl Writer {
    fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut answers = Vec::new();
            let mut lines = Vec::new();
            for job in std::iter::once(first).chain(jobs.try_iter()) {
                match job {
                    Job::Append(line, answer) => {
                        lines.extend_from_slice(&line);
                        answers.push(answer);
                    }
                    Job::Rewrite(snapshot) => {
                        self.commit(&mut lines, &mut answers);
                        self.file = rewrite(&self.directory, &snapshot).ok();
                        self.is_broken.store(self.file.is_none(), Ordering::Release);
                    }
                }
            }
            self.commit(&mut lines, &mut answers);
        }
    }

    /// Makes the lines durable, and answers.
    fn commit(&mut self, lines: &mut Vec<u8>, answers: &mut Vec<oneshot::Sender<io::Result<()>>>) {
        if answers.is_empty() {
            return;
        }
        let written = match &mut self.file {
            Some(file) => file.write_all(lines).and_then(|()| file.sync_data()),
            None => Err(io::Error::other("it could not be written before")),
        };
        if written.is_err() {
            // The last line may be incomplete: nothing may follow it.
            self.file = None;
            self.is_broken.store(true, Ordering::Release);
        }
        for answer in answers.drain(..) {
            let result = match &written {
                Ok(()) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            // Not everyone waits.
            answer.send(result).ok();
        }
        lines.clear();
    }
}
