//! The command line, and the user that the hook runs as.

use nix::unistd::{Gid, Uid, User, geteuid};
use otp_site::hook::USER;
use otp_site::policy::DEFAULT_FILE;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) const HELP: &str = "\
Gives each event that waits in the queue of pam_otp to the hook of the policy.

Usage: otp-notify [OPTIONS]

Options:
      --conf PATH           The policy file [default: /etc/security/pam_otp.conf]
      --state-dir PATH      The directory of the records [default: /var/lib/pam_otp]
      --user NAME           The user that the hook runs as [default: otp-notify]
      --time-limit SECONDS  How long the hook may take for one event, 1 to 3600 [default: 30]
      --help                Print this
      --version             Print the version
";

/// The request of the command line.
pub(crate) enum Wanted {
    /// Hand on the waiting events.
    Run(Options),
    /// Print a text.
    Text(String),
}

/// The options of a run.
pub(crate) struct Options {
    pub conf: PathBuf,
    pub state_dir: PathBuf,
    pub time_limit: Duration,
    user: String,
}

/// Reads the arguments.
///
/// # Errors
/// An argument is unknown, or a value is not allowed; the text names the argument and the allowed values.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Wanted, String> {
    let mut options = Options {
        conf: DEFAULT_FILE.into(),
        state_dir: "/var/lib/pam_otp".into(),
        time_limit: Duration::from_secs(30),
        user: USER.to_owned(),
    };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let name = argument.to_string_lossy().into_owned();
        match name.as_str() {
            "--help" => return Ok(Wanted::Text(HELP.to_owned())),
            "--version" => {
                let version = env!("CARGO_PKG_VERSION");
                return Ok(Wanted::Text(format!("otp-notify {version}\n")));
            }
            "--conf" | "--state-dir" | "--user" | "--time-limit" => {}
            _ => return Err(format!("unknown argument {name:?}: see otp-notify --help")),
        }
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} takes a value"))?;
        let text = value.to_str().unwrap_or_default();
        match name.as_str() {
            "--conf" => options.conf = value.into(),
            "--state-dir" => options.state_dir = value.into(),
            "--user" if !text.is_empty() => text.clone_into(&mut options.user),
            "--user" => return Err("--user takes the name of a user".to_owned()),
            _ => match text.parse() {
                Ok(seconds @ 1..=3600) => options.time_limit = Duration::from_secs(seconds),
                _ => return Err("--time-limit takes 1 to 3600 seconds".to_owned()),
            },
        }
    }
    Ok(Wanted::Run(options))
}

impl Options {
    /// Returns the ids that the hook runs with; `None`: those of this process, which does not run as root.
    ///
    /// # Errors
    /// The hook would run as root, there is no such user, or the name service does not answer.
    pub(crate) fn user(&self) -> Result<Option<(Uid, Gid)>, String> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let name = &self.user;
        match User::from_name(name) {
            Ok(Some(user)) if user.uid.is_root() || user.gid.as_raw() == 0 => {
                Err(format!("no hook runs as root, and {name} is root"))
            }
            Ok(Some(user)) => Ok(Some((user.uid, user.gid))),
            Ok(None) => Err(format!(
                "the hook is to run as the user {name}, who does not exist"
            )),
            Err(errno) => Err(format!("the name service did not answer: {errno}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Options, String> {
        match parse(arguments.iter().map(OsString::from))? {
            Wanted::Run(options) => Ok(options),
            Wanted::Text(text) => Err(text),
        }
    }

    #[test]
    fn every_argument_is_known() {
        let usual = options(&[]).unwrap();
        assert_eq!(usual.time_limit, Duration::from_secs(30));
        assert_eq!(usual.user, "otp-notify");
        let set = options(&[
            "--conf",
            "/a",
            "--state-dir",
            "/b",
            "--user",
            "eve",
            "--time-limit",
            "3600",
        ]);
        let set = set.unwrap();
        assert_eq!((set.conf, set.state_dir), ("/a".into(), "/b".into()));
        assert_eq!((set.user.as_str(), set.time_limit.as_secs()), ("eve", 3600));
        for wrong in [
            &["--config"][..],
            &["run"],
            &["--conf"],
            &["--user", ""],
            &["--time-limit", "0"],
            &["--time-limit", "3601"],
            &["--time-limit", "1s"],
        ] {
            let said = options(wrong).err().unwrap();
            assert!(said.lines().count() == 1, "{wrong:?}: {said}");
        }
        assert!(
            options(&["--version"])
                .err()
                .unwrap()
                .starts_with("otp-notify ")
        );
    }

    #[test]
    fn the_manual_names_every_option_with_its_default_and_no_other() {
        let manual = include_str!("../../packaging/man/otp-notify.8").replace('\\', "");
        for line in HELP.lines().filter(|line| line.trim().starts_with("--")) {
            let mut words = line.split_whitespace();
            let option = words.next().unwrap();
            let argument = words
                .next()
                .filter(|word| word.bytes().all(|b| b.is_ascii_uppercase()));
            let heading = match argument {
                Some(argument) => format!(".TP\nfB{option}fR fI{argument}fR\n"),
                None => format!(".TP\nfB{option}fR\n"),
            };
            assert!(manual.contains(&heading), "{heading}");
            if let Some((_, default)) = line.split_once("[default: ") {
                let default = default.trim_end_matches(']');
                assert!(manual.contains(default), "{default}");
            }
        }
        let options = HELP.matches("\n      --").count();
        assert_eq!(manual.matches(".TP\nfB--").count(), options);
    }
}
