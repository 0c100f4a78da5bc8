//! A page that says one thing: a refusal, or that something has ended.

use super::frame::{LINKS, Shell, written};
use super::texts::room_of;
use super::{Field, Frame, Html, Page, Path, assets};
use crate::session::MOST_UNPROVEN;
use crate::wire::FIRST_WITHIN;
use askama::Template;
use otp_core::UnixTime;
use otp_core::messages::Message as Said;
use otp_core::messages::portal::{Label, Notice};
use otp_store::change::Refused;
use std::time::Duration;
use zeroize::Zeroizing;

/// Says one thing, and where to go from there.
pub struct Message<'a> {
    /// What.
    pub told: Told<'a>,
}

/// What is said.
#[derive(Clone, Copy)]
pub enum Told<'a> {
    /// The account is locked for a time.
    LockedUntil {
        /// When the lock ends.
        ends: UnixTime,
        /// Whether a recovery code opens it.
        opens: bool,
    },
    /// The account is locked until an administrator acts.
    Held {
        /// Whether a recovery code opens it.
        opens: bool,
    },
    /// The account is disabled.
    Disabled,
    /// There is no getting in without an authenticator, and there is none.
    NotEnrolled,
    /// The login part, the helper or the records cannot be asked.
    Unavailable,
    /// The session has ended.
    SessionEnded(Ended),
    /// Too many attempts, from this address or in all.
    TooManyAttempts {
        /// When to come back.
        wait: Duration,
    },
    /// There is no such page.
    NotFound,
    /// A site that is not listed asked for a login.
    WrongSite {
        /// Its name, as it was given.
        host: &'a str,
    },
    /// The user is logged in, but in none of the groups that a site takes.
    NotForYou {
        /// Its name.
        host: &'a str,
    },
    /// A form came from elsewhere, or from a page that is too old.
    FormTooOld,
    /// The request could not be understood.
    BadRequest,
    /// A change was refused: `Answer::Refused`.
    Refused(&'a Refused),
    /// The user did not prove who they are: `Answer::NotAuthenticated`, with what PAM said.
    NotAuthenticated(&'a [Zeroizing<String>]),
    /// A change took too long. Nothing was changed.
    TimeIsOver,
    /// It is not known whether a change was made.
    Unknown,
    /// It is not known what became of the last step, which was no change.
    Uncertain,
    /// The user has logged out here.
    LoggedOut,
    /// The user has logged out everywhere.
    LoggedOutEverywhere,
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was not used for too long.
    Idle,
    /// It has lasted as long as one may.
    Absolute,
    /// It began too long ago for a first authenticator.
    LoginTooOld,
    /// The account is gone, expired, or its password was changed.
    Account,
    /// The account was locked or disabled.
    Locked,
    /// None of the authenticators that it began with is left.
    Authenticators,
    /// The user has logged out everywhere.
    Everywhere,
    /// Somebody did not prove, for a change, to be the user, too often in a row.
    Unproven,
    /// For another reason, or nobody knows.
    Other,
}

impl Message<'_> {
    /// The HTTP status that it goes with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.told {
            Told::LoggedOut | Told::LoggedOutEverywhere => 200,
            Told::BadRequest | Told::WrongSite { .. } => 400,
            Told::SessionEnded(_) => 401,
            Told::LockedUntil { .. }
            | Told::Held { .. }
            | Told::Disabled
            | Told::NotEnrolled
            | Told::NotForYou { .. }
            | Told::FormTooOld
            | Told::NotAuthenticated(_) => 403,
            Told::NotFound => 404,
            Told::TimeIsOver => 408,
            Told::Refused(_) => 409,
            Told::TooManyAttempts { .. } => 429,
            Told::Unavailable | Told::Unknown | Told::Uncertain => 503,
        }
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessageView<'a> {
    shell: Shell<'a>,
    spoken: &'a [Zeroizing<String>],
    texts: Vec<String>,
    link: &'static str,
    link_label: Label,
}

