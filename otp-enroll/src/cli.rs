//! The two command lines, as clap reads them.
//!
//! The rules of the interface:
//!
//! - Results go to standard output.
//! - Questions and secrets go to the controlling terminal (except for `otp-admin provision`, whose result is the
//!   secret).
//! - Errors go to standard error as `otp-enroll: what is wrong`, with a line `hint: what to do`.
//! - Exit 0: done. 1: refused, or left by the person at the terminal, by any signal. 2: could not.
//! - No secret is ever taken from an argument or from the environment.

use crate::admin::{Only, USUAL_CREDENTIAL, USUAL_SECONDS, moment};
use crate::picture::PicturePath;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Command, Parser, Subcommand, ValueEnum, ValueHint};
use otp_core::UnixTime;
use otp_core::messages::reason::Unfit;
use otp_core::qr::Style;
use otp_core::record::{DEFAULT_NAME, Language, Name, ServiceName};
use otp_site::policy;
use otp_store::files;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod korean;
mod told;

use told::OutOfBounds;
pub use told::{parsed, refuse_meaningless};

const EXIT_STATUS: &str = "Exit status: 0 done, 1 refused or left, 2 could not.";

/// `otp-enroll`
#[derive(Parser)]
#[command(name = "otp-enroll", version, after_help = EXIT_STATUS)]
#[command(about = "Set up an authenticator for one-time codes, or replace it")]
#[command(mut_subcommands(keep_quiet_about_the_meaningless))]
pub struct Enroll {
    /// Options of the dialogue.
    #[command(flatten)]
    pub dialogue: DialogueOptions,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// Whose account (other people's: root only)
    #[arg(long, value_name = "NAME", global = true, value_hint = ValueHint::Username)]
    pub user: Option<String>,
    /// What to do instead of enrolling.
    #[command(subcommand)]
    pub command: Option<EnrollCommand>,
}

/// How the new authenticator is shown and kept.
#[derive(Args)]
pub struct DialogueOptions {
    /// What to call the authenticator [default: phone]
    #[arg(long, value_name = "LABEL", value_parser = name, value_hint = ValueHint::Other)]
    pub name: Option<Name>,
    /// How to draw the QR code [default: by the locale]
    #[arg(long, value_name = "STYLE", value_enum, global = true)]
    pub qr: Option<QrStyle>,
    /// Also write the QR code to a new picture file
    #[arg(long, value_name = "PATH.svg|.png", value_parser = PicturePath::parse, global = true,
        value_hint = ValueHint::FilePath)]
    pub qr_file: Option<PicturePath>,
    /// Write the recovery codes to a new file
    #[arg(long, value_name = "PATH", global = true, value_hint = ValueHint::FilePath)]
    pub save: Option<PathBuf>,
}

impl Enroll {
    /// Returns the name of the first given option that has no meaning for the command.
    #[must_use]
    pub fn meaningless(&self) -> Option<&'static str> {
        let (shows_key, issues_codes) = match self.command {
            None | Some(EnrollCommand::Add { .. }) => (true, true),
            Some(EnrollCommand::RecoveryCodes) => (false, true),
            Some(
                EnrollCommand::Status { .. } | EnrollCommand::Test | EnrollCommand::Remove { .. },
            ) => (false, false),
        };
        let given = &self.dialogue;
        [
            (given.name.is_some() && self.command.is_some(), "--name"),
            (given.qr.is_some() && !shows_key, "--qr"),
            (given.qr_file.is_some() && !shows_key, "--qr-file"),
            (given.save.is_some() && !issues_codes, "--save"),
        ]
        .into_iter()
        .find_map(|(wrong, option)| wrong.then_some(option))
    }
}

