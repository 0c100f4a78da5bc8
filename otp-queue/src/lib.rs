//! The queue of events that wait for a hook: one file for each event, below the directory of the records.
//!
//! The program that writes a record adds the event: the module and the commands as root, the helper as its caller
//! with the group of the records. A login writes one file at most, and waits only for the disk: the queue has no
//! lock. An event that cannot be added is dropped and counted; no login is refused because of it.
//!
//! ```text
//! .queue/              root's; the group may pass through and read
//!     incoming/        events that wait to be taken, one file each
//!     making/          files that are being written; renamed into incoming/ when they are on disk
//!     dropped          a byte for each event that was dropped
//!     taken/           the runner's alone, and so are its other files here
//! ```
//!
//! Users cannot get here: the directory above admits only root and its group, and only otp-helper has that group.
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
