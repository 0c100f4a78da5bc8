//! `otp-fleet-admin`: the command lines of `otp-admin` over the records of a fleet, on the host of a verifier.
//!
//! Root runs it by `otp-admin` there. A verifier runs it as `otp-fleet-admin --session` for an administrator whose certificate
//! it has seen: then who that is, the command line and the files that it names come on standard input.

use clap::Parser;
use clap::error::ErrorKind;
use nix::sys::signal::{SigSet, Signal};
use otp_core::Policy;
use otp_core::messages::fleet::Unable;
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

/// How long a command may take over all that it asks the database for.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How long it waits for the database to answer at all.
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
    // A core file would hold what an administrator has sent.
    nix::sys::prctl::set_dumpable(false).ok();
    // A verifier holds signals back, and has them taken in one place; this has to end when it is told to.
    SigSet::empty().thread_set_mask().ok();
    // Where the verifier is killed, nobody would end this.
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

/// An option with its value, where the command line begins with it.
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
    // Which policy and which hooks is the verifier's business.
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
        let untrusted = |reason: String| Error::Database {
            place: place(),
            action: "trust the database",
            reason,
        };
        // As the verifier: what went back in time is not worked on.
        let mark = Mark::open(&self.host.mark()).map_err(|error| untrusted(error.to_string()))?;
        keeper
            .must_follow_mark(&mark)
            .map_err(|behind| untrusted(behind.to_string()))?;
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

/// Root of a verifier's host, as a writer.
fn root() -> Machine {
    Machine::new("root").expect("four letters")
}
