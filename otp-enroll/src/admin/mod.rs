//! The commands of `otp-admin`, one or two in each file.

mod cells;
mod doctor;
mod events;
mod guide;
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
mod route;
mod seal;
pub mod sent;
mod show;
mod sight;

use crate::admin::cells::Format;
use crate::cli::{Admin, AdminCommand, PolicyCommand};
use crate::engine::{Elsewhere, Engine, Folder};
use crate::failure::Failure;
use crate::log;
use crate::site::{self, For, Site};
use otp_core::event::Severity;
use otp_core::messages::fleet::Unable;
use otp_core::record::Language;
use std::path::Path;
use std::process::ExitCode;

pub use crate::engine::Opens;
pub(crate) use events::moment;
use guide::Form;
pub use protect::{USUAL_SECONDS, is_asked_to_undo, undo_unless_confirmed};
pub use report::Only;
use route::Way;
pub use route::{FLEET_ADMIN, VERIFIER_CONFIGURATION, language};
pub use seal::{HostKey, USUAL_CREDENTIAL};
pub use sent::{Sent, gather};

/// The program that runs the command if the policy names no engine.
const PROGRAM: &str = "otp-admin";

/// Runs `otp-admin` over the records of this machine.
#[must_use]
pub fn run(asked: Admin) -> ExitCode {
    match route::of(&asked) {
        Way::Here => {}
        Way::Elsewhere(program) => return route::go(&asked, program),
        Way::Nowhere => return report_unable(&Unable::NoFleet, route::language(&asked)),
    }
    // `doctor` must also work on machines whose policy cannot be used.
    if let AdminCommand::Doctor {
        services,
        json,
        root,
    } = &asked.command
    {
        let identity = [asked.certificate.as_path(), asked.key_of_certificate()];
        return doctor::doctor(&asked.common, services, *json, root, identity);
    }
    // What a guide says is no secret: every file that it is made from is open to everybody.
    if let AdminCommand::Guide { html, name, .. } = &asked.command {
        let form = if *html { Form::Html } else { Form::Text };
        return site::run(PROGRAM, &asked.common, For::Everybody, |site| {
            guide::guide(site, form, name.as_deref())
        });
    }
    let conf = asked.command.policy_to_check().map(Path::to_owned);
    let conf = conf.as_deref();
    site::run_under(
        PROGRAM,
        &asked.common,
        For::Root,
        conf,
        Folder,
        |site| match asked.command {
            AdminCommand::Protect {
                service,
                dry_run,
                within,
            } => protect::protect(site, &service, dry_run, within),
            AdminCommand::Unprotect { service, dry_run } => {
                protect::unprotect(site, &service, dry_run)
            }
            AdminCommand::Policy { command } => match command {
                PolicyCommand::Check { force, .. } => policy::check(site, force),
                PolicyCommand::Show { user, service } => {
                    policy::show(site, &user, service.as_ref())
                }
            },
            command => of_records(site, command),
        },
    )
}

/// Runs a command of `otp-admin` over the records of a fleet, in the name of an administrator.
///
/// The policy is that of `asked.common`, and events for a hook wait below its directory. No file of this machine is
/// read for an argument: `sent` holds the files, by the paths that the administrator named.
#[must_use]
pub fn run_over(
    asked: Admin,
    records: impl Opens,
    administrator: Option<&str>,
    sent: Option<Sent>,
) -> ExitCode {
    if let Some(administrator) = administrator {
        log::act_for(administrator);
    }
    if let Some(sent) = sent {
        sent::take_for_this_process(sent);
    }
    site::run_under(
        PROGRAM,
        &asked.common,
        For::Fleet,
        None,
        Elsewhere(records),
        |site| of_records(site, asked.command),
    )
}

/// Logs that the fleet was changed, in the name of `administrator`, or of root if there is none. `what` is the
/// machine, administrator or file that changed.
pub fn record_of_fleet(
    administrator: Option<&str>,
    verb: &'static str,
    severity: Severity,
    what: &str,
) {
    if let Some(administrator) = administrator {
        log::act_for(administrator);
    }
    log::fleet(verb, severity, what);
}

/// Reports on standard error what cannot be done in a fleet, and returns the exit status.
#[must_use]
pub fn report_unable(unable: &Unable, language: Language) -> ExitCode {
    Failure::from(unable.clone()).report(PROGRAM, language)
}

/// Runs the commands that work on records, wherever these are stored.
fn of_records<E: Engine>(site: &Site<E>, command: AdminCommand) -> Result<(), Failure> {
    match command {
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
        AdminCommand::Seal {
            instead,
            key,
            credential,
        } => seal::seal(site, &instead, key.as_deref(), &credential),
        AdminCommand::Events {
            user,
            since,
            newest,
            json,
            file,
            machine,
        } => events::events(
            site,
            &events::Asked {
                user: user.as_deref(),
                machine: machine.as_deref(),
                since,
                newest,
                json,
                file: file.as_deref(),
            },
        ),
        AdminCommand::Doctor { .. }
        | AdminCommand::Guide { .. }
        | AdminCommand::Protect { .. }
        | AdminCommand::Unprotect { .. }
        | AdminCommand::Fleet { .. }
        | AdminCommand::Policy { .. } => Err(Unable::OfOneMachine.into()),
    }
}
