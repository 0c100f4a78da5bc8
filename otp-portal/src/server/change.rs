//! Changes of a user's own authenticators: one page for each of the helper's turns.

use super::answer::{self, see_other, with_cookie, without_cookie};
use super::log::Often;
use super::part::again;
use super::talk::{About, Cancelled, Held, Key, NoRoom, Over, Step, Talk, Waits};
use super::{Answer, Asked, Done, Portal, SESSION};
use crate::pages::{
    Add, Codes, Enrol, Field, NewCodes, Path, Purpose, Question, Remove, Replace, SetUp, Told,
    Unaccepted,
};
use crate::session::{NotKept, Session};
use crate::wire::{LONGEST_REPLY, Matter, Wanted};
use otp_core::record::{DEFAULT_NAME, Name};
use otp_helper::protocol;
use otp_helper::session::Reply;
use otp_site::host;
use otp_store::Overview;
use otp_store::change::Change;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The name of the file in which users keep recovery codes.
const SHEET: &str = Codes::FILE_NAME;

/// A user's session, and how the account stands.
struct Standing {
    session: Session,
    status: Result<Overview, Wanted>,
    issuer: String,
}

/// Where a change stands after a request.
enum Stepped {
    /// The change waits for the person.
    Waits,
    /// The change is saved.
    Changed {
        /// Whether the account has an authenticator now.
        enrolled: bool,
        /// Whether the session has its new token.
        replaced: Result<(), NotKept>,
    },
    /// Too many proofs of identity failed: the session has ended.
    UnprovenTooOften,
    /// The change has ended in another way.
    Over(Over),
}

impl Portal {
    /// Returns the user who asks for a change, unless the account is locked.
    async fn changer(&self, asked: &Asked) -> Result<Standing, Answer> {
        let session = self.user(asked).await?;
        let status = self.status(asked, &session).await?;
        let Some(policy) = self.policy().await else {
            return Err(self.message(asked, Some(&session.user), Told::Unavailable));
        };
        if let Some(answer) = self.barred(
            asked,
            &session,
            status.as_ref().ok(),
            policy.recovery.opens_lock,
        ) {
            return Err(answer);
        }
        Ok(Standing {
            session,
            status,
            issuer: policy.issuer_at(&host::name()),
        })
    }

    /// Returns the same for a user who has an authenticator.
    async fn owner(&self, asked: &Asked) -> Result<(Standing, Overview), Answer> {
        let standing = self.changer(asked).await?;
        match &standing.status {
            Ok(status) => {
                let status = status.clone();
                Ok((standing, status))
            }
            Err(_) => Err(see_other(Path::SET_UP)),
        }
    }

    /// `GET /set-up`.
    pub(super) async fn set_up(&self, asked: &Asked) -> Answer {
        match self.changer(asked).await {
            Ok(Standing { status: Ok(_), .. }) => see_other(Path::HOME),
            Ok(standing) => self.set_up_page(asked, &standing, DEFAULT_NAME, None),
            Err(answer) => answer,
        }
    }

    fn set_up_page(
        &self,
        asked: &Asked,
        standing: &Standing,
        name: &str,
        wrong: Option<Unaccepted>,
    ) -> Answer {
        let page = SetUp {
            name,
            issuer: &standing.issuer,
            wanted: standing
                .status
                .as_ref()
                .err()
                .copied()
                .unwrap_or(Wanted::Nothing),
            wrong,
        };
        self.page(asked, Some(&standing.session.user), &page)
    }

    /// `POST /set-up`.
    pub(super) async fn begin_to_enrol(self: &Arc<Self>, asked: &Asked) -> Answer {
        let standing = match self.changer(asked).await {
            Ok(Standing { status: Ok(_), .. }) => return see_other(Path::HOME),
            Ok(standing) => standing,
            Err(answer) => return answer,
        };
        match named(asked, &[]) {
            Ok(name) => {
                self.begin_change(asked, &standing.session, Change::Enrol(name))
                    .await
            }
            Err((typed, wrong)) => self.set_up_page(asked, &standing, typed, Some(wrong)),
        }
    }

