//! What `otp-admin` does, one file a command or two.

mod cells;
mod doctor;
mod events;
mod import;
mod in_order;
mod list;
mod moving;
mod policy;
mod progress;
mod protect;
mod provision;
mod repair;
mod report;
mod roster;
mod show;
mod sight;

use crate::admin::cells::Format;
use crate::cli::{Admin, AdminCommand, PolicyCommand};
use crate::failure::Failure;
use crate::site::{self, For};
use std::path::Path;
use std::process::ExitCode;

pub(crate) use events::moment;
pub use protect::{USUAL_SECONDS, is_asked_to_undo, undo_unless_confirmed};
pub use report::Only;

/// Runs `otp-admin`.
#[must_use]
pub fn run(asked: Admin) -> ExitCode {
    // It is for machines whose policy cannot be used as well.
    if let AdminCommand::Doctor {
        services,
        json,
        root,
    } = &asked.command
    {
        return doctor::doctor(&asked.common, services, *json, root);
    }
    let conf = asked.command.policy_to_check().map(Path::to_owned);
    let conf = conf.as_deref();
    site::run_under(
        "otp-admin",
        &asked.common,
        For::Root,
        conf,
        |site| match asked.command {
            AdminCommand::List { json, csv } => list::list(site, Format::of(json, csv)),
            AdminCommand::Report {
                json,
                csv,
                users,
                groups,
                only,
                system,
                service,
            } => report::report(
                site,
                &report::Options {
                    format: Format::of(json, csv),
                    users,
                    groups,
                    only,
                    system,
                    service,
                },
            ),
            AdminCommand::Show { user } => show::show(site, &user),
            AdminCommand::Unlock { user } => repair::unlock(site, &user),
            AdminCommand::Reset { user, gone } => repair::reset(site, &user, gone),
            AdminCommand::Move { old, new, force } => moving::move_record(site, &old, &new, force),
            AdminCommand::Provision {
                user,
                json,
                force,
                name,
                hotp,
                counter,
            } => {
                let counter = hotp.then_some(counter);
                let wanted = provision::Wanted {
                    name,
                    counter,
                    force,
                };
                provision::provision(site, &user, wanted, json)
            }
            AdminCommand::Import { command } => import::import(site, command),
            // Answered above.
            AdminCommand::Doctor { .. } => Err(Failure::Refused),
            AdminCommand::Protect {
                service,
                dry_run,
                within,
            } => protect::protect(site, &service, dry_run, within),
            AdminCommand::Unprotect { service, dry_run } => {
                protect::unprotect(site, &service, dry_run)
            }
            AdminCommand::Events {
                user,
                since,
                json,
                file,
            } => events::events(
                site,
                &events::Asked {
                    user: user.as_deref(),
                    since,
                    json,
                    file: file.as_deref(),
                },
            ),
            AdminCommand::Policy { command } => match command {
                PolicyCommand::Check { force, .. } => policy::check(site, force),
                PolicyCommand::Show { user, service } => {
                    policy::show(site, &user, service.as_ref())
                }
            },
        },
    )
}
