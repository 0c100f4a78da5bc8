//! Reading a file that decides about logins: opened step by step, checked once it is open, and parsed key by key.
//!
//! The records and the policy file are read by the same rules, so the rules are below both. An error here says what is
//! wrong and never where: only the caller knows what the file is for, and what it is called.
#![forbid(unsafe_code)]

mod document;
mod fault;
mod open;

pub use document::{Section, Source, Unparsed, number, text, texts, truth};
pub use fault::{Fault, Unread};
pub use open::{
    Access, Opened, Rules, metadata, open_directory, open_directory_of_anyone, open_file,
    open_file_as_it_is, read_whole,
};