    /// `GET /devices/add`.
    pub(super) async fn add(&self, asked: &Asked) -> Answer {
        match self.owner(asked).await {
            Ok((standing, _)) => {
                let page = Add {
                    name: "",
                    wrong: None,
                };
                self.page(asked, Some(&standing.session.user), &page)
            }
            Err(answer) => answer,
        }
    }

    /// `POST /devices/add`.
    pub(super) async fn begin_to_add(self: &Arc<Self>, asked: &Asked) -> Answer {
        let (standing, status) = match self.owner(asked).await {
            Ok(owner) => owner,
            Err(answer) => return answer,
        };
        match named(asked, &names(&status)) {
            Ok(name) => {
                self.begin_change(asked, &standing.session, Change::Add(name))
                    .await
            }
            Err((typed, wrong)) => {
                let page = Add {
                    name: typed,
                    wrong: Some(wrong),
                };
                self.page(asked, Some(&standing.session.user), &page)
            }
        }
    }

    /// `GET /devices/replace`.
    pub(super) async fn replace(&self, asked: &Asked) -> Answer {
        match self.owner(asked).await {
            Ok((standing, status)) => {
                let goes = names(&status);
                let name = goes.first().map_or(DEFAULT_NAME, Name::as_str);
                let page = Replace {
                    name,
                    goes: &goes,
                    wrong: None,
                };
                self.page(asked, Some(&standing.session.user), &page)
            }
            Err(answer) => answer,
        }
    }

    /// `POST /devices/replace`.
    pub(super) async fn begin_to_replace(self: &Arc<Self>, asked: &Asked) -> Answer {
        let (standing, status) = match self.owner(asked).await {
            Ok(owner) => owner,
            Err(answer) => return answer,
        };
        match named(asked, &[]) {
            Ok(name) => {
                self.begin_change(asked, &standing.session, Change::Enrol(name))
                    .await
            }
            Err((typed, wrong)) => {
                let page = Replace {
                    name: typed,
                    goes: &names(&status),
                    wrong: Some(wrong),
                };
                self.page(asked, Some(&standing.session.user), &page)
            }
        }
    }

    /// `GET /devices/remove`.
    pub(super) async fn remove(&self, asked: &Asked) -> Answer {
        let (standing, status) = match self.owner(asked).await {
            Ok(owner) => owner,
            Err(answer) => return answer,
        };
        let user = Some(&*standing.session.user);
        let all = names(&status);
        let which = asked.query.text(Field::NAME).unwrap_or_default();
        match all.iter().find(|name| name.as_str() == which) {
            Some(name) => {
                let page = Remove {
                    name,
                    is_last: all.len() == 1,
                };
                self.page(asked, user, &page)
            }
            None => self.message(asked, user, Told::NotFound),
        }
    }

    /// `POST /devices/remove`.
    pub(super) async fn begin_to_remove(self: &Arc<Self>, asked: &Asked) -> Answer {
        let (standing, status) = match self.owner(asked).await {
            Ok(owner) => owner,
            Err(answer) => return answer,
        };
        let which = asked.form.text(Field::NAME).unwrap_or_default();
        match names(&status)
            .into_iter()
            .find(|name| name.as_str() == which)
        {
            Some(name) => {
                self.begin_change(asked, &standing.session, Change::Remove(Some(name)))
                    .await
            }
            None => self.message(asked, Some(&standing.session.user), Told::NotFound),
        }
    }

    /// `GET /recovery-codes`.
    pub(super) async fn new_codes(&self, asked: &Asked) -> Answer {
        match self.owner(asked).await {
            Ok((standing, status)) => {
                let page = NewCodes {
                    left: status.recovery_codes_left,
                };
                self.page(asked, Some(&standing.session.user), &page)
            }
            Err(answer) => answer,
        }
    }

    /// `POST /recovery-codes`.
    pub(super) async fn begin_new_codes(self: &Arc<Self>, asked: &Asked) -> Answer {
        match self.owner(asked).await {
            Ok((standing, _)) => {
                self.begin_change(asked, &standing.session, Change::RecoveryCodes)
                    .await
            }
            Err(answer) => answer,
        }
    }

