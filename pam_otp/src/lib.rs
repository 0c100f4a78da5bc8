//! `pam_otp.so`: asks for a one-time code and checks it.
//!
//! The story of a login is in `login` (of one by a mailed code, in `mailing`), and what comes after it in `account` and `enrolment`; how C calls them, and what
//! they need from C, in `boundary`. Of `password` lines, which are a mistake, `password`.

mod account;
#[allow(
    unsafe_code,
    missing_docs,
    reason = "the one place where C is called and calls; its entry points are documented by PAM"
)]
mod boundary;
mod call;
mod enrolment;
mod event;
mod host;
mod login;
mod mailing;
mod options;
mod password;
#[cfg(test)]
mod player;