/// Hides options without a meaning for a command from its `--help`. They are still parsed, so that they can be
/// refused with a reason, since they may also stand before the command.
fn keep_quiet_about_the_meaningless(command: Command) -> Command {
    let meaningless: &[&str] = match command.get_name() {
        "status" | "test" | "remove" => &["qr", "qr_file", "save"],
        "recovery-codes" => &["qr", "qr_file"],
        _ => &[],
    };
    let options = DialogueOptions::augment_args(Command::new("options"));
    let hidden = options
        .get_arguments()
        .filter(|option| meaningless.contains(&option.get_id().as_str()))
        .map(|option| option.clone().hide(true));
    command.args(hidden)
}

/// How the QR code is drawn in the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum QrStyle {
    /// Half blocks: two rows of the code in one line
    Unicode,
    /// Spaces and number signs
    Ascii,
    /// Not at all
    None,
}

impl From<QrStyle> for Style {
    fn from(style: QrStyle) -> Self {
        match style {
            QrStyle::Unicode => Self::Unicode,
            QrStyle::Ascii => Self::Ascii,
            QrStyle::None => Self::None,
        }
    }
}

/// What `otp-enroll` can do besides enrolling.
#[derive(Clone, Subcommand)]
pub enum EnrollCommand {
    /// Show what is enrolled, and whether it is locked
    Status {
        /// As one JSON object; times are seconds since 1970
        #[arg(long)]
        json: bool,
    },
    /// Try a code, as a login would: it counts like any other
    Test,
    /// Set up one more authenticator; if only one is allowed, replace the old one
    Add {
        /// What to call it
        #[arg(value_name = "NAME", value_parser = name, value_hint = ValueHint::Other)]
        name: Name,
    },
    /// Remove an authenticator; with the last one, remove the recovery codes too
    Remove {
        /// Which one; not needed where there is only one
        #[arg(value_name = "NAME", value_parser = name, value_hint = ValueHint::Other)]
        name: Option<Name>,
    },
    /// Get new recovery codes; the old ones stop working
    RecoveryCodes,
}

/// The largest counter: so far from the end of all counters that no token gets there.
const MOST_COUNTER: u64 = i64::MAX as u64;

/// The path of an administrator's certificate, unless the command line names another.
pub const ADMINISTRATOR_CERTIFICATE: &str = "/etc/security/pam_otp-administrator.crt";

/// The path of its key, unless the command line names another.
pub const ADMINISTRATOR_KEY: &str = "/etc/security/pam_otp-administrator.key";

/// `otp-admin`
#[derive(Parser)]
#[command(name = "otp-admin", version, after_help = EXIT_STATUS)]
#[command(about = "Look after everybody's one-time codes (root only, except guide)")]
pub struct Admin {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// Work on the records of this machine, even if it belongs to a fleet
    #[arg(long, global = true)]
    pub local: bool,
    /// The administrator's certificate, for a fleet
    #[arg(long, value_name = "FILE", global = true, default_value = ADMINISTRATOR_CERTIFICATE,
        value_hint = ValueHint::FilePath)]
    pub certificate: PathBuf,
    /// The key of that certificate [default: /etc/security/pam_otp-administrator.key]
    // There is no clap default: clap would also give it to the option of that name of `seal`.
    #[arg(long, value_name = "FILE", global = true, value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: AdminCommand,
}

impl Admin {
    /// Returns the path of the key of the administrator's certificate.
    #[must_use]
    pub fn key_of_certificate(&self) -> &Path {
        self.key.as_deref().unwrap_or(Path::new(ADMINISTRATOR_KEY))
    }
}

