//! `pam_otp.so`: asks for a one-time code and checks it.
//!
//! The story of a login is in `login`; how C calls it, and what it needs from C, in `boundary`.

#[allow(
    unsafe_code,
    missing_docs,
    reason = "the one place where C is called and calls; its entry points are documented by PAM"
)]
mod boundary;
mod event;
mod host;
mod login;
mod options;
mod route;
