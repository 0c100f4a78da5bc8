//! The program `otp-verifier`: its command line, the rights that it gives up before it listens, and its end.

use super::base::{Base, Etcd, Folder};
use super::conf::{DEFAULT_FILE, Records};
use super::log::Log;
use super::{Conf, Verifier, sealing};
use crate::tls;
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{User, getegid, geteuid, initgroups, setgid, setuid};
use otp_core::event::Severity;
use otp_site::policy;
use std::ffi::{CString, OsString};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// The account as which it runs when root starts it.
pub const USER: &str = "_pam-otp-verifier";

const HELP: &str = "\
Checks one-time passwords for the machines of a fleet.

Usage: otp-verifier [OPTIONS]

Options:
      --conf PATH   The configuration [default: /etc/security/pam_otp-verifier.conf]
      --check       Look whether configuration, certificates and policy can be used, and end
      --user NAME   The user that it runs as when root starts it [default: _pam-otp-verifier]
      --help        Print this
      --version     Print the version
";

/// The requests of the command line.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Run(Options),
    Text(String),
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    conf: PathBuf,
    only_checks: bool,
    user: String,
}

/// Runs the program until it is told to end, or cannot continue.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match parse(arguments) {
        Ok(Wanted::Run(options)) => options,
        Ok(Wanted::Text(text)) => return print(&text),
        Err(wrong) => return complain(&wrong),
    };
    match run(&options) {
        Ok(code) => code,
        Err(wrong) => complain(&wrong),
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Wanted, String> {
    let mut options = Options {
        conf: DEFAULT_FILE.into(),
        only_checks: false,
        user: USER.to_owned(),
    };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let name = argument.to_string_lossy().into_owned();
        let mut value = || {
            let value = arguments.next();
            value.ok_or_else(|| format!("{name} takes a value"))
        };
        match name.as_str() {
            "--help" => return Ok(Wanted::Text(HELP.to_owned())),
            "--version" => {
                let version = env!("CARGO_PKG_VERSION");
                return Ok(Wanted::Text(format!("otp-verifier {version}\n")));
            }
            "--check" => options.only_checks = true,
            "--conf" => options.conf = value()?.into(),
            "--user" => match value()?.to_str() {
                Some(user) if !user.is_empty() => user.clone_into(&mut options.user),
                _ => return Err("--user takes the name of a user".to_owned()),
            },
            _ => {
                return Err(format!(
                    "unknown argument {name:?}: see otp-verifier --help"
                ));
            }
        }
    }
    Ok(Wanted::Run(options))
}

fn run(options: &Options) -> Result<ExitCode, String> {
    // This comes before any thread starts: later threads block the signals too, and this one takes them.
    let mut ending = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        ending.add(signal);
    }
    let failed = |what: &'static str| move |error: Errno| format!("cannot {what}: {error}");
    ending.thread_block().map_err(failed("hold signals back"))?;
    give_up_root(&options.user)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(failed("forbid core files"))?;
    // A change of user resets this flag, so it is set after that.
    prctl::set_dumpable(false).map_err(failed("become undumpable"))?;
    umask(Mode::from_bits_truncate(0o077));
    // The text of a panic could contain anything.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location();
        let place = place.map(|place| format!("{}, line {}", place.file(), place.line()));
        let place = place.unwrap_or_default();
        Log::default().fleet(Severity::Error, &format!("an error of pam_otp: {place}"));
    }));
    let conf = Conf::load(&options.conf).map_err(|error| error.to_string())?;
    let policy = policy::load_to_enrol(&conf.policy).map_err(|error| error.to_string())?;
    otp_log::hand_on_from_now_on(&conf.state, &policy.for_account().hooks);
    let without_key = sealing::without_key(&conf, &policy.for_account());
    if options.only_checks {
        return check(&conf, without_key);
    }
    std::env::set_current_dir("/")
        .map_err(|error| format!("cannot leave the directory: {error}"))?;
    match conf.records.clone() {
        Records::Folder {
            directory,
            machines,
        } => {
            // Over etcd, this is part of the state of the fleet.
            if let Some(reason) = without_key {
                Log::default().fleet(Severity::Error, &reason);
            }
            serve(conf, Folder::new(directory, machines), ending)
        }
        Records::Etcd(config) => {
            let name = tls::name_in(&conf.files.certificate).map_err(|error| error.to_string())?;
            let base = Etcd::begin(&config, &conf.state, &conf.policy, name)?;
            serve(conf, base, ending)
        }
    }
}

