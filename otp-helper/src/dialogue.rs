//! The helper's side of a change that users make to their own account; `otp_helper::serving` leads it.

use crate::caller::Caller;
use crate::forwarding::beside;
use crate::harmless::{self, Life, Said};
use crate::wire::Wire;
use nix::unistd::getuid;
use otp_core::mail::Address;
use otp_core::messages::hindrance::Hindrance;
use otp_core::{Account, Policy, UnixTime};
use otp_helper::confirming::{Asker, confirm, may_be_sent_for_a_user};
use otp_helper::mail::{self, NotTaken, Outgoing, Purpose};
use otp_helper::permission::May;
use otp_helper::protocol::{Answer, Verb};
use otp_helper::serving::{End, Ground, Line, Scribe, Stop};
use otp_helper::session::{Reply, Turn};
use otp_helper::system;
use otp_site::{clock, host, policy};
use otp_store::Store;
use otp_store::change::Draft;
use std::fs::File;
use std::path::Path;
use zeroize::Zeroizing;

/// The PAM service that decides what a change requires.
const SERVICE: &std::ffi::CStr = c"otp-enroll";

/// The places in which Linux-PAM looks for the service. If there is no file, it uses the service `other`, which asks
/// for no code.
const SERVICE_FILES: [&str; 2] = ["/etc/pam.d/otp-enroll", "/usr/lib/pam.d/otp-enroll"];

/// The helper's side of a change.
pub(crate) struct ByTheCaller<'a> {
    pub caller: &'a Caller,
    pub policy: &'a Policy,
    pub store: &'a Store,
    pub scribe: &'a Scribe,
    pub time: &'a mut Life,
}

impl Ground<Wire> for ByTheCaller<'_> {
    fn may_show_a_key(&mut self) -> Result<(), End> {
        policy::load_to_enrol(&self.caller.conf)?;
        Ok(())
    }

    fn may(&mut self, verb: Verb, account: &Account) -> Result<May, End> {
        Ok(self.caller.may(verb, Some(account), self.policy)?)
    }

    fn wait_for_a_person(&mut self) -> Result<(), End> {
        self.time
            .extend_for_a_dialogue()
            .map_err(|_| End::unavailable(Hindrance::NoTimer))
    }

    fn authenticate(&mut self, line: &mut Wire, account: &Account, verb: Verb) -> Result<(), End> {
        prove_identity(line, account, verb, self.scribe)
    }

    /// The mail is sent by a program that keeps this group, so the user can neither look into it nor make it use
    /// another address.
    fn confirm_address(
        &mut self,
        line: &mut Wire,
        account: &Account,
        draft: &Draft,
    ) -> Result<Option<Address>, End> {
        if !self.policy.enroll.verify_email || draft.device().is_none() {
            return Ok(None);
        }
        if !getuid().is_root() {
            may_be_sent_for_a_user(&self.policy.mail).map_err(End::unavailable)?;
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
        match confirm(&mut Asked(line), self.store, account, outgoing)? {
            Ok(address) => Ok(Some(address)),
            Err(reason) => Err(End::unavailable(reason)),
        }
    }

    fn policy_by_now(&mut self, _: &Account) -> Result<Policy, End> {
        Ok(policy::load(&self.caller.conf)?.for_account())
    }
}

/// Lets the PAM service ask whatever the administrator requires.
pub(crate) fn prove_identity(
    line: &mut Wire,
    account: &Account,
    verb: Verb,
    scribe: &Scribe,
) -> Result<(), End> {
    let user = account.name.as_str();
    if harmless::ask_without_the_group(is_there).ok() != Some(Said::Yes) {
        return Err(End::unavailable(Hindrance::NoServiceOfOurs));
    }
    let said = harmless::ask_without_the_group(|| {
        let language = line.language();
        let let_in = system::authenticate(SERVICE, user, language, &mut *line);
        match (line.is_senseless(), let_in) {
            (true, _) => Said::Senseless,
            (false, true) => Said::Yes,
            (false, false) => Said::No,
        }
    });
    match said {
        Ok(Said::Yes) => Ok(()),
        Ok(Said::No) => {
            scribe.denied(verb.word(), user, "did not prove who they are");
            Err(End::Refused(Answer::NotAuthenticated))
        }
        Ok(Said::Senseless) => Err(Stop::Senseless.into()),
        Err(_) => Err(End::unavailable(Hindrance::NoProcess)),
    }
}

/// The person at the other end, who is asked for a code from a mail.
struct Asked<'a>(&'a mut Wire);

impl Asker for Asked<'_> {
    type Stop = End;

    fn tell(&mut self, text: &str) -> Result<(), End> {
        let text = text.to_owned().into();
        let said = self.0.say(&Turn::Tell { text }.to_fields());
        Ok(said.ok_or(Stop::Gone)?)
    }

    fn ask(&mut self, question: &str) -> Result<Zeroizing<Vec<u8>>, End> {
        let (prompt, echo) = (question.to_owned(), true);
        match self.0.exchange(&Turn::Ask { prompt, echo }.to_fields())? {
            Reply::Text(text) => Ok(text),
            Reply::Code(_) | Reply::Keep => Err(Stop::Senseless.into()),
        }
    }

    fn now(&mut self) -> Result<UnixTime, End> {
        Ok(clock::now()?)
    }

    fn hand_over(&mut self, outgoing: &Outgoing) -> Result<Address, NotTaken> {
        mail::hand_over_and_hear(&beside(mail::PROGRAM), outgoing)
    }
}

/// Whether the file that Linux-PAM would use exists and the caller can read it.
fn is_there() -> Said {
    let mut files = SERVICE_FILES.iter();
    match files.find(|file| Path::new(file).exists()).map(File::open) {
        Some(Ok(_)) => Said::Yes,
        Some(Err(_)) | None => Said::No,
    }
}