impl Page for Message<'_> {
    fn render(&self, frame: &Frame<'_>) -> Html {
        let (title, texts) = self.words(frame);
        let spoken = match self.told {
            Told::NotAuthenticated(said) => said,
            _ => &[],
        };
        let logs_in = frame.user.is_none();
        let view = MessageView {
            shell: frame.shell(&title, ""),
            spoken,
            texts,
            link: if logs_in { Path::LOGIN } else { Path::HOME },
            link_label: if logs_in {
                Label::LogInAgain
            } else {
                Label::BackToStart
            },
        };
        written(&view, room_of(spoken))
    }
}

impl Message<'_> {
    /// The title, and the sentences.
    fn words(&self, frame: &Frame<'_>) -> (String, Vec<String>) {
        let language = frame.language;
        let of_a_login = |title: Label, said: Vec<String>| (frame.say(title).to_owned(), said);
        let notice = match self.told {
            Told::LockedUntil { ends, opens } => {
                let now = frame.now;
                let ends = frame.zone.at(ends);
                let said = vec![frame.message(Said::LockedUntil { ends, now, opens })];
                return of_a_login(Label::Locked, said);
            }
            Told::Held { opens } => {
                return of_a_login(Label::Locked, vec![frame.message(Said::Held { opens })]);
            }
            Told::Disabled => {
                return of_a_login(Label::Disabled, vec![frame.message(Said::Disabled)]);
            }
            Told::NotEnrolled => {
                return of_a_login(Label::RefusedTitle, vec![frame.message(Said::NotEnrolled)]);
            }
            Told::Unavailable => Notice::Unavailable,
            Told::SessionEnded(ended) => ended.notice(),
            Told::TooManyAttempts { wait } => Notice::TooManyAttempts {
                minutes: wait.as_secs().div_ceil(60).max(1),
            },
            Told::NotFound => Notice::NotFound,
            Told::WrongSite { host } => Notice::WrongSite { host },
            Told::NotForYou { host } => Notice::NotForYou { host },
            Told::FormTooOld => Notice::FormTooOld,
            Told::BadRequest => Notice::BadRequest,
            Told::Refused(refused) => of_refused(refused),
            Told::NotAuthenticated(_) => Notice::NotAuthenticated,
            Told::TimeIsOver => Notice::TimeIsOver,
            Told::Unknown => Notice::Unknown,
            Told::Uncertain => Notice::Uncertain,
            Told::LoggedOut => Notice::LoggedOut,
            Told::LoggedOutEverywhere => Notice::LoggedOutEverywhere,
        };
        (notice.title(language), vec![notice.text(language)])
    }
}

impl Ended {
    const fn notice(self) -> Notice<'static> {
        match self {
            Self::Idle => Notice::Idle,
            Self::Absolute => Notice::Absolute,
            Self::LoginTooOld => Notice::LoginTooOld {
                minutes: FIRST_WITHIN.as_secs() / 60,
            },
            Self::Account => Notice::AccountChanged,
            Self::Locked => Notice::LockedMeanwhile,
            Self::Authenticators => Notice::AuthenticatorsGone,
            Self::Everywhere => Notice::EndedEverywhere,
            Self::Unproven => Notice::EndedUnproven {
                times: MOST_UNPROVEN,
            },
            Self::Other => Notice::EndedSomehow,
        }
    }
}

fn of_refused(refused: &Refused) -> Notice<'_> {
    match refused {
        Refused::Locked { opens } => Notice::ChangeLocked { opens: *opens },
        Refused::Disabled => Notice::ChangeDisabled,
        Refused::NotEnrolled => Notice::NoDevice,
        Refused::NameTaken(name) => Notice::NameTaken {
            name: name.as_str(),
        },
        Refused::Full(most) => Notice::Full { most: *most },
        Refused::NoSuchName(name) => Notice::NoSuchName {
            name: name.as_str(),
        },
        Refused::WhichOne(_) => Notice::WhichOne,
        Refused::Demanded => Notice::Demanded,
        Refused::NoCodes => Notice::NoCodes,
        Refused::NotProven => Notice::NotProven,
        Refused::ChangedMeanwhile => Notice::ChangedMeanwhile,
    }
}
