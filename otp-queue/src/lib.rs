//! The queue of events that wait for a hook: a file each, below the directory of the records.
//!
//! The program that makes a record puts it in: the module and the command lines as root, the helper as its caller with the group of
//! the records. A login writes one file at most, and waits for nothing but the disk: there is no lock in here. What cannot
//! be put in is dropped and counted; no login is refused for it.
//!
//! ```text
//! .queue/              root's; the group may pass through and read
//!     incoming/        what waits to be taken, one file an event
//!     making/          files that are being written; renamed into incoming/ when they are on disk
//!     dropped          a byte for each event that was dropped
//!     taken/           the runner's alone, and so are the files beside it
//! ```
//!
//! Users cannot get here: the directory above lets nobody in but root and the group, which nobody has but otp-helper.
#![forbid(unsafe_code)]

mod directories;
mod name;
mod put;
mod text;

pub use directories::{
    Broken, DROPPED, INCOMING, LARGEST, MAKING, Place, QUEUE, Queue, TAKEN, names_in,
};
pub use name::Name;
pub use put::{
    Dropped, MOST, MOST_ALIKE, MOST_AT_WILL, MOST_OF_A_USER, MOST_OF_A_USER_AT_WILL, fits, put,
};
pub use text::json;
