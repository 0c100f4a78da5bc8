//! A login with the new files before they are in place, in a mount namespace of one thread in which they are.
//!
//! PAM, its modules, sshd and otp-helper, which that thread starts, all see the new files under their own names; no
//! other program does. The mounts end with the thread and the programs that it has started.

use super::place::copy_attributes;
use crate::failure::{Failure, system};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use otp_core::messages::protect::Refusal;
use otp_core::messages::reason::Unfit;
use otp_site::protect::Edit;
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;

/// Runs `work` where the files are as the edits make them.
pub fn with_edits<T: Send>(
    edits: &[Edit],
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    thread::scope(|scope| {
        let there = scope.spawn(|| {
            enter(edits).map_err(|error| Refusal::NoTrial {
                reason: system(&error),
            })?;
            work()
        });
        there.join().unwrap_or_else(|_| {
            let reason = Unfit::TrialEnded.into();
            Err(Refusal::NoTrial { reason }.into())
        })
    })
}

/// Moves this thread into a namespace of its own, and mounts copies of the directories over those of the machine.
fn enter(edits: &[Edit]) -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none: Option<&Path> = None;
    // No mount may propagate back to the machine.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    let parent = |edit: &Edit| Path::new(&edit.path).parent().map(Path::to_owned);
    let directories: BTreeSet<PathBuf> = edits.iter().filter_map(parent).collect();
    for directory in directories {
        cover(&directory)?;
    }
    for edit in edits {
        match &edit.after {
            Some(text) => write(Path::new(&edit.path), text.as_bytes())?,
            None => fs::remove_file(&edit.path)?,
        }
    }
    Ok(())
}

/// One entry of a directory; its file stays open while it is covered.
enum Entry {
    Link(PathBuf),
    File { open: File, text: Vec<u8> },
}

/// Covers a directory with a file system in memory that holds the same entries.
fn cover(directory: &Path) -> io::Result<()> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let found = fs::symlink_metadata(&path)?;
        if found.is_symlink() {
            let target = fs::read_link(&path)?;
            entries.push((path, Entry::Link(target)));
        } else if found.is_file() {
            let (open, text) = (File::open(&path)?, fs::read(&path)?);
            entries.push((path, Entry::File { open, text }));
        }
        // PAM and sshd read no other kinds of entries.
    }
    let old = File::open(directory)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(
        Some("pam_otp-trial"),
        directory,
        Some("tmpfs"),
        flags,
        Some("mode=0755,size=4m"),
    )?;
    dress(&old, directory);
    for (path, entry) in entries {
        match entry {
            Entry::Link(target) => symlink(target, path)?,
            Entry::File { open, text } => {
                write(&path, &text)?;
                fs::set_permissions(&path, open.metadata()?.permissions())?;
                dress(&open, &path);
            }
        }
    }
    Ok(())
}

/// Copies the attributes. With `SELinux` the labels matter; a file system in memory may accept no other attributes.
fn dress(old: &File, path: &Path) {
    if let Ok(new) = File::open(path) {
        copy_attributes(old, &new).ok();
    }
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let is_new = !path.exists();
    fs::write(path, text)?;
    if is_new {
        fs::set_permissions(path, Permissions::from_mode(0o644))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::assert_has_no_english_reason;
    use otp_core::record::Language;

    fn told(done: Result<(), Failure>) -> String {
        match done {
            Err(Failure::Protect(refusal)) => refusal.text(Language::Korean),
            other => panic!("{other:?}"),
        }
    }

    /// Root gets as far as the missing directory; other users may make no namespace.
    #[test]
    fn a_trial_that_cannot_be_made_is_told_in_korean() {
        let edit = Edit {
            path: "/nonexistent/pam.d/sshd".to_owned(),
            before: None,
            after: None,
        };
        assert_has_no_english_reason(&told(with_edits(&[edit], || Ok(()))));
        assert_has_no_english_reason(&told(with_edits(&[], || panic!("in a test"))));
    }
}