/// What `otp-admin` can do.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// List everybody who is enrolled
    List {
        /// As one JSON array; times are seconds since 1970
        #[arg(long, conflicts_with = "csv")]
        json: bool,
        /// As comma-separated values with a header
        #[arg(long)]
        csv: bool,
    },
    /// Report which users must have an authenticator, and which have one
    ///
    /// Covers everybody whom the name service lists, and every record. Accounts of programs are left out unless they have a
    /// record. Text ends with a summary.
    Report {
        /// As one JSON object; times are seconds since 1970
        #[arg(long, conflicts_with = "csv")]
        json: bool,
        /// As comma-separated values with a header
        #[arg(long)]
        csv: bool,
        /// Only these users: a file with a name on each line, - for standard input
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        users: Option<PathBuf>,
        /// Only members of this group; may be given again
        #[arg(long = "group", value_name = "NAME", value_hint = ValueHint::Other)]
        groups: Vec<String>,
        /// Write only these rows; the summary counts all
        #[arg(long, value_name = "WHICH", value_enum)]
        only: Option<Only>,
        /// Include accounts of programs
        #[arg(long)]
        system: bool,
        /// Apply the rules for this service [default: those of services that the policy does not name]
        #[arg(long, value_name = "NAME", value_parser = service_name, value_hint = ValueHint::Other)]
        service: Option<ServiceName>,
    },
    /// Show everything about one user except secrets
    Show {
        /// The user's name
        #[arg(value_hint = ValueHint::Username)]
        user: String,
    },
    /// Lift a lock, and forget the failures
    Unlock {
        /// The user's name
        #[arg(value_hint = ValueHint::Username)]
        user: String,
    },
    /// Remove everything that is kept about a user, damaged or not
    Reset {
        /// The user's name
        #[arg(value_hint = ValueHint::Username)]
        user: String,
        /// Only if nobody has that name any more
        #[arg(long)]
        gone: bool,
    },
    /// Give a record to the same person's new name or user id
    Move {
        /// The name that the record is kept under
        #[arg(value_hint = ValueHint::Username)]
        old: String,
        /// The user's name now; the same name where only the user id has changed
        #[arg(value_hint = ValueHint::Username)]
        new: String,
        /// Move it even if the user id differs from that in the record
        #[arg(long)]
        force: bool,
    },
    /// Enrol a user without a dialogue, and print the key and the recovery codes
    Provision {
        /// The user's name
        #[arg(value_hint = ValueHint::Username)]
        user: String,
        /// As one JSON object
        #[arg(long)]
        json: bool,
        /// Replace an authenticator that is there
        #[arg(long)]
        force: bool,
        /// What to call the authenticator
        #[arg(long, value_name = "LABEL", value_parser = name, default_value = DEFAULT_NAME,
            value_hint = ValueHint::Other)]
        name: Name,
        /// Use a counter instead of the clock, as a token with a button does
        #[arg(long)]
        hotp: bool,
        /// The counter of the first code
        #[arg(long, value_name = "COUNTER", default_value_t = 0, requires = "hotp",
            value_parser = number::<u64>(0..=MOST_COUNTER), value_hint = ValueHint::Other)]
        counter: u64,
    },
    /// Import the keys of another program
    Import {
        /// From which.
        #[command(subcommand)]
        command: ImportCommand,
    },
    /// Look for ways past the code, and for settings that lock people out
    ///
    /// Follows every way through PAM's lines of each service that asks for codes, or of the services that are named, and
    /// examines sshd's configuration, the policy, the records and the clock. Changes nothing. Exit status: 0 nothing is
    /// wrong, 1 something is, 2 something could not be examined.
    Doctor {
        /// Which services [default: all that have such a line]
        #[arg(value_name = "SERVICE", value_hint = ValueHint::Other)]
        services: Vec<String>,
        /// As one JSON object
        #[arg(long)]
        json: bool,
        /// The root of another system's files
        #[arg(long, value_name = "DIR", default_value = "/", value_hint = ValueHint::DirPath)]
        root: PathBuf,
    },
    /// Have a service ask for a code from now on
    ///
    /// Shows the difference, has you log in with the new lines before they are in place, puts them there, and undoes
    /// everything unless you confirm.
    Protect {
        /// The service, such as sshd or sudo
        #[arg(value_hint = ValueHint::Other)]
        service: String,
        /// Show the difference, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// How long you have to try a login and confirm, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = USUAL_SECONDS, value_parser = number::<u64>(5..=3600))]
        within: u64,
    },
    /// Have a service ask for no code any more
    Unprotect {
        /// The service
        #[arg(value_hint = ValueHint::Other)]
        service: String,
        /// Show the difference, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Read back who logged in with a code, who was refused, and what was changed
    ///
    /// Reads the journal, and there only what root's programs, the helper, a verifier and the portal have written. Without a journal,
    /// reads the files of syslog.
    Events {
        /// Only events about this user
        #[arg(long, value_name = "NAME", value_hint = ValueHint::Username)]
        user: Option<String>,
        /// Only events since then: a date in UTC, or how long ago
        #[arg(long, value_name = "WHEN", value_parser = Since::parse, value_hint = ValueHint::Other)]
        since: Option<Since>,
        /// As one JSON object on each line; times are seconds since 1970
        #[arg(long)]
        json: bool,
        /// Only this many of the newest, the oldest of them first
        #[arg(long, value_name = "COUNT", value_parser = number::<u16>(1..=1000))]
        newest: Option<u16>,
        /// Read this file of syslog
        #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
        /// Only logins on this machine, by its name in the fleet or in the log
        #[arg(long, value_name = "NAME", value_hint = ValueHint::Hostname)]
        machine: Option<String>,
    },
    /// Write a guide for the people who log in: one page, by the policy of this machine
    ///
    /// Says how to set up an authenticator, log in, change a phone, and what to do if it is lost or the account is locked. With
    /// --lang ko, in Korean. The keys and codes in it are examples. Needs no root.
    Guide {
        /// As one file of HTML, to be put on a web server or printed
        #[arg(long, conflicts_with = "text")]
        html: bool,
        /// As plain text, which is the default
        #[arg(long)]
        text: bool,
        /// What its readers call the organisation or the machine [default: the issuer]
        #[arg(long, value_name = "NAME", value_parser = site_name, value_hint = ValueHint::Other)]
        name: Option<String>,
    },
    /// Look after a fleet: its database, machines, administrators and backups
    Fleet {
        /// What to do.
        #[command(subcommand)]
        command: FleetCommand,
    },
    /// Seal the keys in all records, so that a copied disk or backup opens no account
    ///
    /// Uses the first key in the file that the policy names; pam_otp-seal(7) has the set-up. Logins go on meanwhile. If it is
    /// interrupted, the same command completes it.
    Seal {
        /// What else to do than to seal what is not sealed by the first key.
        #[command(flatten)]
        instead: SealInstead,
        /// The key file [default: as the policy has it]
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        key: Option<PathBuf>,
        /// The systemd credential that the file is made from at boot
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, default_value = USUAL_CREDENTIAL)]
        credential: PathBuf,
    },
    /// Check a policy file, or show what the policy means for a user
    Policy {
        /// What to do.
        #[command(subcommand)]
        command: PolicyCommand,
    },
}

