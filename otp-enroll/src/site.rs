//! The policy, the records and the language that a command works with.

use crate::cli::Common;
use crate::failure::Failure;
use crate::locale::Locale;
use nix::unistd::{geteuid, gethostname};
use otp_core::Policy;
use otp_core::messages::trouble::Trouble;
use otp_core::record::Language;
use otp_store::files::DEFAULT_DIRECTORY;
use otp_store::{Account, Error, Store, UserName, directory, policy};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What every command needs before it can begin.
pub struct Site {
    /// What the administrator decided.
    pub policy: Policy,
    /// The language to speak.
    pub language: Language,
    /// Whether the terminal takes UTF-8.
    pub utf8: bool,
    records: PathBuf,
}

/// Runs `work` on the site that the options name, as root, and tells what goes wrong.
pub fn run(
    program: &'static str,
    common: &Common,
    work: impl FnOnce(&Site) -> Result<(), Failure>,
) -> ExitCode {
    let locale = Locale::of_process();
    let chosen = common.lang.or(locale.language);
    let site = match Site::open(program, common, locale, chosen) {
        Ok(site) => site,
        Err(failure) => return failure.report(program, chosen.unwrap_or_default()),
    };
    match work(&site) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(program, site.language),
    }
}

impl Site {
    fn open(
        program: &'static str,
        common: &Common,
        locale: Locale,
        chosen: Option<Language>,
    ) -> Result<Self, Failure> {
        if !geteuid().is_root() {
            return Err(Trouble::NotRoot { program }.into());
        }
        // Keys pass through this process; they must not end in a core file. Should it fail, the limit of the system
        // still holds.
        nix::sys::prctl::set_dumpable(false).ok();
        let policy = policy::load(&common.conf)?;
        Ok(Self {
            language: chosen.unwrap_or(policy.language),
            policy,
            utf8: locale.utf8,
            records: common.state_dir.clone(),
        })
    }

    /// Opens the records, which must be there.
    pub fn store(&self) -> Result<Store, Failure> {
        Store::open(&self.records).map_err(|error| match error {
            Error::Missing { path, .. } => Trouble::NoRecords { path }.into(),
            other => other.into(),
        })
    }

    /// Opens the records; `None` where they are missing at their usual place and enrolling may make them.
    pub fn store_if_there(&self) -> Result<Option<Store>, Failure> {
        match Store::open(&self.records) {
            Err(Error::Missing { .. }) if self.records == Path::new(DEFAULT_DIRECTORY) => Ok(None),
            _ => self.store().map(Some),
        }
    }

    /// Opens the records; at their usual place they are made when they are missing.
    pub fn store_for_enrolling(&self) -> Result<Store, Failure> {
        if self.records == Path::new(DEFAULT_DIRECTORY) {
            Ok(Store::open_or_create(&self.records)?)
        } else {
            self.store()
        }
    }

    /// The account of a user, by the name that the name service gives it.
    pub fn account(&self, name: &str) -> Result<Account, Failure> {
        if let Some(account) = directory::account(name)? {
            return Ok(account);
        }
        let user = name.to_owned();
        let has_record = UserName::new(name).is_ok_and(|name| {
            Store::open(&self.records)
                .and_then(|store| store.is_enrolled(&name))
                .unwrap_or(false)
        });
        Err(if has_record {
            Trouble::GoneUser { user }.into()
        } else {
            Trouble::NoSuchUser { user }.into()
        })
    }

    /// What the phone shows the account under: the policy's issuer, or the short name of this host.
    pub fn issuer(&self) -> String {
        if !self.policy.issuer.is_empty() {
            return self.policy.issuer.clone();
        }
        let host = host();
        host.split('.').next().unwrap_or(&host).to_owned()
    }
}

/// The name of this host, as it calls itself.
pub fn host() -> String {
    match gethostname() {
        Ok(name) if !name.is_empty() => name.to_string_lossy().into_owned(),
        _ => "localhost".to_owned(),
    }
}
