//! Reads files that decide about logins: opens them step by step, checks them once they are open, and parses them key
//! by key.
//!
//! The records and the policy file follow the same rules, so this crate is below both. An error here names the fault
//! and not the file: only the caller knows the file's name and purpose.
#![forbid(unsafe_code)]

mod document;
mod fault;
mod open;

pub use document::{Section, Source, Unparsed, number, text, texts, truth};
pub use fault::{Fault, Unread, told, wording};
pub use open::{
    Access, Opened, Rules, metadata, open_directory, open_directory_of_anyone, open_file,
    open_file_as_it_is, read_whole,
};