impl AdminCommand {
    /// Returns the policy file to check, if it is not that of `--conf`.
    #[must_use]
    pub fn policy_to_check(&self) -> Option<&Path> {
        match self {
            Self::Policy {
                command: PolicyCommand::Check { file, .. },
            } => file.as_deref(),
            _ => None,
        }
    }
}

/// What `otp-admin fleet` can do.
#[derive(Subcommand)]
pub enum FleetCommand {
    /// Begin a fleet in an etcd that is empty, or complete what was begun
    ///
    /// Run it on the host of a verifier, with --certificate and --key of etcd's user root. It makes a user of etcd for each
    /// verifier, with rights to the keys of the fleet and to no others. It has etcd ask everybody for a certificate from then
    /// on. If the policy names a sealing key, it makes that key, which seals the secrets of users. Then it says what to do
    /// next.
    Init {
        /// A verifier, by the common name of its certificate for etcd; may be given again
        #[arg(long = "verifier", value_name = "NAME", required = true, value_hint = ValueHint::Other)]
        verifiers: Vec<String>,
        /// The first administrator, by the name in the certificate
        #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
        administrator: Option<String>,
        /// Make no sealing key
        #[arg(long)]
        without_key: bool,
    },
    /// Write the sealing key to a new file, encrypted, for another verifier
    ///
    /// Run it on the host of a verifier that has the key.
    CarryKey {
        /// The new file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// The file with the key to encrypt it with, 32 bytes [default: asks for a passphrase]
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        key_file: Option<PathBuf>,
    },
    /// Put the sealing key from such a file in its place
    ///
    /// Run it on the host of a verifier that does not have the key yet.
    TakeKey {
        /// The file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// The file with the key that it was encrypted with [default: asks for the passphrase]
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        key_file: Option<PathBuf>,
    },
    /// Let a machine ask the fleet's verifiers
    AddMachine {
        /// The first DNS name in its certificate
        #[arg(value_name = "NAME", value_hint = ValueHint::Hostname)]
        name: String,
        /// It may check only users of this zone; may be given again [default: everybody]
        #[arg(long = "zone", value_name = "ZONE", value_hint = ValueHint::Other)]
        zones: Vec<String>,
    },
    /// Let an administrator manage the fleet
    AddAdministrator {
        /// The first DNS name in the certificate
        #[arg(value_name = "NAME", value_hint = ValueHint::Other)]
        name: String,
    },
    /// Refuse a machine or an administrator from its next request on
    Revoke {
        /// The name in the certificate
        #[arg(value_name = "NAME", value_hint = ValueHint::Hostname)]
        name: String,
    },
    /// List machines and administrators
    Machines {
        /// As one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Show the state of the database, the verifiers and the machines
    ///
    /// Exit status: 0 nothing is wrong, 1 something is, 2 the database could not be asked.
    Status {
        /// As one JSON object; times are seconds since 1970
        #[arg(long)]
        json: bool,
    },
    /// Write everything that the fleet keeps to a new file, encrypted
    ///
    /// Run it on the host of a verifier. The file has the state of one moment; logins go on meanwhile.
    Backup {
        /// The new file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// The file with the key, 32 bytes [default: asks for a passphrase]
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        key_file: Option<PathBuf>,
    },
    /// Restore a backup
    ///
    /// Run it on the host of a verifier. Afterwards no older code counts, and recovery codes are void.
    Restore {
        /// The backup
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// The file with the key that it was written with [default: asks for the passphrase]
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        key_file: Option<PathBuf>,
        /// Replace what the fleet keeps now
        #[arg(long)]
        replace: bool,
        /// Take the clock of this host as it is, whatever time the fleet has recorded
        #[arg(long)]
        trust_clock: bool,
    },
    /// Accept a database that went back in time as the fleet's own
    ///
    /// Run it on the host of a verifier. Verifiers that have seen a later state of it have stopped. Afterwards no older code
    /// counts, and recovery codes are void.
    Confirm {
        /// Take the clock of this host as it is, whatever time the fleet has recorded
        #[arg(long)]
        trust_clock: bool,
    },
}

/// What `otp-admin seal` does instead of sealing.
#[derive(Args)]
#[group(multiple = false)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "options, of which one is given at most"
)]
pub struct SealInstead {
    /// Make a key where there is none, and seal nothing yet
    #[arg(long)]
    pub new_key: bool,
    /// Seal everything with a new key, and remove the old one
    #[arg(long)]
    pub rotate: bool,
    /// Unseal everything
    #[arg(long)]
    pub undo: bool,
    /// Count the records by the key that seals them, and change nothing
    #[arg(long)]
    pub status: bool,
}

