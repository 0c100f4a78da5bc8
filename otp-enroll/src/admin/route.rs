//! Chooses the program for an `otp-admin` command: this one with the records of this machine, or one that reaches the
//! fleet's.

use crate::cli::{Admin, AdminCommand};
use crate::failure::system;
use crate::locale::Locale;
use nix::unistd::geteuid;
use otp_core::messages::fleet::Unable;
use otp_core::record::{FleetPolicy, Language};
use otp_site::{policy, users};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The program that reaches a fleet's verifiers, on a machine.
const FLEET: &str = "/usr/libexec/pam_otp/otp-fleet";

/// The program that works on a fleet's records, on the host of a verifier.
pub const FLEET_ADMIN: &str = "/usr/libexec/pam_otp/otp-fleet-admin";

/// A file that only the host of a verifier has.
pub const VERIFIER_CONFIGURATION: &str = "/etc/security/pam_otp-verifier.conf";

/// The place where a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In this process, with the records of this machine.
    Here,
    /// In another program, with the records of the fleet.
    Elsewhere(&'static str),
    /// Nowhere: the command is for a fleet, and this machine belongs to none.
    Nowhere,
}

/// The facts about the machine that matter.
#[derive(Clone, Copy)]
struct Place {
    is_verifier: bool,
    is_in_fleet: bool,
}

/// Returns where a command runs.
pub fn of(asked: &Admin) -> Way {
    // Other users may run nothing; this process tells them so.
    if !geteuid().is_root() {
        return Way::Here;
    }
    // A policy that cannot be used is reported by the next code that reads it.
    let fleet = policy::load(&asked.common.conf).map(|policies| policies.for_account().fleet);
    let fleet = fleet.unwrap_or_default();
    let place = Place {
        is_verifier: Path::new(VERIFIER_CONFIGURATION).exists(),
        is_in_fleet: fleet.is_used(),
    };
    let is_kept_here = |user: &str| {
        let known = users::account(user).ok().flatten();
        let is_local = fleet.local_users.iter().any(|local| local == user);
        is_local || known.is_some_and(|account| !fleet.keeps(&account))
    };
    way(asked, place, is_kept_here)
}

fn way(asked: &Admin, place: Place, is_kept_here: impl Fn(&str) -> bool) -> Way {
    let elsewhere = if place.is_verifier {
        Way::Elsewhere(FLEET_ADMIN)
    } else if place.is_in_fleet {
        Way::Elsewhere(FLEET)
    } else {
        Way::Nowhere
    };
    if let AdminCommand::Fleet { .. } = asked.command {
        return elsewhere;
    }
    if asked.local || elsewhere == Way::Nowhere || is_about_this_machine(&asked.command) {
        return Way::Here;
    }
    // A verifier's host need not belong to the fleet. Then every user that a command names is the fleet's, and not
    // one of the users who log in on the host.
    let user = if place.is_in_fleet {
        user_of(&asked.command)
    } else {
        None
    };
    match user {
        Some(user) if is_kept_here(user) => Way::Here,
        _ => elsewhere,
    }
}

/// Whether a command says nothing about a fleet's records, or must not touch them.
fn is_about_this_machine(command: &AdminCommand) -> bool {
    match command {
        AdminCommand::Doctor { .. }
        | AdminCommand::Guide { .. }
        | AdminCommand::Protect { .. }
        | AdminCommand::Unprotect { .. }
        | AdminCommand::Policy { .. } => true,
        // The hook of userdel: a user who is gone here may exist on every other machine.
        AdminCommand::Reset { gone, .. } => *gone,
        // The file is on this machine.
        AdminCommand::Events { file, .. } => file.is_some(),
        _ => false,
    }
}

/// Returns the one user that a command is about.
fn user_of(command: &AdminCommand) -> Option<&str> {
    match command {
        AdminCommand::Show { user }
        | AdminCommand::Unlock { user }
        | AdminCommand::Reset { user, .. }
        | AdminCommand::Provision { user, .. } => Some(user),
        AdminCommand::Move { new, .. } => Some(new),
        _ => None,
    }
}

