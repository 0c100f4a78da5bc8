//! Pages that report one thing: a refusal, or an end.

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

/// Reports one thing, and links to the next page.
pub struct Message<'a> {
    /// The report.
    pub told: Told<'a>,
}

/// What is reported.
#[derive(Clone, Copy)]
pub enum Told<'a> {
    /// The account is locked for a time.
    LockedUntil {
        /// When the lock ends.
        ends: UnixTime,
        /// Whether a recovery code opens the lock.
        opens: bool,
    },
    /// The account is locked until an administrator acts.
    Held {
        /// Whether a recovery code opens the lock.
        opens: bool,
    },
    /// The account is disabled.
    Disabled,
    /// A login needs an authenticator, and the account has none.
    NotEnrolled,
    /// The login part, the helper or the records cannot be reached.
    Unavailable,
    /// The session has ended.
    SessionEnded(Ended),
    /// There were too many attempts, from this address or in all.
    TooManyAttempts {
        /// How long to wait.
        wait: Duration,
    },
    /// There is no such page.
    NotFound,
    /// A site that is not listed asked for a login.
    WrongSite {
        /// The name of the host, as it was given.
        host: &'a str,
    },
    /// The user is logged in, but is in none of the groups of a site.
    NotForYou {
        /// The name of the host.
        host: &'a str,
    },
    /// A form came from another site, or from a page that is too old.
    FormTooOld,
    /// The request is malformed.
    BadRequest,
    /// A change was refused: `Answer::Refused`.
    Refused(&'a Refused),
    /// The user did not prove their identity: `Answer::NotAuthenticated`, with the texts of PAM.
    NotAuthenticated(&'a [Zeroizing<String>]),
    /// A change took too long. Nothing was changed.
    TimeIsOver,
    /// It is unknown whether a change was made.
    Unknown,
    /// It is unknown what the last step did. It was not a change.
    Uncertain,
    /// The user has logged out here.
    LoggedOut,
    /// The user has logged out everywhere.
    LoggedOutEverywhere,
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The session was not used for too long.
    Idle,
    /// The session has reached its longest time.
    Absolute,
    /// The session is too old to set up a first authenticator.
    LoginTooOld,
    /// The account is gone or has expired, or its password was changed.
    Account,
    /// The account was locked or disabled.
    Locked,
    /// None of the authenticators of the login is left.
    Authenticators,
    /// The user has logged out everywhere.
    Everywhere,
    /// Too many proofs of identity in a row failed.
    Unproven,
    /// The reason is another, or unknown.
    Other,
}

impl Message<'_> {
    /// Returns the HTTP status of the page.
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
    /// Returns the title and the sentences.
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
