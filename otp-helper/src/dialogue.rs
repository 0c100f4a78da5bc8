//! A change that somebody makes to their own account, turn by turn. See `otp_helper::session` for what is said.

use crate::caller::Caller;
use crate::harmless::{self, Life, Said};
use crate::wire::Wire;
use crate::{Cause, Stop, log, system};
use nix::unistd::{getegid, getgid, getuid};
use otp_core::mail::Address;
use otp_core::record::Name;
use otp_core::{Account, Authenticator, Policy, UnixTime};
use otp_helper::client::DEFAULT_HELPER;
use otp_helper::confirming::{Asker, confirm, may_be_sent_for_a_user};
use otp_helper::mail::{self, NotTaken, Outgoing, Purpose};
use otp_helper::permission::May;
use otp_helper::protocol::{Answer, Verb};
use otp_helper::session::{self, Reply, Turn};
use otp_site::{clock, groups, host, policy};
use otp_store::account::mailing::keep_confirmed;
use otp_store::change::{Change, Draft, Failed, Proof, Refused};
use otp_store::{Store, Undisturbed};
use std::fs::File;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The PAM service that says what it takes to change something.
const SERVICE: &std::ffi::CStr = c"otp-enroll";

/// Where Linux-PAM looks for a service. Without a file there it takes the service `other`, which asks for no code.
const SERVICE_FILES: [&str; 2] = ["/etc/pam.d/otp-enroll", "/usr/lib/pam.d/otp-enroll"];

/// What a change is made with.
pub(crate) struct Dialogue<'a> {
    pub caller: &'a Caller,
    pub policy: &'a Policy,
    pub store: &'a Store,
    pub line: &'a mut Wire,
    pub time: &'a mut Life,
}

/// Refused for good, or without an answer.
enum End {
    Refused(Answer),
    Stop(Stop),
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl<E: Into<Cause>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Stop(Stop::Unavailable(error.into()))
    }
}

impl From<Refused> for End {
    fn from(refused: Refused) -> Self {
        Self::Refused(Answer::Refused(refused))
    }
}

impl From<Failed> for End {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(refused) => refused.into(),
            Failed::Store(error) => error.into(),
        }
    }
}

impl Dialogue<'_> {
    /// Makes the change, or says why not.
    pub(crate) fn change(self, account: &Account, change: Change) -> Result<Answer, Stop> {
        match self.run(account, change) {
            Ok(answer) | Err(End::Refused(answer)) => Ok(answer),
            Err(End::Stop(stop)) => Err(stop),
        }
    }

    fn run(mut self, account: &Account, change: Change) -> Result<Answer, End> {
        let verb = Verb::of(&change);
        if matches!(change, Change::Enrol(_) | Change::Add(_)) {
            policy::load_to_enrol(&self.caller.conf)?;
        }
        let draft = self.begin(account, change.clone())?;
        let verb = if draft.changes_a_record() {
            verb
        } else {
            Verb::Enrol
        };
        let may = self.caller.may(verb, Some(account), self.policy)?;
        if may == May::No {
            return Err(End::Refused(Answer::Denied));
        }
        // From here on a person is asked; no lock is held.
        if self.time.extend_for_a_dialogue().is_err() {
            return Err(unavailable(
                "a limit of the caller keeps the time from being counted",
            ));
        }
        let authenticates = may == May::Authenticated;
        let begun = Turn::Begun {
            goes: draft.goes().to_vec(),
            authenticates,
            imported_codes_go: draft.imported_codes_go(),
        };
        self.line.say(&begun.to_fields()).ok_or(Stop::Gone)?;
        let draft = if authenticates {
            // Keys are made for whoever is recognised, and not before.
            drop(draft);
            self.authenticate(account, verb)?;
            self.begin(account, change)?
        } else {
            draft
        };
        let confirmed = self.confirm_address(account, &draft)?;
        let draft = self.prove(draft)?;
        let what = what_changes(&draft);
        match self.line.ask(&session::codes(draft.codes()))? {
            Reply::Keep => {}
            Reply::Text(_) | Reply::Code(_) => return Err(Stop::Senseless.into()),
        }
        // Minutes have gone by: what the administrator has decided meanwhile counts.
        let policy = policy::load(&self.caller.conf)?.for_account();
        // A line before and one after: whoever kills the helper in between has still left the first.
        let record = log::Change {
            verb: verb.word(),
            user: account.name.as_str(),
            authenticator: what.as_ref(),
            id: otp_log::new_id(),
        };
        record.begins();
        if let Some(address) = &confirmed {
            keep_confirmed(self.store, account, address, clock::now()?)?;
        }
        // No signal comes between the change and its record.
        let _undisturbed = Undisturbed::begin()
            .map_err(|_| unavailable("a limit of the caller keeps the time from being counted"))?;
        let kept = draft.keep(self.store, &policy, groups::belongs, clock::now()?)?;
        record.is_made();
        Ok(Answer::Kept {
            enrolled: kept.enrolled,
        })
    }

    fn begin(&self, account: &Account, change: Change) -> Result<Draft, End> {
        let (account, now) = (account.clone(), clock::now()?);
        let draft = Draft::begin(
            Some(self.store),
            account,
            change,
            self.policy,
            groups::belongs,
            now,
        )?;
        Ok(draft)
    }

    /// Has the address confirmed before a new device is shown, where policy wants that. The mail is sent by a program that keeps
    /// this group: so the user can neither look into it nor have it say another address.
    fn confirm_address(
        &mut self,
        account: &Account,
        draft: &Draft,
    ) -> Result<Option<Address>, End> {
        if !self.policy.enroll.verify_email || draft.device().is_none() {
            return Ok(None);
        }
        if !getuid().is_root() {
            may_be_sent_for_a_user(&self.policy.mail).map_err(unavailable)?;
        }
        let outgoing = Outgoing {
            purpose: Purpose::Address,
            conf: self.caller.conf.clone(),
            language: self.policy.language,
            user: account.name.as_str().to_owned(),
            code: Zeroizing::default(),
            only_to: None,
            service: "otp-enroll".to_owned(),
            rhost: String::new(),
            machine: host::name(),
            idle: false,
        };
        match confirm(&mut Asked(self.line), self.store, account, outgoing)? {
            Ok(address) => Ok(Some(address)),
            Err(reason) => Err(End::Refused(Answer::Unavailable(reason))),
        }
    }

    /// Has the PAM service ask what the administrator wants asked.
    fn authenticate(&mut self, account: &Account, verb: Verb) -> Result<(), End> {
        let (user, line) = (account.name.as_str(), &mut *self.line);
        if harmless::ask_without_the_group(is_there).ok() != Some(Said::Yes) {
            return Err(unavailable(
                "there is no PAM service otp-enroll (/etc/pam.d/otp-enroll) that users may read, so nobody can prove \
                 who they are",
            ));
        }
        let said = harmless::ask_without_the_group(|| {
            let let_in = system::authenticate(SERVICE, user, &mut *line);
            match (line.is_senseless(), let_in) {
                (true, _) => Said::Senseless,
                (false, true) => Said::Yes,
                (false, false) => Said::No,
            }
        });
        match said {
            Ok(Said::Yes) => Ok(()),
            Ok(Said::No) => {
                log::denied(verb.word(), user, "did not prove who they are");
                Err(End::Refused(Answer::NotAuthenticated))
            }
            Ok(Said::Senseless) => Err(Stop::Senseless.into()),
            Err(_) => Err(unavailable("no process is to be had for the PAM service")),
        }
    }

    /// Shows the new device, where there is one, and has a code of it typed.
    fn prove(&mut self, mut draft: Draft) -> Result<Draft, End> {
        let Some(device) = draft.device() else {
            return Ok(draft);
        };
        let mut message = session::offer(device);
        loop {
            let typed = match self.line.ask(&message)? {
                Reply::Code(typed) => typed,
                Reply::Text(_) | Reply::Keep => return Err(Stop::Senseless.into()),
            };
            let proof = draft.prove(&typed, self.policy, clock::now()?)?;
            let left = draft.tries();
            message = Turn::Checked { proof, left }.to_fields();
            if proof == Proof::Right {
                self.line.say(&message).ok_or(Stop::Gone)?;
                return Ok(draft);
            }
            if left == 0 {
                self.line.say(&message).ok_or(Stop::Gone)?;
                return Err(Refused::NotProven.into());
            }
        }
    }
}

