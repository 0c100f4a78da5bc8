//! `otp-fleet-admin`: runs the commands of `otp-admin` over the records of a fleet, on the host of a verifier.
//!
//! Root runs it there through `otp-admin`. A verifier runs it as `otp-fleet-admin --session` for an administrator
//! whose certificate it has checked. Then the administrator's name, the command line and the files that it names come
//! on standard input.

use clap::Parser;
use clap::error::ErrorKind;
use nix::sys::signal::{SigSet, Signal};
use otp_core::Policy;
use otp_core::messages::fleet::Unable;
use otp_core::messages::reason::{Deed, Wording};
use otp_enroll::admin::{self, Opens, Sent, VERIFIER_CONFIGURATION};
use otp_enroll::cli::{Admin, AdminCommand};
use otp_fleet::keeper::{EtcdKeeper, Machine, Mark};
use otp_fleet::operate::{self, host::Host};
use otp_fleet::remote::server::{CONFIGURATION, SESSION};
use otp_fleet::remote::{COULD_NOT, child};
use otp_store::{Error, Location, Seal};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// The total time that a command may use for its questions to the database.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The time that it waits for the first answer of the database.
const TO_CONNECT: Duration = Duration::from_secs(9);

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let configuration = taken(&mut arguments, CONFIGURATION);
    let configuration = configuration.unwrap_or_else(|| VERIFIER_CONFIGURATION.into());
    if arguments != [SESSION] {
        let name = std::iter::once(OsString::from("otp-admin"));
        let asked = Admin::parse_from(name.chain(arguments));
        return run(asked, &configuration, None);
    }
    // A core file would hold the files that an administrator has sent.
    nix::sys::prctl::set_dumpable(false).ok();
    // A verifier blocks signals and handles them in one place; this process must end when it is told to.
    SigSet::empty().thread_set_mask().ok();
    // If the verifier is killed, nothing else would end this process.
    nix::sys::prctl::set_pdeathsig(Signal::SIGTERM).ok();
    let Some(given) = child::read(&mut io::stdin().lock()) else {
        return ExitCode::from(COULD_NOT);
    };
    let name = std::iter::once(OsString::from("otp-admin"));
    let asked = match Admin::try_parse_from(name.chain(given.arguments)) {
        Ok(asked) => asked,
        Err(error) => {
            let is_help = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            error.print().ok();
            return if is_help {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(COULD_NOT)
            };
        }
    };
    run(
        asked,
        &configuration,
        Some((given.administrator, given.files)),
    )
}

/// Takes an option with its value, if the command line begins with it.
fn taken(arguments: &mut Vec<OsString>, option: &str) -> Option<PathBuf> {
    if arguments.len() < 2 || arguments[0] != option {
        return None;
    }
    let mut both = arguments.drain(..2);
    both.nth(1).map(PathBuf::from)
}

fn run(mut asked: Admin, configuration: &Path, session: Option<(String, Sent)>) -> ExitCode {
    let language = admin::language(&asked);
    let host = match Host::read(configuration) {
        Ok(host) => host,
        Err(unable) => return admin::report_unable(&unable, language),
    };
    // The verifier decides which policy and which hooks apply.
    asked.common.conf.clone_from(&host.policy);
    asked.common.state_dir.clone_from(&host.state);
    let (administrator, sent) = match session {
        Some((administrator, sent)) => (Some(administrator), Some(sent)),
        None if nix::unistd::geteuid().is_root() => (None, None),
        None => return admin::report_unable(&Unable::OnVerifierOnly, language),
    };
    let of_root = (
        asked.certificate.clone(),
        asked.key_of_certificate().to_owned(),
    );
    if let AdminCommand::Fleet { command } = asked.command {
        let by = operate::Asker {
            host,
            administrator,
            of_root,
            language,
        };
        return operate::run(command, &by);
    }
    let records = Fleet {
        host,
        by: administrator.clone(),
    };
    admin::run_over(asked, records, administrator.as_deref(), sent)
}

/// The records of the fleet.
struct Fleet {
    host: Host,
    by: Option<String>,
}

impl Opens for Fleet {
    type Keeper = EtcdKeeper;

    fn open(&self, policy: &Policy) -> Result<EtcdKeeper, Error> {
        let keeper = EtcdKeeper::to(&self.host.etcd)?;
        let place = || Location::of(self.host.mark().display().to_string());
        let untrusted = |reason: Wording| Error::Database {
            place: place(),
            action: Deed::TrustDatabase,
            reason,
        };
        // Like the verifier, this program does not work on a database that has gone back in time.
        let mark =
            Mark::open(&self.host.mark()).map_err(|error| untrusted(operate::why_of(&error)))?;
        keeper
            .must_follow_mark(&mark)
            .map_err(|behind| untrusted(Wording::of(|language| behind.text(language))))?;
        keeper.for_request(root(), TO_CONNECT).fleet()?;
        let by = self
            .by
            .as_deref()
            .and_then(Machine::new)
            .unwrap_or_else(root);
        let seal = Seal::by_key_in(&policy.seal.key);
        Ok(keeper.for_request(by, LONGEST).sealed_by(seal))
    }
}

/// Returns root of a verifier's host, as a writer.
fn root() -> Machine {
    Machine::new("root").expect("four letters are a valid name")
}
