//! Slots for conversations: each conversation locks one part of a file. The kernel releases the lock when the process
//! ends in any way, so the count is always right.

use super::Trouble;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::File;
use std::net::IpAddr;
use std::os::unix::fs::FileExt;

/// The most logins and changes at a time.
pub(super) const MOST: usize = 64;

/// The most logins from one address at a time. The portal has a limit of its own; this one holds if an attacker
/// controls the portal.
pub(super) const MOST_FROM_ONE: usize = 16;

/// The most changes of one user at a time, over all sessions.
pub(super) const MOST_OF_ONE: usize = 4;

/// The owner of a conversation.
#[derive(Clone, Copy)]
pub(super) enum Whose {
    /// A login from this address.
    LoginFrom(IpAddr),
    /// A change of the user with this id.
    ChangeOf(u32),
}

/// The length of a slot, in bytes.
const WIDTH: usize = 48;

/// The lock that is held while a slot is taken.
const GATE: usize = MOST * WIDTH;

/// A slot that this process holds until drop.
pub(super) struct Slot {
    _file: File,
}

/// Takes a slot; `None`: none is left, or none for this address or user.
pub(super) fn take(file: File, whose: Whose) -> Result<Option<Slot>, Trouble> {
    let trouble = |error: &dyn std::fmt::Display| Trouble::new("the slots", &error);
    lock(&file, GATE, 1, |part| FcntlArg::F_OFD_SETLKW(part)).map_err(|error| trouble(&error))?;
    let (whose, most) = match whose {
        Whose::LoginFrom(address) => (written(address), MOST_FROM_ONE),
        Whose::ChangeOf(uid) => (padded(&format!("user {uid}")), MOST_OF_ONE),
    };
    let (mut free, mut of_the_same) = (None, 0);
    for at in 0..MOST {
        if !is_held(&file, at * WIDTH).map_err(|error| trouble(&error))? {
            free = free.or(Some(at * WIDTH));
            continue;
        }
        let mut there = [0; WIDTH];
        // The file ends before a slot that was never used.
        file.read_at(&mut there, (at * WIDTH) as u64)
            .map_err(|error| trouble(&error))?;
        of_the_same += usize::from(there == whose);
    }
    let Some(free) = free.filter(|_| of_the_same < most) else {
        return Ok(None);
    };
    file.write_all_at(&whose, free as u64)
        .map_err(|error| trouble(&error))?;
    lock(&file, free, WIDTH, |part| FcntlArg::F_OFD_SETLK(part))
        .map_err(|error| trouble(&error))?;
    unlock(&file, GATE).map_err(|error| trouble(&error))?;
    Ok(Some(Slot { _file: file }))
}

/// Writes an address as a slot contains it. For IPv6 this is the network of one subscriber.
fn written(address: IpAddr) -> [u8; WIDTH] {
    let text = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => format!("{:x?}", &address.segments()[..4]),
        },
    };
    padded(&text)
}

fn padded(text: &str) -> [u8; WIDTH] {
    let mut bytes = [0; WIDTH];
    let length = text.len().min(WIDTH);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    bytes
}

fn part(kind: i32, start: usize, length: usize) -> libc::flock {
    libc::flock {
        l_type: i16::try_from(kind).expect("the kinds of locks are small numbers"),
        l_whence: 0,
        l_start: i64::try_from(start).expect("the file is short"),
        l_len: i64::try_from(length).expect("the file is short"),
        l_pid: 0,
    }
}

fn lock(
    file: &File,
    start: usize,
    length: usize,
    how: fn(&libc::flock) -> FcntlArg<'_>,
) -> nix::Result<()> {
    let whole = part(libc::F_WRLCK, start, length);
    loop {
        match fcntl(file, how(&whole)) {
            Err(Errno::EINTR) => {}
            done => return done.map(drop),
        }
    }
}

fn unlock(file: &File, start: usize) -> nix::Result<()> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&part(libc::F_UNLCK, start, 1))).map(drop)
}

fn is_held(file: &File, start: usize) -> nix::Result<bool> {
    let mut found = part(libc::F_WRLCK, start, WIDTH);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut found))?;
    Ok(i32::from(found.l_type) != libc::F_UNLCK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;

    fn opened(directory: &tempfile::TempDir) -> File {
        let path = directory.path().join("slots");
        let options = &mut OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.open(path).unwrap()
    }

    /// Waits until a released slot is free. A child that another test has just forked holds all descriptors of this
    /// process, with their locks, until it executes its program.
    fn once_free(take: impl Fn() -> Option<Slot>) -> Slot {
        loop {
            if let Some(slot) = take() {
                return slot;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn slots_are_limited_and_free_again_when_their_holder_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let take = |uid| take(opened(&directory), Whose::ChangeOf(uid)).unwrap();
        let mut held: Vec<_> = (0..MOST)
            .map(|at| take(u32::try_from(at).unwrap()).expect("a slot"))
            .collect();
        assert!(take(1001).is_none());
        assert!(take(1001).is_none(), "one that got none holds nothing");
        drop(held.remove(17));
        held.push(once_free(|| take(1001)));
        assert!(take(1002).is_none());
    }

    #[test]
    fn one_user_cannot_take_all_slots() {
        let directory = tempfile::tempdir().unwrap();
        let take = |uid| take(opened(&directory), Whose::ChangeOf(uid)).unwrap();
        let mut held: Vec<_> = (0..MOST_OF_ONE)
            .map(|_| take(1001).expect("a slot"))
            .collect();
        assert!(take(1001).is_none());
        held.push(take(100).expect("another user"));
        held.push(take(10011).expect("another user"));
        drop(held.swap_remove(0));
        held.push(once_free(|| take(1001)));
    }

    #[test]
    fn one_address_cannot_take_all_slots() {
        let directory = tempfile::tempdir().unwrap();
        let take = |address: &str| {
            let whose = Whose::LoginFrom(address.parse().unwrap());
            take(opened(&directory), whose)
        };
        let one = ["192.0.2.1", "::ffff:192.0.2.1"];
        let of_one = (0..MOST_FROM_ONE).map(|at| take(one[at % 2]).unwrap().expect("a slot"));
        let mut held: Vec<_> = of_one.collect();
        assert!(take("192.0.2.1").unwrap().is_none());
        held.push(take("192.0.2.2").unwrap().expect("another address"));
        let network = |at: usize| format!("2001:db8::{at:x}");
        for at in 0..MOST_FROM_ONE {
            held.push(take(&network(at)).unwrap().expect("a slot"));
        }
        assert!(take("2001:db8::ffff:1").unwrap().is_none());
        held.push(take("2001:db8:0:1::1").unwrap().expect("another network"));
        drop(held.swap_remove(0));
        held.push(once_free(|| take("192.0.2.1").unwrap()));
    }
}
