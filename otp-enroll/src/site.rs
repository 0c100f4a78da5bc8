//! The policy, the records and the language that a command works with.

use crate::cli::Common;
use crate::engine::{Engine, Folder};
use crate::failure::Failure;
use crate::locale::Locale;
use crate::log;
use crate::lost::lost;
use crate::status::Status;
use nix::unistd::geteuid;
use otp_core::messages::Message;
use otp_core::messages::trouble::Trouble;
use otp_core::record::{Language, Policies};
use otp_core::{Account, Policy, UserName, Verdict};
use otp_helper::protocol::Claim;
use otp_helper::records::{Attempt, Installation, Records};
use otp_site::{Named, clock, policy, users};
use otp_store::files::DEFAULT_DIRECTORY;
use otp_store::{Error, Keeper, Seal, Store, Undisturbed};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// What every command needs before it can begin.
pub struct Site<E = Folder> {
    /// What the administrator decided, for what is about an account as a whole.
    pub policy: Policy,
    /// The same for logins, by their services.
    pub policies: Policies,
    /// Where that was read from.
    pub conf: PathBuf,
    /// The language to speak.
    pub language: Language,
    /// Whether the terminal takes UTF-8.
    pub utf8: bool,
    /// Whether this process may read and write the records itself; otherwise the helper does.
    pub is_root: bool,
    /// What opens the records of an administrator's commands.
    pub engine: E,
    records: PathBuf,
}

/// Who may run a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Root alone.
    Root,
    /// Everybody, for their own account.
    Everybody,
    /// An administrator of a fleet, in the account of a verifier: its records are open to this process.
    Fleet,
}

/// Runs `work` on the site that the options name, and tells what goes wrong.
pub fn run(
    program: &'static str,
    common: &Common,
    whose: For,
    work: impl FnOnce(&Site) -> Result<(), Failure>,
) -> ExitCode {
    run_under(program, common, whose, None, Folder, work)
}

/// The same under another policy than the site's own, which then need not be one that can be used.
pub fn run_under<E: Engine>(
    program: &'static str,
    common: &Common,
    whose: For,
    conf: Option<&Path>,
    engine: E,
    work: impl FnOnce(&Site<E>) -> Result<(), Failure>,
) -> ExitCode {
    let locale = Locale::of_process();
    // Another policy does not change how the people of this site are spoken to.
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
        // Keys pass through this process; they must not end in a core file. Should it fail, the limit of the system
        // still holds.
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

    /// Makes sure that new keys can be shown under the policy: one that refuses no login may still name what apps do not take.
    pub fn allows_enrolling(&self) -> Result<(), Failure> {
        policy::load_to_enrol(&self.conf)?;
        Ok(())
    }

    /// Opens the records, which must be there.
    pub fn keeper(&self) -> Result<E::Keeper, Failure> {
        E::keeper(self)
    }

    /// Opens the records; `None`: there are none yet, and the first enrolment makes them.
    pub fn keeper_if_there(&self) -> Result<Option<E::Keeper>, Failure> {
        E::keeper_if_there(self)
    }

    /// Opens the records for a command that may make them.
    pub fn keeper_for_enrolling(&self) -> Result<E::Keeper, Failure> {
        E::keeper_for_enrolling(self)
    }

    /// The group of the records, which is the helper's and nobody else's; `None`: there are no records, or it is root's.
    pub fn records_group(&self) -> Option<u32> {
        let metadata = std::fs::metadata(&self.records).ok()?;
        Some(metadata.gid()).filter(|group| *group != 0)
    }

    /// The account of a user, whichever of the user's names is given.
    pub fn account(&self, name: &str) -> Result<Account, Failure> {
        Ok(self.named(name)?.account)
    }

    /// As [`Site::account`], and whether that is a second name.
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

    /// Has signals wait until what is returned is dropped: nothing comes between a change that root makes and its record.
    pub fn undisturbed(&self) -> Result<Option<Undisturbed>, Failure> {
        if !self.is_root {
            return Ok(None);
        }
        let begun = Undisturbed::begin();
        begun.map(Some).map_err(|error| {
            let reason = error.to_string();
            Trouble::Unavailable { reason }.into()
        })
    }

    /// What seals the records, as policy has it.
    pub fn seal(&self) -> Seal {
        Seal::by_key_in(&self.policy.seal.key)
    }

    /// What the phone shows the account under.
    pub fn issuer(&self) -> String {
        self.policy.issuer_at(&host())
    }
}

impl Site {
    /// Opens the records, which must be there.
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

    /// Opens the records; `None` where they are missing at their usual place and enrolling may make them.
    pub fn store_if_there(&self) -> Result<Option<Store>, Failure> {
        match Store::open(&self.records) {
            Err(Error::NoRecords { .. }) if self.records == Path::new(DEFAULT_DIRECTORY) => {
                Ok(None)
            }
            _ => self.store().map(Some),
        }
    }

    /// Opens the records; at their usual place they are made when they are missing.
    pub fn store_for_enrolling(&self) -> Result<Store, Failure> {
        if self.records == Path::new(DEFAULT_DIRECTORY) {
            Ok(Store::open_or_create(&self.records)?.sealed_by(self.seal()))
        } else {
            self.store()
        }
    }

    /// The records as a change of an account comes to them: root's at their usual place are made when they are missing.
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

    /// The records of an account, as whoever runs this comes to them.
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

    /// How an account stands.
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
            let message = Message::about(verdict, &self.policy, clock::now()?);
            log::attempted(account, verdict, message);
        }
        Ok(attempted.into_verdict())
    }
}

/// The name of this host, as it calls itself.
pub fn host() -> String {
    otp_site::host::name()
}
