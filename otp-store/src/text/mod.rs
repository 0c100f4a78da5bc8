//! The stored form of each part of an account: bytes and values only; nothing here knows where anything is stored.

pub(crate) mod credential;
pub(crate) mod first_login;
pub(crate) mod mail;
pub(crate) mod state;
pub(crate) mod trust;