    async fn begin_change(
        self: &Arc<Self>,
        asked: &Asked,
        session: &Session,
        change: Change,
    ) -> Answer {
        let matter = Matter::Change {
            token: again(&session.token),
            change: change.clone(),
            language: asked.language,
        };
        let about = About::Change {
            user: session.user.to_string(),
            change,
        };
        let (key, of) = (Key::Change(session.id), session.clone());
        let begun = self.in_a_change(session, |portal| async move {
            let part = Arc::clone(&portal.part);
            let begun = portal.talks.begin(part, key, about, matter, || true);
            let (talk, step) = begun.await?;
            Ok((talk, portal.after(&of, step).await))
        });
        match begun.await {
            Some(Ok((talk, step))) => self.change_stepped(asked, session, &talk, step).await,
            Some(Err(NoRoom::InAll | NoRoom::FromOne)) => {
                let wait = Duration::from_secs(30);
                self.message(asked, Some(&session.user), Told::TooManyAttempts { wait })
            }
            Some(Err(NoRoom::NoRandom)) | None => {
                self.message(asked, Some(&session.user), Told::Unavailable)
            }
        }
    }

    /// `GET /change`.
    pub(super) async fn change_page(&self, asked: &Asked) -> Answer {
        let session = match self.user(asked).await {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        match self.talks.of(Key::Change(session.id)) {
            Some(talk) => self.turn_page(asked, &session, &talk, false).await,
            None => see_other(Path::HOME),
        }
    }

    async fn turn_page(
        &self,
        asked: &Asked,
        session: &Session,
        talk: &Talk,
        unticked: bool,
    ) -> Answer {
        let issuer = match self.policy().await {
            Some(policy) => policy.issuer_at(&host::name()),
            None => return self.message(asked, Some(&session.user), Told::Unavailable),
        };
        let held = talk.hold().await;
        let About::Change { user, change } = &talk.about else {
            return see_other(Path::HOME);
        };
        let conversation = &talk.conversation(&held);
        let shown = Some(user.as_str());
        match (&held.waits, &held.device) {
            (Waits::Ask { prompt, echo }, _) => {
                let page = Question {
                    conversation,
                    purpose: Purpose::Change {
                        change,
                        goes: &held.goes,
                        imported_codes_go: held.imported_codes_go,
                    },
                    texts: &held.texts,
                    prompt,
                    echo: *echo,
                };
                self.page(asked, shown, &page)
            }
            (Waits::Code(checked), Some(device)) => {
                let page = Enrol {
                    conversation,
                    user,
                    issuer: &issuer,
                    change,
                    goes: &held.goes,
                    device,
                    checked: *checked,
                };
                self.page(asked, shown, &page)
            }
            (Waits::Keep { .. }, _) => {
                let machine = host::name();
                match codes_page(&held, conversation, user, &machine, unticked) {
                    Some(page) => self.page(asked, shown, &page),
                    None => see_other(Path::HOME),
                }
            }
            (Waits::Code(_), None) | (Waits::Nothing, _) => see_other(Path::HOME),
        }
    }

    /// `POST /change/answer`, `/change/code` and `/change/keep`.
    pub(super) async fn answer_change(self: &Arc<Self>, asked: &Asked) -> Answer {
        let session = match self.user(asked).await {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        let key = Key::Change(session.id);
        let Some(talk) = self.talks.of(key) else {
            return self.message(asked, Some(&session.user), Told::TimeIsOver);
        };
        let typed = |field| {
            let typed = asked.form.bytes(field).unwrap_or_default();
            let is_good = typed.len() <= LONGEST_REPLY && !typed.contains(&0);
            is_good.then(|| Zeroizing::new(typed.to_vec()))
        };
        let reply = match asked.path.as_str() {
            Path::CHANGE_ANSWER => typed(Field::ANSWER).map(Reply::Text),
            Path::CHANGE_CODE => typed(Field::CODE).map(Reply::Code),
            _ if asked.form.text(Field::KEPT) == Some("yes") => Some(Reply::Keep),
            _ => return self.turn_page(asked, &session, &talk, true).await,
        };
        let Some(reply) = reply else {
            return self.message(asked, Some(&session.user), Told::BadRequest);
        };
        let turn = asked.form.text(Field::CONVERSATION).unwrap_or_default();
        let (of, turn, said) = (session.clone(), turn.to_owned(), Arc::clone(&talk));
        let step = self.in_a_change(&session, |portal| async move {
            let step = portal.talks.reply(key, &said, &turn, reply).await;
            portal.after(&of, step).await
        });
        let lost = Stepped::Over(Over::Gone { asked: true });
        let step = step.await.unwrap_or(lost);
        self.change_stepped(asked, &session, &talk, step).await
    }

    /// Takes a step of a change, which may be its last. The step completes even if the browser hangs up; until then the
    /// session does not end because of its old token. `None`: the step has panicked.
    async fn in_a_change<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        self: &Arc<Self>,
        session: &Session,
        step: impl FnOnce(Arc<Self>) -> F,
    ) -> Option<T> {
        let standing = Arc::clone(&session.standing);
        let step = step(Arc::clone(self));
        let stepping = tokio::spawn(async move {
            let _changing = standing.changing.read().await;
            step.await
        });
        stepping.await.ok()
    }

    /// Applies the result of a step to its session: a saved change brings a new token, and too many failed proofs of
    /// identity end the session.
    async fn after(&self, session: &Session, step: Step) -> Stepped {
        match step {
            Step::Waits => Stepped::Waits,
            Step::Over(Over::Changed { enrolled, token }) => {
                session.standing.is_proven();
                let replaced = self.sessions.replace_token(session.id, token, enrolled);
                let replaced = replaced.await;
                Stepped::Changed { enrolled, replaced }
            }
            Step::Over(Over::Answer(protocol::Answer::Kept { enrolled })) => Stepped::Changed {
                enrolled,
                replaced: Err(NotKept::NoToken),
            },
            Step::Over(Over::Answer(protocol::Answer::NotAuthenticated))
                if session.standing.is_unproven_too_often() =>
            {
                let reason =
                    "a session ends: for a change, too many passwords or codes in a row were wrong";
                self.log.refused(Often::Login, None, reason);
                // The session has ended in memory, even if the file cannot be written.
                if let Err(error) = self.sessions.end(session.id).await {
                    let reason = format!("the end of a session cannot be written down: {error}");
                    self.log.trouble(Often::Part, &reason);
                }
                Stepped::UnprovenTooOften
            }
            Step::Over(over) => Stepped::Over(over),
        }
    }

    /// `POST /change/cancel`.
    pub(super) async fn cancel_change(&self, asked: &Asked) -> Answer {
        let session = match self.user(asked).await {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        let form = asked.form.text(Field::CONVERSATION).unwrap_or_default();
        match self.talks.cancel(Key::Change(session.id), form) {
            Cancelled::NotThisOne => see_other(Path::CHANGE),
            Cancelled::It => {
                self.note(session.id, Done::Left);
                see_other(Path::HOME)
            }
            Cancelled::Nothing => see_other(Path::HOME),
        }
    }

    /// `GET /change/recovery-codes.txt`. A secret.
    pub(super) async fn change_sheet(&self, asked: &Asked) -> Answer {
        let session = match self.user(asked).await {
            Ok(session) => session,
            Err(answer) => return answer,
        };
        let none = || self.message(asked, Some(&session.user), Told::NotFound);
        let Some(talk) = self.talks.of(Key::Change(session.id)) else {
            return none();
        };
        let held = talk.hold().await;
        let conversation = talk.conversation(&held);
        let machine = host::name();
        // Only the page that shows the codes links here.
        if asked.query.text(Field::CONVERSATION) != Some(conversation.as_str()) {
            return none();
        }
        match codes_page(&held, &conversation, &session.user, &machine, false) {
            Some(page) => answer::download(SHEET, &page.sheet(&self.zone, asked.language)),
            None => none(),
        }
    }

    async fn change_stepped(
        &self,
        asked: &Asked,
        session: &Session,
        talk: &Talk,
        step: Stepped,
    ) -> Answer {
        let user = Some(&*session.user);
        let held = talk.hold().await;
        let over = match step {
            Stepped::Waits => return see_other(Path::CHANGE),
            Stepped::Over(over) => over,
            Stepped::UnprovenTooOften => {
                let told = Told::SessionEnded(crate::pages::Ended::Unproven);
                return without_cookie(self.message(asked, None, told), SESSION);
            }
            Stepped::Changed { enrolled, replaced } => {
                self.note(session.id, done(talk, &held, enrolled));
                // The authenticators have changed, so the session gets a new token and a new cookie.
                let renewed = match replaced {
                    Ok(()) => self.sessions.renew(session.id).await,
                    Err(error) => Err(error),
                };
                return match renewed {
                    Ok(cookie) => {
                        with_cookie(see_other(Path::HOME), SESSION, &cookie.reveal(), None)
                    }
                    Err(error) => {
                        self.log.trouble(
                            Often::Part,
                            &format!("a session ends after a change: {error}"),
                        );
                        self.sessions.end(session.id).await.ok();
                        let told = Told::SessionEnded(crate::pages::Ended::Authenticators);
                        without_cookie(self.message(asked, None, told), SESSION)
                    }
                };
            }
        };
        match over {
            Over::Answer(protocol::Answer::Refused(refused)) => {
                self.message(asked, user, Told::Refused(&refused))
            }
            Over::Answer(protocol::Answer::NotAuthenticated) => {
                self.message(asked, user, Told::NotAuthenticated(&held.texts))
            }
            Over::Ended(why) => self.ended(asked, session, why).await,
            Over::Full => {
                let wait = Duration::from_secs(30);
                self.message(asked, user, Told::TooManyAttempts { wait })
            }
            // The change is saved, but there is no token for later requests.
            Over::Answer(protocol::Answer::Kept { .. }) | Over::Gone { asked: true } => {
                self.message(asked, user, Told::Unknown)
            }
            // A saved change is handled above.
            Over::Gone { asked: false }
            | Over::Changed { .. }
            | Over::Answer(_)
            | Over::In(_)
            | Over::No(_) => {
                self.log.trouble(Often::Part, "a change could not be made");
                self.message(asked, user, Told::Unavailable)
            }
        }
    }
}

fn codes_page<'a>(
    held: &'a Held,
    conversation: &'a str,
    user: &'a str,
    machine: &'a str,
    unticked: bool,
) -> Option<Codes<'a>> {
    let Waits::Keep { codes, issued } = &held.waits else {
        return None;
    };
    Some(Codes {
        conversation,
        user,
        machine,
        codes,
        issued: *issued,
        unticked,
        with_device: held.device.is_some(),
    })
}

