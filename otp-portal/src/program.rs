//! The program `otp-portal`. It reads its configuration, listens, and serves until it is told to end.

use crate::config::{Conf, DEFAULT_FILE};
use crate::server::accept::Listening;
use crate::server::handover::{Inherited, Manager};
use crate::server::{Portal, log};
use crate::session::{Loaded, Sessions};
use clap::Parser;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use otp_site::clock;
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long the end of the program waits for threads that read files or look up users' groups.
const FOR_THREADS: Duration = Duration::from_secs(1);

/// Serve the pages on which users enrol, look after their authenticators and log in. Ends on SIGTERM.
#[derive(Parser)]
#[command(name = "otp-portal", version)]
struct Arguments {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    conf: PathBuf,
    /// The policy, which says under what name apps show an account.
    #[arg(long, value_name = "FILE", default_value = otp_site::policy::DEFAULT_FILE)]
    policy: PathBuf,
    /// Only read the configuration and report whether it can be used.
    #[arg(long)]
    check: bool,
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let conf = match Conf::load(&arguments.conf) {
        Ok(conf) => conf,
        Err(error) => return failed(&error),
    };
    if arguments.check {
        return ExitCode::SUCCESS;
    }
    // Passwords pass through this process, so it leaves no core dump, not even to a program that collects those of all
    // processes.
    if let Err(errno) = prctl::set_dumpable(false) {
        return failed(&errno);
    }
    // Only this account may read the files that the portal writes.
    umask(Mode::from_bits_truncate(0o077));
    let inherited = match Inherited::take() {
        Ok(inherited) => inherited,
        Err(error) => return failed(&format!("the sockets of systemd: {error}")),
    };
    raise_the_number_of_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // For files, and for each lookup of a user's groups.
        .max_blocking_threads(64)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(run(conf, arguments.policy, inherited));
            // Do not wait for a thread that waits for a directory: it would delay the stop.
            runtime.shutdown_timeout(FOR_THREADS);
            exit
        }
        Err(error) => failed(&error),
    }
}

async fn run(conf: Conf, policy: PathBuf, inherited: Inherited) -> ExitCode {
    let now = match clock::now() {
        Ok(now) => now,
        Err(error) => return failed(&error),
    };
    let sessions = Sessions::open(&conf.state, conf.session, conf.limits.sessions, now);
    let sessions = match sessions {
        Ok((sessions, Loaded::Sessions(_))) => sessions,
        Ok((sessions, Loaded::Damaged)) => {
            log::tell(
                "the file of sessions was damaged and is put aside as sessions.damaged: all users have to log in again",
            );
            sessions
        }
        Err(error) => return failed(&format!("{}: {error}", conf.state.display())),
    };
    let mut listening = match Listening::begin(&conf, inherited).await {
        Ok(listening) => listening,
        Err(error) => return failed(&error),
    };
    let (end, ends) = watch::channel(false);
    let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt)] = signals else {
        return failed(&"signals cannot be waited for");
    };
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        end.send(true).ok();
    });
    let reported = match Manager::find() {
        Ok(Some(manager)) => listening.report_to(manager),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = reported {
        return failed(&format!(
            "systemd cannot be told that the portal is ready: {error}"
        ));
    }
    let portal = Arc::new(Portal::new(conf, policy, sessions));
    listening.serve(portal, ends).await;
    ExitCode::SUCCESS
}

fn raise_the_number_of_descriptors() {
    // If the limit cannot be raised, fewer connections are taken at a time.
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        setrlimit(Resource::RLIMIT_NOFILE, most.min(65_536), most).ok();
    }
}

fn failed(error: &dyn Display) -> ExitCode {
    eprintln!("otp-portal: {error}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    /// Returns the options that a manual names.
    fn named(roff: &str) -> BTreeSet<String> {
        let plain = roff.replace("\\-", "-").replace("\\fR", " ");
        let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
        let words = plain.split(|c| !is_part(c));
        words
            .filter_map(|word| word.strip_prefix("--"))
            .filter(|option| !option.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_manuals_have_the_options_of_the_program() {
        let command = Arguments::command();
        let options = command.get_arguments().filter_map(clap::Arg::get_long);
        let mut options: BTreeSet<String> = options.map(str::to_owned).collect();
        options.extend(["help", "version"].map(str::to_owned));
        let manual = named(include_str!("../../packaging/man/otp-portal.8"));
        // Options of systemctl, apt-get and otp-admin in the same manual.
        let others = BTreeSet::from(["now", "yes", "force"].map(str::to_owned));
        assert_eq!(&manual - &others, options);
        let of_the_file = named(include_str!("../../packaging/man/pam_otp-portal.conf.5"));
        assert!(of_the_file.is_subset(&options), "{of_the_file:?}");
    }
}
