//! The form in which each part of an account is kept. Bytes and values: nothing here knows where anything is.

pub(crate) mod credential;
pub(crate) mod first_login;
pub(crate) mod mail;
pub(crate) mod state;
pub(crate) mod trust;
