//! The policy, the records and the language of a command.

use crate::cli::Common;
use crate::engine::{Engine, Folder};
use crate::failure::{self, Failure};
use crate::locale::Locale;
use crate::log;
use crate::lost::lost;
use crate::status::Status;
use nix::unistd::geteuid;
use otp_core::messages::Message;
use otp_core::messages::trouble::Trouble;
use otp_core::record::{Language, Policies};
use otp_core::{Account, Local, Policy, UserName, Verdict};
use otp_helper::protocol::Claim;
use otp_helper::records::{Attempt, Installation, Records};
use otp_site::{Named, clock, policy, users};
use otp_store::files::DEFAULT_DIRECTORY;
use otp_store::{Error, Keeper, Seal, Store, Undisturbed};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// The policy, the records and the language, which every command needs before it can begin.
pub struct Site<E = Folder> {
    /// The administrator's policy, for decisions about an account as a whole.
    pub policy: Policy,
    /// The policies for logins, by service.
    pub policies: Policies,
    /// The file that they were read from.
    pub conf: PathBuf,
    /// The language of messages.
    pub language: Language,
    /// Whether the terminal accepts UTF-8.
    pub utf8: bool,
    /// Whether this process may read and write the records itself; otherwise the helper does.
    pub is_root: bool,
    /// The engine that opens the records for an administrator's commands.
    pub engine: E,
    records: PathBuf,
}

/// The users who may run a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Root only.
    Root,
    /// All users, each for their own account.
    Everybody,
    /// An administrator of a fleet, in the account of a verifier: this process can open its records.
    Fleet,
}

/// Runs `work` on the site that the options name, and reports failures.
pub fn run(
    program: &'static str,
    common: &Common,
    whose: For,
    work: impl FnOnce(&Site) -> Result<(), Failure>,
) -> ExitCode {
    run_under(program, common, whose, None, Folder, work)
}

/// Runs `work` as [`run`] does, under another policy than the site's own, which then need not be usable.
pub fn run_under<E: Engine>(
    program: &'static str,
    common: &Common,
    whose: For,
    conf: Option<&Path>,
    engine: E,
    work: impl FnOnce(&Site<E>) -> Result<(), Failure>,
) -> ExitCode {
    let locale = Locale::of_process();
    // The language of messages stays that of the site's own policy.
    let chosen = common.lang.or(locale.language).or_else(|| {
        let own = conf.and_then(|_| policy::load(&common.conf).ok());
        own.map(|own| own.where_nothing_is_said().language)
    });
    let conf = conf.unwrap_or(&common.conf);
    let site = match Site::open((program, whose), common, conf, locale, chosen, engine) {
        Ok(site) => site,
        Err(failure) => return failure.report(program, chosen.unwrap_or_default()),
    };
    match work(&site) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(program, site.language),
    }
}

impl<E: Engine> Site<E> {
    fn open(
        (program, whose): (&'static str, For),
        common: &Common,
        conf: &Path,
        locale: Locale,
        chosen: Option<Language>,
        engine: E,
    ) -> Result<Self, Failure> {
        let is_root = geteuid().is_root() || whose == For::Fleet;
        if !is_root && whose == For::Root {
            return Err(Trouble::NotRoot { program }.into());
        }
        // Keys pass through this process; they must not end in a core file. If this fails, the system's limit still
        // holds.
        nix::sys::prctl::set_dumpable(false).ok();
        let usual = [
            Path::new(policy::DEFAULT_FILE),
            Path::new(DEFAULT_DIRECTORY),
        ];
        if !is_root && [common.conf.as_path(), common.state_dir.as_path()] != usual {
            return Err(Trouble::NotYourPlace.into());
        }
        let policies = policy::load(conf)?;
        let policy = policies.for_account();
        if is_root {
            otp_log::hand_on_for_this_process(&common.state_dir, &policy.hooks);
        }
        Ok(Self {
            language: chosen.unwrap_or(policy.language),
            policy,
            policies,
            conf: conf.to_owned(),
            utf8: locale.utf8,
            records: common.state_dir.clone(),
            is_root,
            engine,
        })
    }

    /// Checks that new keys can be shown under the policy: a policy that refuses no login may still have settings
    /// that apps do not take.
    pub fn allows_enrolling(&self) -> Result<(), Failure> {
        policy::load_to_enrol(&self.conf)?;
        Ok(())
    }

    /// Opens the records, which must exist.
    pub fn keeper(&self) -> Result<E::Keeper, Failure> {
        E::keeper(self)
    }

    /// Opens the records; `None`: there are none yet, and the first enrolment creates them.
    pub fn keeper_if_there(&self) -> Result<Option<E::Keeper>, Failure> {
        E::keeper_if_there(self)
    }

    /// Opens the records for a command that may create them.
    pub fn keeper_for_enrolling(&self) -> Result<E::Keeper, Failure> {
        E::keeper_for_enrolling(self)
    }

    /// Returns the group of the records, which only the helper has; `None`: there are no records, or the group is
    /// root's.
    pub fn records_group(&self) -> Option<u32> {
        let metadata = std::fs::metadata(&self.records).ok()?;
        Some(metadata.gid()).filter(|group| *group != 0)
    }

    /// Returns the account of a user, whichever of the user's names is given.
    pub fn account(&self, name: &str) -> Result<Account, Failure> {
        Ok(self.named(name)?.account)
    }

    /// Finds an account as [`Site::account`] does, and whether the name is a second name.
    pub fn named(&self, name: &str) -> Result<Named, Failure> {
        if let Some(named) = users::named(name)? {
            return Ok(named);
        }
        let user = name.to_owned();
        let has_record = UserName::new(name).is_ok_and(|name| {
            let kept = self.keeper().ok().and_then(|keeper| keeper.users().ok());
            kept.is_some_and(|users| users.contains(&name))
        });
        Err(if has_record {
            Trouble::GoneUser { user }.into()
        } else {
            Trouble::NoSuchUser { user }.into()
        })
    }

    /// Holds back signals until the result is dropped: nothing comes between a change that root makes and its log
    /// entry.
    pub fn undisturbed(&self) -> Result<Option<Undisturbed>, Failure> {
        if !self.is_root {
            return Ok(None);
        }
        let begun = Undisturbed::begin();
        begun.map(Some).map_err(|error| {
            let reason = failure::system(&error);
            Trouble::Unavailable { reason }.into()
        })
    }

    /// Returns the seal of the records, as the policy sets it.
    pub fn seal(&self) -> Seal {
        Seal::by_key_in(&self.policy.seal.key)
    }

    /// Returns the issuer, under which apps show the account.
    pub fn issuer(&self) -> String {
        self.policy.issuer_at(&host())
    }
}

impl Site {
    /// Opens the records, which must exist.
    pub fn store(&self) -> Result<Store, Failure> {
        let opened = Store::open(&self.records).map(|store| store.sealed_by(self.seal()));
        opened.map_err(|error| match error {
            Error::NoRecords { place } => {
                let path = place.to_string();
                Trouble::NoRecords { path }.into()
            }
            other => other.into(),
        })
    }

