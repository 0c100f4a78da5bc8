//! Module arguments, as they stand in `/etc/pam.d`.

use otp_core::qr::Style;
use otp_core::record::Language;
use std::path::PathBuf;
use std::time::Duration;

/// What to do with a password that an earlier module asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum FirstPass {
    /// Nothing: ask.
    #[default]
    Ignore,
    /// Take the code from its end; ask if there is none or it is wrong.
    Try,
    /// Take the code from its end; never ask.
    Use,
}

/// The arguments of one line.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch that stands in /etc/pam.d by itself"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Let an account without an authenticator in.
    pub nullok: bool,
    pub first_pass: FirstPass,
    /// Ask for password and code in one reply, and leave the password to later modules.
    pub forward_pass: bool,
    /// Ask for password and code in one reply, and leave both to others: the code to a second line of this module.
    pub split: bool,
    /// Show what is typed.
    pub echo: bool,
    /// The prompt to use instead of the built-in one.
    pub prompt: Option<String>,
    pub debug: bool,
    /// Do not delay refusals.
    pub nodelay: bool,
    pub conf: PathBuf,
    pub state_dir: PathBuf,
    /// The helper for programs that are not root.
    pub helper: PathBuf,
    pub language: Option<Language>,
    /// How an enrolment draws the QR code.
    pub qr: Option<Style>,
    /// How long a good code is remembered, instead of what policy says.
    pub remember: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nullok: false,
            first_pass: FirstPass::Ignore,
            forward_pass: false,
            split: false,
            echo: false,
            prompt: None,
            debug: false,
            nodelay: false,
            conf: otp_site::policy::DEFAULT_FILE.into(),
            state_dir: otp_store::files::DEFAULT_DIRECTORY.into(),
            helper: otp_helper::client::DEFAULT_HELPER.into(),
            language: None,
            qr: None,
            remember: None,
        }
    }
}

/// A wrong argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadArgument {
    /// Its position on the line, from 1.
    pub position: usize,
    /// Its name as it was written; the text after a `=` stays out of the log.
    pub name: String,
    pub reason: &'static str,
}

impl Options {
    /// Reads the arguments of a line. An unknown argument is an error: to skip a misspelt argument would be to run with
    /// another meaning than what was written.
    pub(crate) fn parse(arguments: &[&[u8]]) -> Result<Self, BadArgument> {
        let mut options = Self::default();
        for (at, argument) in arguments.iter().enumerate() {
            let bad = |reason| BadArgument {
                position: at + 1,
                name: argument
                    .split(|&byte| byte == b'=')
                    .next()
                    .map(|name| String::from_utf8_lossy(name).into_owned())
                    .unwrap_or_default(),
                reason,
            };
            let argument = std::str::from_utf8(argument).map_err(|_| bad("not UTF-8"))?;
            options.set(argument).map_err(bad)?;
            options.contradiction().map_err(bad)?;
        }
        Ok(options)
    }

    fn set(&mut self, argument: &str) -> Result<(), &'static str> {
        let (key, value) = match argument.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (argument, None),
        };
        match (key, value) {
            ("nullok", None) => self.nullok = true,
            ("try_first_pass", None) => self.first_pass = self.first_pass.or(FirstPass::Try)?,
            ("use_first_pass", None) => self.first_pass = self.first_pass.or(FirstPass::Use)?,
            ("forward_pass", None) => self.forward_pass = true,
            ("split", None) => self.split = true,
            ("echo_verification_code", None) => self.echo = true,
            ("debug", None) => self.debug = true,
            ("nodelay", None) => self.nodelay = true,
            ("authtok_prompt", Some(prompt)) => {
                if prompt.contains(char::is_control) {
                    return Err("authtok_prompt= takes no control character");
                }
                self.prompt = Some(prompt.to_owned());
            }
            ("conf", Some(path)) => {
                self.conf = absolute(path).ok_or("conf= takes an absolute path")?;
            }
            ("state_dir", Some(path)) => {
                self.state_dir = absolute(path).ok_or("state_dir= takes an absolute path")?;
            }
            ("helper", Some(path)) => {
                self.helper = absolute(path).ok_or("helper= takes an absolute path")?;
            }
            ("grace_period", Some(seconds)) => {
                self.remember = Some(whole_seconds(seconds).ok_or("grace_period= takes seconds")?);
            }
            ("lang", Some(tag)) => {
                self.language = Some(Language::from_tag(tag).ok_or("lang= takes en or ko")?);
            }
            ("qr", Some(word)) => {
                self.qr = Some(Style::from_word(word).ok_or("qr= takes unicode, ascii or none")?);
            }
            _ => return Err("unknown argument"),
        }
        Ok(())
    }

    /// Checks that no argument contradicts `split`, which only asks and leaves: arguments about an existing password
    /// have no meaning beside it.
    const fn contradiction(&self) -> Result<(), &'static str> {
        if self.split && (self.forward_pass || !matches!(self.first_pass, FirstPass::Ignore)) {
            return Err("split excludes forward_pass, try_first_pass and use_first_pass");
        }
        Ok(())
    }
}