fn done(talk: &Talk, held: &Held, enrolled: bool) -> Done {
    let codes = held.codes_made;
    match &talk.about {
        About::Change {
            change: Change::Enrol(name) | Change::Add(name),
            ..
        } => Done::Enrolled {
            name: name.as_str().to_owned(),
            codes,
        },
        About::Change {
            change: Change::Remove(name),
            ..
        } => Done::Removed {
            name: name.as_ref().map_or("", Name::as_str).to_owned(),
            last: !enrolled,
        },
        About::Change {
            change: Change::RecoveryCodes,
            ..
        }
        | About::Login { .. } => Done::NewCodes { codes },
    }
}

fn names(status: &Overview) -> Vec<Name> {
    status
        .authenticators
        .iter()
        .map(|one| one.name.clone())
        .collect()
}

/// Returns the name typed for an authenticator; otherwise what was typed, and what is wrong with it.
fn named<'f>(asked: &'f Asked, taken: &[Name]) -> Result<Name, (&'f str, Unaccepted)> {
    let typed = asked.form.text(Field::NAME).unwrap_or_default().trim();
    if typed.is_empty() {
        return Err((typed, Unaccepted::Empty));
    }
    let name = Name::new(typed).map_err(|_| (typed, Unaccepted::NotAName))?;
    if taken.contains(&name) {
        return Err((typed, Unaccepted::Taken));
    }
    Ok(name)
}
