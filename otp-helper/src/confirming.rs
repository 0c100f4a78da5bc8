//! Confirms an address: a code is mailed to it, and the user types it.

use crate::mail::{NotTaken, Outgoing};
use otp_core::mail::{Address, AddressSource, Route};
use otp_core::mailed::LASTS;
use otp_core::messages::hindrance::Hindrance;
use otp_core::messages::mail::Confirming;
use otp_core::messages::reason::Wording;
use otp_core::record::{Language, MailPolicy};
use otp_core::{Account, UnixTime};
use otp_store::account::mailing::{Sending, count_confirmation};
use otp_store::{Error, Store, mint};
use zeroize::Zeroizing;

/// The number of replies that are accepted.
const TRIES: u32 = 3;

/// The person who is asked for the code, and the way the mail is sent.
pub trait Asker {
    /// Why the dialogue cannot go on.
    type Stop;

    /// Shows a sentence.
    ///
    /// # Errors
    /// The sentence cannot be shown.
    fn tell(&mut self, text: &str) -> Result<(), Self::Stop>;

    /// Asks a question; the typed text is visible.
    ///
    /// # Errors
    /// There was no answer.
    fn ask(&mut self, question: &str) -> Result<Zeroizing<Vec<u8>>, Self::Stop>;

    /// Returns the current time.
    ///
    /// # Errors
    /// The clock cannot be used.
    fn now(&mut self) -> Result<UnixTime, Self::Stop>;

    /// Hands over a mail, and returns the address that it goes to.
    ///
    /// # Errors
    /// The mail could not be handed over.
    fn hand_over(&mut self, outgoing: &Outgoing) -> Result<Address, NotTaken>;
}

/// Why an address is not confirmed.
#[derive(Debug)]
pub enum Unconfirmed {
    /// The count of mails could not be read or written.
    Store(Error),
    /// The limit of codes mailed within a day is reached.
    TooMany,
    /// The mail could not be handed over.
    NotSent(NotTaken),
    /// No right code was typed.
    NotTyped,
}

impl From<Error> for Unconfirmed {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Unconfirmed {
    /// Returns the reason in words of that language, without a full stop.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match (self, language) {
            (Self::Store(error), _) => error.text(language),
            (Self::TooMany, Language::English) => {
                "the limit of codes mailed within a day is reached".to_owned()
            }
            (Self::TooMany, Language::Korean) => {
                "하루에 이메일로 보낼 수 있는 인증 코드를 모두 보냈습니다".to_owned()
            }
            (Self::NotSent(reason), _) => reason.text(language),
            (Self::NotTyped, Language::English) => "no right code was typed".to_owned(),
            (Self::NotTyped, Language::Korean) => {
                "올바른 인증 코드를 입력하지 않았습니다".to_owned()
            }
        }
    }
}

impl std::fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Language::English))
    }
}

impl From<Unconfirmed> for Wording {
    fn from(reason: Unconfirmed) -> Self {
        Self::of(|language| reason.text(language))
    }
}

/// Checks whether mail may be sent by a program that runs as a user. The user must not be able to look into it or to
/// make it use another address.
///
/// # Errors
/// It may not; the text says what to do instead.
pub fn may_be_sent_for_a_user(mail: &MailPolicy) -> Result<(), Hindrance> {
    match (&mail.route, &mail.address) {
        (Route::Sendmail(_), _) => Err(Hindrance::MailAsTheUser),
        (_, AddressSource::Command(_)) => Err(Hindrance::AddressAsTheUser),
        (Route::Smtp(_), _) => Ok(()),
    }
}