/// The person at the other end, asked for a code from a mail.
struct Asked<'a>(&'a mut Wire);

impl Asker for Asked<'_> {
    type Stop = End;

    fn tell(&mut self, text: &str) -> Result<(), End> {
        let text = text.to_owned();
        let said = self.0.say(&Turn::Tell { text }.to_fields());
        Ok(said.ok_or(Stop::Gone)?)
    }

    fn ask(&mut self, question: &str) -> Result<Zeroizing<Vec<u8>>, End> {
        let (prompt, echo) = (question.to_owned(), true);
        match self.0.ask(&Turn::Ask { prompt, echo }.to_fields())? {
            Reply::Text(text) => Ok(text),
            Reply::Code(_) | Reply::Keep => Err(Stop::Senseless.into()),
        }
    }

    fn now(&mut self) -> Result<UnixTime, End> {
        Ok(clock::now()?)
    }

    fn hand_over(&mut self, outgoing: &Outgoing) -> Result<Address, NotTaken> {
        mail::hand_over_and_hear(&mailer(), outgoing)
    }
}

/// The program that sends mail. Where this one has the group it is the installed one, whatever name this one was started by.
fn mailer() -> PathBuf {
    let installed = Path::new(DEFAULT_HELPER).with_file_name(mail::PROGRAM);
    if getegid() != getgid() {
        return installed;
    }
    let own = std::env::current_exe().map(|own| own.with_file_name(mail::PROGRAM));
    own.unwrap_or(installed)
}

/// Whether the file that Linux-PAM would take is there and can be read by whoever asks.
fn is_there() -> Said {
    let mut files = SERVICE_FILES.iter();
    match files.find(|file| Path::new(file).exists()).map(File::open) {
        Some(Ok(_)) => Said::Yes,
        Some(Err(_)) | None => Said::No,
    }
}

/// The name for the log: the new device's, or that of the one that goes.
fn what_changes(draft: &Draft) -> Option<Name> {
    let name = draft.device().map(|device: &Authenticator| &device.name);
    name.or(draft.goes().first()).cloned()
}

fn unavailable(reason: &'static str) -> End {
    End::Refused(Answer::Unavailable(reason.to_owned()))
}