    /// Opens the records; `None` if they are missing at their usual place, where an enrolment may create them.
    pub fn store_if_there(&self) -> Result<Option<Store>, Failure> {
        match Store::open(&self.records) {
            Err(Error::NoRecords { .. }) if self.records == Path::new(DEFAULT_DIRECTORY) => {
                Ok(None)
            }
            _ => self.store().map(Some),
        }
    }

    /// Opens the records; creates them if they are missing at their usual place.
    pub fn store_for_enrolling(&self) -> Result<Store, Failure> {
        if self.records == Path::new(DEFAULT_DIRECTORY) {
            Ok(Store::open_or_create(&self.records)?.sealed_by(self.seal()))
        } else {
            self.store()
        }
    }

    /// Opens the records for a change of an account. For root, they are created if they are missing at their usual
    /// place.
    pub fn records_for_enrolling(&self, account: &Account) -> Result<Records, Failure> {
        if self.is_root && self.policy.fleet.keeps(account) {
            let user = account.name.as_str().to_owned();
            return Err(Trouble::OfTheFleet { user }.into());
        }
        if self.is_root && self.records == Path::new(DEFAULT_DIRECTORY) {
            return Ok(Records::here_or_made(&self.records, self.seal())?);
        }
        self.records_of(account)
    }

    /// Opens the records of an account, in the way that the caller may use.
    pub fn records_of(&self, account: &Account) -> Result<Records, Failure> {
        if self.is_root && !self.policy.fleet.keeps(account) {
            return self.store().map(Records::of);
        }
        if self.is_root {
            otp_log::leave_handing_on_to_others();
        }
        let installation = Installation {
            conf: self.conf.clone(),
            ..Installation::default()
        };
        let (policy, is_root) = (&self.policy, self.is_root);
        let records = Records::of_account(Some(account), policy, is_root, &installation)?;
        Ok(records)
    }

    /// Returns the state of an account.
    pub fn status(&self, account: &Account) -> Result<Status, Failure> {
        let user = account.name.as_str();
        let found = self
            .records_of(account)?
            .overview(account, &self.policy, clock::now)
            .map_err(|reason| lost(reason, account))?;
        Ok(Status::of(user, found))
    }

    /// Makes one attempt, which counts like any other.
    pub fn attempt(
        &self,
        account: &Account,
        typed: &Zeroizing<Vec<u8>>,
    ) -> Result<Verdict, Failure> {
        let attempt = Attempt {
            policy: &self.policy,
            typed,
            password: None,
            excused: false,
            mailed: None,
            remembered: None,
            claim: &Claim {
                service: log::TEST.to_owned(),
                ..Claim::default()
            },
        };
        let attempted = match self
            .records_of(account)?
            .attempt(Some(account), &attempt, clock::now)
        {
            Ok(attempted) => attempted,
            Err(reason) => {
                log::not_attempted(account, &reason);
                return Err(lost(reason, account));
            }
        };
        if attempted.is_to_be_recorded() {
            let verdict = &attempted.judged().verdict;
            let message = Message::about(verdict, &self.policy, clock::now()?, Local::utc);
            log::attempted(account, verdict, message);
        }
        Ok(attempted.into_verdict())
    }
}

/// Returns the name that this host gives itself.
pub fn host() -> String {
    otp_site::host::name()
}