fn serve<B: Base>(conf: Conf, base: B, ending: SigSet) -> Result<ExitCode, String> {
    let log = Log::default();
    let verifier = Verifier::new(conf, base).map_err(|error| error.to_string())?;
    let addresses: Vec<String> = verifier
        .addresses()
        .iter()
        .map(ToString::to_string)
        .collect();
    let serving = verifier.serve().map_err(|error| error.to_string())?;
    log.fleet(
        Severity::Notice,
        &format!("serves on {}", addresses.join(", ")),
    );
    loop {
        match ending.wait() {
            // Changed files are read again without a signal.
            Ok(Signal::SIGHUP) | Err(Errno::EINTR) => {}
            Ok(_) => break,
            Err(error) => return Err(format!("cannot wait for signals: {error}")),
        }
    }
    log.fleet(Severity::Notice, "ends, and finishes what was begun");
    if serving.end() {
        return Ok(ExitCode::SUCCESS);
    }
    log.fleet(Severity::Warning, "ends while something is not finished");
    Ok(ExitCode::from(2))
}

/// Checks what a start would check, and does not listen.
fn check(conf: &Conf, without_key: Option<String>) -> Result<ExitCode, String> {
    tls::server(&conf.files).map_err(|error| error.to_string())?;
    let name = tls::name_in(&conf.files.certificate).map_err(|error| error.to_string())?;
    if let Some(reason) = without_key {
        return Err(reason);
    }
    Ok(print(&format!(
        "{name}: configuration, certificates and policy can be used\n"
    )))
}

/// Becomes an account of its own if root has started it: no work of a verifier needs root.
fn give_up_root(user: &str) -> Result<(), String> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let failed = |what: &'static str| move |error: Errno| format!("cannot {what}: {error}");
    let found = User::from_name(user).map_err(failed("look up its user"))?;
    let found = found.ok_or_else(|| {
        format!("there is no user {user}, and it does not run as root: see --user")
    })?;
    if found.uid.is_root() {
        return Err("it does not run as root: --user names another".to_owned());
    }
    let name = CString::new(user).map_err(|_| "no user has such a name".to_owned())?;
    // The account's own groups stay: one of them may read the sealing key.
    initgroups(&name, found.gid).map_err(failed("give up root's groups"))?;
    setgid(found.gid).map_err(failed("give up root's group"))?;
    setuid(found.uid).map_err(failed("give up root"))?;
    // The rights that were given up must not come back.
    if geteuid() != found.uid || getegid() != found.gid || setuid(0.into()).is_ok() {
        return Err("cannot give up root".to_owned());
    }
    Ok(())
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}

/// Writes an error to standard error, for a person or the journal.
fn complain(wrong: &str) -> ExitCode {
    let text = format!("otp-verifier: {wrong}\n");
    std::io::stderr().write_all(text.as_bytes()).ok();
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<Wanted, String> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn known_options_are_taken_and_any_other_is_refused() {
        let expected = Options {
            conf: "/x".into(),
            only_checks: true,
            user: "daemon".to_owned(),
        };
        let words = ["--conf", "/x", "--check", "--user", "daemon"];
        assert_eq!(asked(&words), Ok(Wanted::Run(expected)));
        for words in [
            &["--conf"][..],
            &["--user"],
            &["--user", ""],
            &["x"],
            &["--chec"],
            &["--conf=/x"],
        ] {
            assert!(asked(words).is_err(), "{words:?}");
        }
        assert!(matches!(asked(&["--help"]), Ok(Wanted::Text(_))));
        assert!(matches!(asked(&["--version"]), Ok(Wanted::Text(_))));
    }
}
