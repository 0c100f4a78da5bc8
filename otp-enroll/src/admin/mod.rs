//! What `otp-admin` does, one file a command or two.

mod list;
mod provision;
mod repair;
mod show;

use crate::cli::{Admin, AdminCommand};
use crate::site::{self, For};
use std::process::ExitCode;

/// Runs `otp-admin`.
#[must_use]
pub fn run(asked: Admin) -> ExitCode {
    site::run("otp-admin", &asked.common, For::Root, |site| {
        match asked.command {
            AdminCommand::List { json, csv } => list::list(site, list::Format::of(json, csv)),
            AdminCommand::Show { user } => show::show(site, &user),
            AdminCommand::Unlock { user } => repair::unlock(site, &user),
            AdminCommand::Reset { user } => repair::reset(site, &user),
            AdminCommand::Provision {
                user,
                json,
                force,
                name,
            } => provision::provision(site, &user, name, force, json),
        }
    })
}