/// Returns the program that reaches the fleet of this machine; `None`: it belongs to none.
pub fn program_of(fleet: &FleetPolicy) -> Option<&'static str> {
    if Path::new(VERIFIER_CONFIGURATION).exists() {
        Some(FLEET_ADMIN)
    } else {
        fleet.is_used().then_some(FLEET)
    }
}

/// Returns that program with the arguments that come before the command line.
pub fn command_of(program: &str) -> Command {
    let mut command = Command::new(program);
    if program == FLEET {
        command.arg("admin");
    }
    command
}

/// Replaces this process by that program, with the same command line.
pub fn go(asked: &Admin, program: &'static str) -> ExitCode {
    let error = command_of(program).args(std::env::args_os().skip(1)).exec();
    super::report_unable(&not_run(program, &error), language(asked))
}

fn not_run(program: &'static str, error: &io::Error) -> Unable {
    let reason = system(error);
    Unable::NoProgram { program, reason }
}

/// Returns the language if no policy is read: that of the command line or of the locale.
#[must_use]
pub fn language(asked: &Admin) -> Language {
    let chosen = asked.common.lang.or(Locale::of_process().language);
    chosen.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    const ALONE: Place = Place {
        is_verifier: false,
        is_in_fleet: false,
    };
    const MACHINE: Place = Place {
        is_in_fleet: true,
        ..ALONE
    };
    const VERIFIER: Place = Place {
        is_verifier: true,
        ..ALONE
    };

    fn way_of(line: &str, place: Place) -> Way {
        let words = line.split(' ');
        let asked = Admin::try_parse_from(["otp-admin"].into_iter().chain(words)).unwrap();
        way(&asked, place, |user| user == "root")
    }

    #[test]
    fn commands_about_records_of_a_fleet_go_to_the_fleet() {
        for line in [
            "list",
            "report --json",
            "show alice",
            "unlock alice",
            "reset alice",
            "move alice alison",
            "provision alice",
            "import uris /x",
            "events",
        ] {
            assert_eq!(way_of(line, ALONE), Way::Here, "{line}");
            assert_eq!(way_of(line, MACHINE), Way::Elsewhere(FLEET), "{line}");
            assert_eq!(
                way_of(line, VERIFIER),
                Way::Elsewhere(FLEET_ADMIN),
                "{line}"
            );
            let local = format!("{line} --local");
            assert_eq!(way_of(&local, MACHINE), Way::Here, "{line}");
        }
    }

    #[test]
    fn commands_about_one_machine_or_a_local_user_stay_there() {
        for line in [
            "doctor",
            "guide --html",
            "protect sshd",
            "unprotect sshd",
            "policy check",
            "policy show alice",
            "reset alice --gone",
            "events --file /var/log/auth.log",
            "show root",
            "unlock root",
            "provision root",
        ] {
            assert_eq!(way_of(line, MACHINE), Way::Here, "{line}");
        }
    }

    #[test]
    fn commands_about_a_fleet_work_only_in_a_fleet() {
        for line in ["fleet status", "fleet status --local", "fleet revoke web1"] {
            assert_eq!(way_of(line, ALONE), Way::Nowhere, "{line}");
            assert_eq!(way_of(line, MACHINE), Way::Elsewhere(FLEET), "{line}");
            assert_eq!(
                way_of(line, VERIFIER),
                Way::Elsewhere(FLEET_ADMIN),
                "{line}"
            );
        }
    }

    #[test]
    fn a_program_that_cannot_be_run_is_reported_in_the_language_of_the_command() {
        let unable = not_run(FLEET, &io::Error::from_raw_os_error(2));
        assert_eq!(
            unable.text(Language::English),
            format!("{FLEET} cannot be run: No such file or directory (os error 2)")
        );
        let korean = unable.text(Language::Korean);
        let rest = korean.replace(FLEET, "");
        assert!(
            !rest.contains(|c: char| c.is_ascii_alphabetic()),
            "{korean}"
        );
    }
}