/// Where `otp-admin import` takes keys from.
#[derive(Subcommand)]
pub enum ImportCommand {
    /// From the files of `pam_google_authenticator`
    ///
    /// Each user's file is read with the rights of that user, and stays as it is.
    GoogleAuthenticator {
        /// Files, directories with a file named after each user, or a path with ~, ${USER} or ${HOME} as in secret= [default:
        /// those in the homes]
        #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
        paths: Vec<PathBuf>,
        /// How it is done.
        #[command(flatten)]
        options: ImportOptions,
        /// The user of the file, if its owner does not show it
        #[arg(long, value_name = "NAME", value_hint = ValueHint::Username)]
        user: Option<String>,
    },
    /// From the file of `pam_oath`
    Oath {
        /// The file, such as /etc/users.oath
        #[arg(value_name = "PATH", value_hint = ValueHint::FilePath)]
        path: PathBuf,
        /// How it is done.
        #[command(flatten)]
        options: ImportOptions,
        /// The window= of the line of `pam_oath` in /etc/pam.d
        #[arg(long, value_name = "NUMBER", value_parser = number::<u16>(0..=1000))]
        window: Option<u16>,
        /// The digits= of that line
        #[arg(long, value_name = "DIGITS", value_parser = number::<u8>(6..=8))]
        digits: Option<u8>,
    },
    /// From a list of otpauth URIs or of keys: plain lines, CSV or JSON
    Uris {
        /// The file
        #[arg(value_name = "PATH", value_hint = ValueHint::FilePath)]
        path: PathBuf,
        /// How it is done.
        #[command(flatten)]
        options: ImportOptions,
        /// The user of the keys, if the file does not name one
        #[arg(long, value_name = "NAME", value_hint = ValueHint::Username)]
        user: Option<String>,
        /// How many steps, or counters, the old server checked
        #[arg(long, value_name = "NUMBER", value_parser = number::<u16>(0..=1000))]
        window: Option<u16>,
    },
    /// From a key container (PSKC, RFC 6030), the format that comes with hardware tokens
    Pskc {
        /// The file
        #[arg(value_name = "PATH", value_hint = ValueHint::FilePath)]
        path: PathBuf,
        /// How it is done.
        #[command(flatten)]
        options: ImportOptions,
        /// The user of the keys, if the file does not name one
        #[arg(long, value_name = "NAME", value_hint = ValueHint::Username)]
        user: Option<String>,
        /// How many steps, or counters, the old server checked
        #[arg(long, value_name = "NUMBER", value_parser = number::<u16>(0..=1000))]
        window: Option<u16>,
        /// The file with the AES key that encrypts the others
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        key_file: Option<PathBuf>,
        /// Import encrypted keys that no MAC protects
        #[arg(long)]
        without_mac: bool,
    },
}

