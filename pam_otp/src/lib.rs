//! `pam_otp.so`: asks for a one-time code and checks it.
//!
//! `login` handles a login, and `mailing` the part with a mailed code; `account` and `enrolment` handle what follows.
//! `boundary` has the calls from C and the calls to C. `password` handles `password` lines, which are a mistake.

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