/// Asks a user to confirm the address of an account. An inner `Err` is the reason why it is not confirmed, which the
/// user has been told.
///
/// `outgoing` is the whole mail except its code.
///
/// # Errors
/// Whatever stops the asker. Then only the count of mails has changed.
pub fn confirm<A: Asker>(
    asker: &mut A,
    store: &Store,
    account: &Account,
    mut outgoing: Outgoing,
) -> Result<Result<Address, Unconfirmed>, A::Stop> {
    let language = outgoing.language;
    let sent_at = asker.now()?;
    let counted = mint::mailed_code().and_then(|(code, _)| {
        let sending = count_confirmation(store, account, || Ok(sent_at))?;
        Ok((code, matches!(sending, Sending::Due { .. })))
    });
    let code = match counted {
        Ok((code, true)) => code,
        Ok((_, false)) => {
            asker.tell(&Confirming::TooMany.text(language))?;
            return Ok(Err(Unconfirmed::TooMany));
        }
        Err(error) => {
            asker.tell(&Confirming::NotSent.text(language))?;
            return Ok(Err(error.into()));
        }
    };
    outgoing.code = code.reveal();
    let address = match asker.hand_over(&outgoing) {
        Ok(address) => address,
        Err(error) => {
            asker.tell(&Confirming::NotSent.text(language))?;
            return Ok(Err(Unconfirmed::NotSent(error)));
        }
    };
    let masked = address.masked();
    asker.tell(&Confirming::Sent { masked: &masked }.text(language))?;
    for left in (0..TRIES).rev() {
        let typed = asker.ask(&Confirming::Question.text(language))?;
        let now = asker.now()?;
        if code.is(&typed) && sent_at <= now && now < sent_at.after(LASTS) {
            return Ok(Ok(address));
        }
        if left > 0 {
            asker.tell(&Confirming::Wrong { left }.text(language))?;
        }
    }
    asker.tell(&Confirming::NotConfirmed.text(language))?;
    Ok(Err(Unconfirmed::NotTyped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::UserName;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    const NOON: UnixTime = UnixTime::from_seconds(1_763_640_000);

    /// A person who answers according to the mail.
    struct Person {
        replies: Vec<fn(&str) -> String>,
        told: Vec<String>,
        mailed: Vec<String>,
        mail_is_down: bool,
        now: UnixTime,
        thinks: Duration,
    }

    impl Asker for Person {
        type Stop = ();

        fn tell(&mut self, text: &str) -> Result<(), ()> {
            self.told.push(text.to_owned());
            Ok(())
        }

        fn ask(&mut self, question: &str) -> Result<Zeroizing<Vec<u8>>, ()> {
            assert_eq!(question, "Code from the email: ");
            self.now = self.now.after(self.thinks);
            let reply = self.replies.pop().ok_or(())?;
            let code = self.mailed.last().unwrap();
            Ok(Zeroizing::new(reply(code).into_bytes()))
        }

        fn now(&mut self) -> Result<UnixTime, ()> {
            Ok(self.now)
        }

        fn hand_over(&mut self, outgoing: &Outgoing) -> Result<Address, NotTaken> {
            if self.mail_is_down {
                return Err(NotTaken::Silence);
            }
            self.mailed.push(outgoing.code.to_string());
            Ok(Address::parse("alice@example.org").unwrap())
        }
    }

    fn person(replies: &[fn(&str) -> String]) -> Person {
        let mut replies = replies.to_vec();
        replies.reverse();
        Person {
            replies,
            told: Vec::new(),
            mailed: Vec::new(),
            mail_is_down: false,
            now: NOON,
            thinks: Duration::from_secs(60),
        }
    }

    fn wrong(code: &str) -> String {
        let first = if code.starts_with('0') { '1' } else { '0' };
        format!("{first}{}", &code[1..])
    }

    fn run(
        directory: &std::path::Path,
        person: &mut Person,
    ) -> Result<Result<Address, Unconfirmed>, ()> {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o2770)).unwrap();
        let store = Store::open(directory).unwrap();
        let alice = Account {
            name: UserName::new("alice").unwrap(),
            uid: 1001,
        };
        let outgoing = Outgoing {
            purpose: crate::mail::Purpose::Address,
            conf: "/etc/security/pam_otp.conf".into(),
            language: Language::English,
            user: "alice".to_owned(),
            code: Zeroizing::default(),
            only_to: None,
            service: "sshd".to_owned(),
            rhost: String::new(),
            machine: "web1".to_owned(),
            idle: false,
        };
        confirm(person, &store, &alice, outgoing)
    }

    #[test]
    fn the_code_from_the_mail_confirms_within_three_tries() {
        for replies in [
            &[str::to_owned as fn(&str) -> String][..],
            &[wrong, str::to_owned],
            &[wrong, |_| String::new(), str::to_owned],
        ] {
            let directory = tempfile::tempdir().unwrap();
            let mut person = person(replies);
            let confirmed = run(directory.path(), &mut person).unwrap().unwrap();
            assert_eq!(confirmed.as_str(), "alice@example.org");
            assert!(person.told[0].contains("a***@example.org"));
        }
    }

    #[test]
    fn three_wrong_replies_confirm_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut person = person(&[wrong, wrong, wrong, str::to_owned]);
        assert!(run(directory.path(), &mut person).unwrap().is_err());
        assert_eq!(person.replies.len(), 1, "no fourth reply is asked for");
        assert_eq!(
            person.told.last().unwrap(),
            "Your address is not confirmed, so nothing was set up."
        );
    }

    #[test]
    fn a_code_that_is_too_old_confirms_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut person = person(&[str::to_owned, str::to_owned, str::to_owned]);
        person.thinks = LASTS;
        assert!(run(directory.path(), &mut person).unwrap().is_err());
    }

    #[test]
    fn five_codes_are_mailed_in_a_day_and_leaving_stores_only_the_count() {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..5 {
            // The person leaves at the question.
            let mut leaver = person(&[]);
            assert!(run(directory.path(), &mut leaver).is_err());
            assert_eq!(leaver.mailed.len(), 1);
        }
        let mut person = person(&[str::to_owned]);
        assert!(run(directory.path(), &mut person).unwrap().is_err());
        assert!(person.mailed.is_empty());
        assert!(person.told[0].starts_with("No more than 5"));
        let kept: Vec<_> = fs::read_dir(directory.path().join("alice"))
            .unwrap()
            .collect();
        assert_eq!(kept.len(), 1);
        assert!(
            !fs::read_to_string(directory.path().join("alice/mail"))
                .unwrap()
                .contains('@')
        );
    }

    #[test]
    fn a_mail_that_cannot_be_handed_over_is_reported() {
        let directory = tempfile::tempdir().unwrap();
        let mut person = person(&[]);
        person.mail_is_down = true;
        assert!(run(directory.path(), &mut person).unwrap().is_err());
        assert!(person.told[0].starts_with("No email could be sent"));
    }

    #[test]
    fn mail_for_a_user_goes_only_through_a_server_and_to_an_address_made_by_a_pattern() {
        let pattern =
            AddressSource::Pattern(otp_core::mail::Pattern::parse("{user}@a.example").unwrap());
        let server = Route::Smtp(otp_core::mail::Server::parse("smtp://localhost").unwrap());
        let mail = |route: &Route, address: &AddressSource| MailPolicy {
            route: route.clone(),
            address: address.clone(),
            ..MailPolicy::default()
        };
        let command = AddressSource::Command("/usr/bin/address".into());
        let sendmail = MailPolicy::default().route;
        assert!(may_be_sent_for_a_user(&mail(&server, &pattern)).is_ok());
        assert!(may_be_sent_for_a_user(&mail(&server, &command)).is_err());
        assert!(may_be_sent_for_a_user(&mail(&sendmail, &pattern)).is_err());
    }
}