/// How an import is done.
#[derive(Args)]
pub struct ImportOptions {
    /// Show what would be imported and what would not, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Import the rest, even if some entries cannot be imported
    #[arg(long)]
    pub partial: bool,
    /// As one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The time from which events are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// A moment.
    At(UnixTime),
    /// This long ago.
    Ago(Duration),
}

impl Since {
    /// Reads `2027-01-15`, `2027-01-15 08:00`, `2027-01-15T08:00:10Z`, or `90s`, `15m`, `24h`, `7d`.
    ///
    /// # Errors
    /// The text is none of these.
    pub fn parse(text: &str) -> Result<Self, Unfit> {
        if let Ok(wait) = policy::duration(text) {
            return Ok(Self::Ago(wait));
        }
        let text = text.strip_suffix('Z').unwrap_or(text);
        let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
        let time = if time.len() == 5 {
            format!("{time}:00")
        } else {
            time.to_owned()
        };
        let moment = moment::date_of(date).zip(moment::clock(&time));
        moment
            .and_then(|((year, month, day), (hour, minute, second))| {
                UnixTime::from_civil_utc(year, month, day, hour, minute, second)
            })
            .map(Self::At)
            .ok_or(Unfit::NoSince)
    }

    /// Returns the moment, relative to `now`.
    #[must_use]
    pub const fn before(self, now: UnixTime) -> UnixTime {
        match self {
            Self::At(moment) => moment,
            Self::Ago(wait) => UnixTime::from_seconds(now.seconds().saturating_sub(wait.as_secs())),
        }
    }
}