impl FirstPass {
    fn or(self, other: Self) -> Result<Self, &'static str> {
        if self == Self::Ignore || self == other {
            Ok(other)
        } else {
            Err("try_first_pass and use_first_pass exclude each other")
        }
    }
}

fn whole_seconds(text: &str) -> Option<Duration> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = is_number.then(|| text.parse().ok()).flatten();
    seconds.map(Duration::from_secs)
}

fn absolute(path: &str) -> Option<PathBuf> {
    path.starts_with('/').then(|| path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, &'static str> {
        let arguments: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
        Options::parse(&arguments).map_err(|bad| bad.reason)
    }

    #[test]
    fn every_argument_is_known() {
        assert_eq!(parse(""), Ok(Options::default()));
        let options = parse(
            "nullok try_first_pass forward_pass echo_verification_code authtok_prompt=Code: debug nodelay conf=/etc/a \
             state_dir=/var/b helper=/usr/c lang=ko qr=ascii grace_period=28800",
        );
        assert_eq!(
            options,
            Ok(Options {
                nullok: true,
                first_pass: FirstPass::Try,
                forward_pass: true,
                split: false,
                echo: true,
                prompt: Some("Code:".to_owned()),
                debug: true,
                nodelay: true,
                conf: "/etc/a".into(),
                state_dir: "/var/b".into(),
                helper: "/usr/c".into(),
                language: Some(Language::Korean),
                qr: Some(Style::Ascii),
                remember: Some(Duration::from_secs(28_800)),
            })
        );
        assert_eq!(
            parse("use_first_pass").map(|options| options.first_pass),
            Ok(FirstPass::Use)
        );
        assert_eq!(parse("split").map(|options| options.split), Ok(true));
    }

    #[test]
    fn the_manual_names_every_argument_and_no_other() {
        let manual = include_str!("../../packaging/man/pam_otp.8");
        let (_, section) = manual.split_once(".SH ARGUMENTS\n").unwrap();
        let (section, _) = section.split_once("\n.SH ").unwrap();
        let mut lines = section.lines();
        let mut named = Vec::new();
        while lines.any(|line| line == ".TP") {
            let tag = lines.next().unwrap();
            let mut words = tag.split_whitespace().skip(1);
            let name = words.next().unwrap();
            // The text after the `=` of each, as a valid value.
            let value = match (name, words.next()) {
                (_, None) => "",
                ("lang=", _) => "en",
                ("grace_period=", _) => "60",
                ("qr=", _) => "none",
                (_, Some(_)) => "/etc/x",
            };
            assert!(parse(&format!("{name}{value}")).is_ok(), "{name}");
            if name == "lang=" {
                let values: Vec<&str> =
                    tag.split_whitespace().filter(|word| *word != "|").collect();
                assert_eq!(values[2..], Language::ALL.map(Language::tag));
            }
            if name == "qr=" {
                let values: Vec<&str> =
                    tag.split_whitespace().filter(|word| *word != "|").collect();
                assert_eq!(values[2..], Style::ALL.map(Style::word));
            }
            named.push(name.to_owned());
        }
        // The arms of `set`, as they stand above.
        let source = include_str!("options.rs");
        let (_, arms) = source.split_once("match (key, value) {").unwrap();
        let (arms, _) = arms.split_once("_ => return Err").unwrap();
        let arms = arms.lines().filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("(\"")?.split_once("\", ")?;
            let sign = if value.starts_with("Some") { "=" } else { "" };
            Some(format!("{name}{sign}"))
        });
        let mut known: Vec<_> = arms.collect();
        known.sort();
        named.sort();
        assert_eq!(named, known);
    }

    #[test]
    fn an_unknown_language_is_refused_with_a_list_of_the_known_ones() {
        let reason = parse("lang=xx").unwrap_err();
        let known = reason.strip_prefix("lang= takes ").unwrap();
        assert_eq!(known, Language::ALL.map(Language::tag).join(" or "));
    }

    #[test]
    fn text_that_is_no_argument_is_an_error() {
        for line in [
            "nulok",
            "nullok=",
            "nullok=yes",
            "NULLOK",
            "nodelay=0",
            "no_delay",
            "conf",
            "conf=",
            "conf=relative/path",
            "state_dir=x",
            "helper=x",
            "lang=fr",
            "lang",
            "qr",
            "qr=",
            "qr=off",
            "qr=ASCII",
            "grace_period",
            "grace_period=",
            "grace_period=-1",
            "grace_period=+1",
            "grace_period=8h",
            "grace_period=99999999999999999999",
            "secret=/home/x",
            "authtok_prompt",
            "try_first_pass use_first_pass",
            "split forward_pass",
            "use_first_pass split",
            "=",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert_eq!(
            Options::parse(&[b"nullok".as_slice(), b"\xff"]),
            Err(BadArgument {
                position: 2,
                name: "\u{fffd}".to_owned(),
                reason: "not UTF-8"
            })
        );
    }
}
