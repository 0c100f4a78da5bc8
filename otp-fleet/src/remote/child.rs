//! The input that the program of a session gets on standard input.

use super::{ALL_FILES, ARGUMENT, FILE, FOR, GO};
use otp_enroll::admin::Sent;
use otp_helper::frame::Fields;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// A session's input: the data that an administrator has sent.
pub struct Given {
    /// The administrator whom the log entry of the command names.
    pub administrator: String,
    /// The command line without the name of the program.
    pub arguments: Vec<OsString>,
    /// The files that the command line names.
    pub files: Sent,
}

/// Reads the whole input; `None`: it is not a session, or ended too early, and nothing may be done.
#[must_use]
pub fn read(input: &mut impl Read) -> Option<Given> {
    let first = Fields::read_from(input).ok()?;
    let administrator = match first.as_slices().as_slice() {
        [FOR, name] => std::str::from_utf8(name).ok()?.to_owned(),
        _ => return None,
    };
    let mut arguments = Vec::new();
    let mut files: BTreeMap<PathBuf, Zeroizing<Vec<u8>>> = BTreeMap::new();
    let mut taken = 0;
    loop {
        let fields = Fields::read_from(input).ok()?;
        match fields.as_slices().as_slice() {
            [ARGUMENT, argument] if files.is_empty() => {
                arguments.push(OsStr::from_bytes(argument).to_owned());
            }
            [FILE, path, piece] => {
                taken += piece.len();
                if taken > ALL_FILES {
                    return None;
                }
                let path = PathBuf::from(OsStr::from_bytes(path));
                add(files.entry(path).or_default(), piece);
            }
            [GO] => break,
            _ => return None,
        }
    }
    let mut sent = Sent::default();
    for (path, content) in files {
        sent.add(path, content);
    }
    Some(Given {
        administrator,
        arguments,
        files: sent,
    })
}

/// Adds to content that may hold keys, so that growing leaves no copy behind.
fn add(content: &mut Zeroizing<Vec<u8>>, piece: &[u8]) {
    if content.capacity() - content.len() < piece.len() {
        let room = (content.len() + piece.len()).next_power_of_two().max(8192);
        let mut larger = Zeroizing::new(Vec::with_capacity(room));
        larger.extend_from_slice(content);
        *content = larger;
    }
    content.extend_from_slice(piece);
}
