//! A session of an administrator, whose commands run in a program of their own.

use super::Shared;
use super::base::Base;
use super::line::TlsLine;
use super::machine::NoMachine;
use crate::name::PeerName;
use crate::registry::Role;
use crate::remote::server::{self, Ended, PROGRAM};
use otp_core::event::Severity;
use otp_helper::frame::Fields;
use std::os::fd::BorrowedFd;
use std::path::Path;

impl server::Line for TlsLine {
    fn as_fd(&self) -> BorrowedFd<'_> {
        TlsLine::as_fd(self)
    }
}

/// Serves a session to its end, if the name is an administrator's.
///
/// It serves even while machines are refused: an administrator must be able to correct the cause.
pub(super) fn serve<B: Base>(
    shared: &Shared<B>,
    line: &mut TlsLine,
    name: &PeerName,
    first: &Fields,
) {
    let fields = first.as_slices();
    let arguments = fields.get(1..).unwrap_or_default();
    match shared.of_role(name, Role::Administrator) {
        Ok(_) => {}
        Err(NoMachine::Is(reason)) => {
            server::refuse(line, server::NO_ADMINISTRATOR);
            return shared.log.no_administrator(name, reason);
        }
        Err(NoMachine::Unknown(reason)) => {
            server::refuse(
                line,
                "the database does not say whether this certificate is an administrator's",
            );
            return shared.log.fleet(
                Severity::Error,
                &format!("an administrator, {name}, could not be looked up: {reason}"),
            );
        }
    }
    let spawn = || server::program(Path::new(PROGRAM), &shared.conf.path).spawn();
    let is_allowed = || shared.of_role(name, Role::Administrator).is_ok();
    match server::serve(line, name.as_str(), arguments, is_allowed, spawn) {
        Ok(Ended::Done(_) | Ended::Left) => {}
        Ok(Ended::Denied) => shared
            .log
            .no_administrator(name, "revoked while the session was being sent"),
        Ok(Ended::Unintelligible) => shared
            .log
            .no_administrator(name, "not what belongs to a session"),
        Err(error) => shared.log.fleet(
            Severity::Error,
            &format!("the session of {name} has failed: {error}"),
        ),
    }
}