/// What `otp-admin policy` can do.
#[derive(Subcommand)]
pub enum PolicyCommand {
    /// Check a policy file before logins depend on it
    ///
    /// Reads it as every login does, and names the line of an error. Then lists what to look at: unknown groups and users,
    /// networks that include every address, services whose logins cannot set up an authenticator. Refuses a policy that
    /// demands a second factor of the user who runs this, now or later, while that user has no authenticator.
    Check {
        /// The file [default: that of --conf]
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
        /// Accept it even if it would refuse you
        #[arg(long)]
        force: bool,
    },
    /// Show how a login of a user would end now, and by which rule
    ///
    /// Assumes a service that asks for a code by lines in /etc/pam.d without arguments, and no trusted network. Each service
    /// that the policy names has a line of its own.
    Show {
        /// The user's name
        #[arg(value_hint = ValueHint::Username)]
        user: String,
        /// Show how a login through this service would end
        #[arg(long, value_name = "NAME", value_parser = service_name, value_hint = ValueHint::Other)]
        service: Option<ServiceName>,
    },
}

/// Options of both command lines.
#[derive(Args)]
pub struct Common {
    /// The policy file
    #[arg(long, value_name = "PATH", global = true, default_value = policy::DEFAULT_FILE,
        value_hint = ValueHint::FilePath)]
    pub conf: PathBuf,
    /// The directory of all records
    #[arg(long, value_name = "PATH", global = true, default_value = files::DEFAULT_DIRECTORY,
        value_hint = ValueHint::DirPath)]
    pub state_dir: PathBuf,
    /// Language, en or ko [default: by the locale, then by the policy]
    #[arg(long, value_name = "en|ko", global = true, value_parser = language(), hide_possible_values = true)]
    pub lang: Option<Language>,
}

fn service_name(text: &str) -> Result<ServiceName, otp_core::record::OutOfRange> {
    ServiceName::new(text)
}

/// Reads a name of at most 64 characters on one line, as an issuer is.
fn site_name(text: &str) -> Result<String, Unfit> {
    if text.chars().count() > 64 || text.contains(char::is_control) {
        return Err(Unfit::LongIssuer);
    }
    Ok(text.to_owned())
}

fn name(text: &str) -> Result<Name, otp_core::record::OutOfRange> {
    Name::new(text)
}

/// Reads a number within bounds. The parsers of clap name the bounds as Rust writes them, and in English only.
fn number<T>(
    bounds: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, OutOfBounds> + Clone + Send + Sync + 'static
where
    T: TryFrom<u64> + 'static,
{
    let refused = OutOfBounds {
        least: *bounds.start(),
        most: *bounds.end(),
    };
    move |text| {
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or(refused)
    }
}

fn language() -> impl TypedValueParser<Value = Language> {
    let tags = PossibleValuesParser::new(Language::ALL.map(Language::tag));
    tags.try_map(|tag| Language::from_tag(&tag).ok_or("is no language of the catalogue"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound() {
        Enroll::command().debug_assert();
        Admin::command().debug_assert();
    }

    /// clap would give `seal` the default of an option of all commands: then the administrator's key would become the
    /// sealing key.
    #[test]
    fn the_key_of_a_certificate_is_never_taken_for_the_sealing_key() {
        for (line, named) in [
            ("otp-admin seal --rotate", None),
            ("otp-admin seal --undo --key /k", Some(Path::new("/k"))),
        ] {
            let asked = Admin::try_parse_from(line.split(' ')).unwrap();
            let AdminCommand::Seal { key, .. } = asked.command else {
                panic!("not seal");
            };
            assert_eq!(key.as_deref(), named, "{line}");
        }
        let asked = Admin::try_parse_from(["otp-admin", "list"]).unwrap();
        assert_eq!(asked.key_of_certificate(), Path::new(ADMINISTRATOR_KEY));
    }

    #[test]
    fn the_language_option_names_every_language() {
        let tags = Language::ALL.map(Language::tag);
        for command in [Enroll::command(), Admin::command()] {
            let mut options = command.get_arguments();
            let lang = options.find(|one| one.get_long() == Some("lang")).unwrap();
            assert_eq!(lang.get_value_names().unwrap(), [tags.join("|")]);
            let help = lang.get_help().unwrap().to_string();
            assert!(tags.iter().all(|tag| help.contains(tag)), "{help}");
        }
    }

    #[test]
    fn common_options_go_before_and_after_the_subcommand() {
        for line in [
            &["otp-admin", "--lang", "ko", "show", "alice"],
            &["otp-admin", "show", "alice", "--lang", "ko"],
        ] {
            let read = Admin::try_parse_from(line).unwrap();
            assert_eq!(read.common.lang, Some(Language::Korean));
        }
        let read = Enroll::try_parse_from(["otp-enroll", "status", "--user", "alice"]).unwrap();
        assert_eq!(read.user.as_deref(), Some("alice"));
    }

    #[test]
    fn the_option_since_takes_a_date_or_a_length_of_time() {
        let at = |seconds| Some(Since::At(UnixTime::from_seconds(seconds)));
        for (text, expected) in [
            ("2027-01-15", at(1_799_971_200)),
            ("2027-01-15 08:00", at(1_800_000_000)),
            ("2027-01-15T08:00:10Z", at(1_800_000_010)),
            ("90s", Some(Since::Ago(Duration::from_secs(90)))),
            ("7d", Some(Since::Ago(Duration::from_secs(604_800)))),
            ("", None),
            ("yesterday", None),
            ("2027-02-29", None),
            ("2027-1-5", None),
            ("2027-01-15 8:00", None),
            ("2027-01-15 08:00:61", None),
            ("-7d", None),
            ("7", None),
        ] {
            assert_eq!(Since::parse(text).ok(), expected, "{text}");
        }
        let now = UnixTime::from_seconds(100);
        assert_eq!(
            Since::Ago(Duration::from_secs(90)).before(now).seconds(),
            10
        );
        assert_eq!(
            Since::Ago(Duration::from_secs(101)).before(now).seconds(),
            0
        );
    }

    #[test]
    fn a_number_is_taken_within_its_bounds_and_otherwise_they_are_named() {
        for (text, expected) in [("6", Ok(6)), ("8", Ok(8)), ("08", Ok(8))] {
            assert_eq!(number::<u8>(6..=8)(text), expected);
        }
        for text in ["5", "9", "", "six", "-6", "6.0", "99999999999999999999"] {
            let refused = number::<u8>(6..=8)(text).unwrap_err();
            assert_eq!(refused.to_string(), "must be a number from 6 to 8");
        }
    }

    #[test]
    fn a_command_line_without_a_clear_meaning_is_refused() {
        for line in [
            &["otp-admin"][..],
            &["otp-admin", "list", "--json", "--csv"],
            &["otp-admin", "policy"],
            &["otp-admin", "policy", "show"],
            &["otp-admin", "policy", "check", "one.conf", "two.conf"],
            &["otp-admin", "provision", "alice", "--name", "a\"b"],
            &["otp-admin", "provision", "alice", "--counter", "5"],
            &[
                "otp-admin",
                "provision",
                "alice",
                "--hotp",
                "--counter",
                "-1",
            ],
            &[
                "otp-admin",
                "provision",
                "alice",
                "--hotp",
                "--counter",
                "9223372036854775808",
            ],
            &["otp-admin", "--lang", "fr", "list"],
            &["otp-admin", "guide", "--html", "--text"],
            &["otp-admin", "guide", "--name", "two\nlines"],
            &["otp-enroll", "--qr-file", "code.gif"],
            &["otp-enroll", "alice"],
        ] {
            let refused = if line[0] == "otp-admin" {
                Admin::try_parse_from(line).is_err()
            } else {
                Enroll::try_parse_from(line).is_err()
            };
            assert!(refused, "{line:?}");
        }
    }
}
