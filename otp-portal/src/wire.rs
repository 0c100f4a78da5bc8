//! The protocol between the portal and its login part: each connection is about one matter.
//!
//! ```text
//! portal                                      login part
//!   begin: name, address, language
//!                                               ask, tell ...  (PAM's words)
//!   reply ...
//!                                               in: the user and a token, or no
//!
//!   change: token, what
//!                                               helper's turns (otp_helper::session)
//!   reply, code, keep ...
//!                                               changed: a new token; an answer; or ended
//!
//!   standing: tokens      (may be said again)   standings
//!   status | try | leave-everywhere: token      an answer, unenrolled, or ended
//!   events: token                               event ..., done, or ended
//! ```
//! Frames are those of [`otp_helper::frame`]. At any point the login part can say `full`, or the answer `unavailable`, and hang up.

use otp_core::UnixTime;
use otp_core::record::{Language, Name};
use otp_helper::frame::{BadFrame, Fields, LIMIT};
use otp_helper::protocol::{Answer, Verb};
use otp_helper::session::{Reply, Turn};
use otp_store::change::Change;
use std::io::{Read, Write};
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

/// How long after the login a first authenticator can be set up. For users without one, only the login proves who they
/// are, and the cookie that it leaves in a browser can be stolen later.
pub const FIRST_WITHIN: Duration = Duration::from_secs(15 * 60);

/// The most bytes of a token.
pub const LONGEST_TOKEN: usize = 512;

/// The most tokens in one question about standings. Tokens of any length fit.
pub const MOST_TOKENS: usize = 8;

/// The most events that are told: the newest.
pub const MOST_EVENTS: usize = 50;

/// The longest name that anyone can log in with, in bytes.
pub const LONGEST_NAME: usize = 256;

/// The longest reply of a person, in bytes.
pub const LONGEST_REPLY: usize = 1024;

/// A token that the login part has signed for a logged-in user. Its holder can ask for that user's matters, so it is
/// wiped on drop and has no `Debug` and no `Clone`.
pub struct Token(Zeroizing<Vec<u8>>);

impl Token {
    /// Takes a token from a file or the wire; `None`: the length is impossible. Only the login part can check the rest.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (1..=LONGEST_TOKEN)
            .contains(&bytes.len())
            .then(|| Self(Zeroizing::new(bytes.to_vec())))
    }

    /// Returns the token as it is stored and sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The first message of the portal: the matter of this connection.
pub enum Matter {
    /// Log a user in.
    Begin {
        /// The name as it was typed.
        name: String,
        /// The address of the browser.
        address: IpAddr,
        /// The language of the pages.
        language: Language,
    },
    /// Ask whether these tokens stand. Only after this matter may another follow, of the same kind.
    Standing {
        /// At most [`MOST_TOKENS`].
        tokens: Vec<Token>,
    },
    /// Ask how the user's account stands.
    Status {
        /// The user's token.
        token: Token,
    },
    /// Try a code.
    Try {
        /// The user's token.
        token: Token,
        /// What was typed.
        reply: Zeroizing<Vec<u8>>,
    },
    /// Ask for the recent events of the user.
    Events {
        /// The user's token.
        token: Token,
    },
    /// Change the authenticators or the recovery codes.
    Change {
        /// The user's token.
        token: Token,
        /// The change. A replacement is sent as [`Change::Enrol`].
        change: Change,
        /// The language of the pages.
        language: Language,
    },
    /// End all tokens that the user has now.
    LeaveEverywhere {
        /// The user's token.
        token: Token,
    },
}

/// A message of the login part.
pub enum Said {
    /// A turn of a conversation, but never the last one. In a login only [`Turn::Ask`] and [`Turn::Tell`] occur.
    Turn(Turn),
    /// The user is let in. Ends a login.
    In(Admitted),
    /// The user is refused. Ends a login.
    No(NotIn),
    /// The change is saved. Ends a change.
    Changed {
        /// Whether the account has an authenticator now.
        enrolled: bool,
        /// The new token. The old one may have ended because of the change.
        token: Token,
    },
    /// The standing of each token, in the order of the question.
    Standings(Vec<Standing>),
    /// One event, in the form of `otp-admin events --json`.
    Event(String),
    /// The token is no longer valid, and nothing was done.
    Ended(Ended),
    /// The user has no authenticator, and policy demands this. Ends a status.
    Unenrolled(Wanted),
    /// The last answer: [`Answer::Status`] if there is an authenticator; [`Answer::Verdict`]; [`Answer::Done`] after
    /// all events or after all tokens have ended; for a change, its result. [`Answer::Kept`] occurs only if no new
    /// token could be made.
    Answer(Answer),
    /// Too many conversations are in progress.
    Full,
}

/// A user who has logged in.
pub struct Admitted {
    /// The name, as the name service has it.
    pub user: String,
    /// The user id.
    pub uid: u32,
    /// The token for later requests of the user.
    pub token: Token,
    /// Whether the account has an authenticator.
    pub enrolled: bool,
    /// When the token ends at the latest.
    pub ends: UnixTime,
}

/// What policy demands of a user without an authenticator, by the strictest service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing: the user can set one up at any time, or never.
    Nothing,
    /// An authenticator from this moment on.
    From(UnixTime),
    /// An authenticator now.
    Now,
}

impl Wanted {
    const NOW: &[u8] = b"now";

    fn to_field(self, fields: Fields) -> Fields {
        match self {
            Self::Nothing => fields.with(b""),
            Self::From(deadline) => fields.with_number(&deadline.seconds()),
            Self::Now => fields.with(Self::NOW),
        }
    }

    fn from_field(field: &[u8]) -> Option<Self> {
        match field {
            b"" => Some(Self::Nothing),
            Self::NOW => Some(Self::Now),
            deadline => parsed(deadline).map(|at| Self::From(UnixTime::from_seconds(at))),
        }
    }
}

/// Why a user was refused. PAM has told the person what they may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotIn {
    /// PAM refuses, and does not say whether there is such an account.
    Refused,
    /// The login took too long.
    TimeIsUp,
    /// The login could not be judged; the log says why.
    Unavailable,
}

/// Whether a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The token is valid.
    Stands,
    /// The token has ended, for good.
    Ended(Ended),
    /// This cannot be found out. Until it can, the token lets no one in.
    Unknown,
}

/// Why a token has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// This machine has not signed the token.
    NotOurs,
    /// The token is too old.
    TimeIsUp,
    /// The token is too old to set up a first authenticator. It is still valid for everything else.
    LoginTooOld,
    /// The account is gone, has another user id, or has expired.
    AccountGone,
    /// The account's password has changed.
    PasswordChanged,
    /// The account is locked for one-time codes.
    Locked,
    /// The account is disabled for one-time codes.
    Disabled,
    /// An authenticator of the login is gone; or the account had none then and has one now.
    Replaced,
    /// The user has logged out everywhere.
    LeftEverywhere,
}

impl NotIn {
    /// All of them.
    pub const ALL: [Self; 3] = otp_core::every!(NotIn: Refused, TimeIsUp, Unavailable);

    const fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TimeIsUp => "time",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Ended {
    /// All of them.
    pub const ALL: [Self; 9] = otp_core::every!(
        Ended: NotOurs, TimeIsUp, LoginTooOld, AccountGone, PasswordChanged, Locked, Disabled, Replaced, LeftEverywhere,
    );

    /// The word on the wire and in the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotOurs => "not-ours",
            Self::TimeIsUp => "time",
            Self::LoginTooOld => "login-too-old",
            Self::AccountGone => "account-gone",
            Self::PasswordChanged => "password-changed",
            Self::Locked => "locked",
            Self::Disabled => "disabled",
            Self::Replaced => "replaced",
            Self::LeftEverywhere => "left-everywhere",
        }
    }
}

impl Standing {
    const STANDS: &str = "stands";
    const UNKNOWN: &str = "unknown";

    const fn word(self) -> &'static str {
        match self {
            Self::Stands => Self::STANDS,
            Self::Ended(why) => why.word(),
            Self::Unknown => Self::UNKNOWN,
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        match word {
            Self::STANDS => Some(Self::Stands),
            Self::UNKNOWN => Some(Self::Unknown),
            _ => one_of(&Ended::ALL, Ended::word, word).map(Self::Ended),
        }
    }
}

/// The kind of a [`Matter`]. SECURITY.md has a table with a row for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Matter::Begin`].
    Begin,
    /// [`Matter::Standing`].
    Standing,
    /// [`Matter::Status`].
    Status,
    /// [`Matter::Try`].
    Try,
    /// [`Matter::Events`].
    Events,
    /// [`Matter::Change`].
    Change,
    /// [`Matter::LeaveEverywhere`].
    LeaveEverywhere,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = otp_core::every!(
        Kind: Begin, Standing, Status, Try, Events, Change, LeaveEverywhere,
    );

    /// The word on the wire and in the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Standing => "standing",
            Self::Status => "status",
            Self::Try => "try",
            Self::Events => "events",
            Self::Change => "change",
            Self::LeaveEverywhere => "leave-everywhere",
        }
    }
}

impl Matter {
    /// Returns the kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Begin { .. } => Kind::Begin,
            Self::Standing { .. } => Kind::Standing,
            Self::Status { .. } => Kind::Status,
            Self::Try { .. } => Kind::Try,
            Self::Events { .. } => Kind::Events,
            Self::Change { .. } => Kind::Change,
            Self::LeaveEverywhere { .. } => Kind::LeaveEverywhere,
        }
    }

    /// Encodes the matter for the wire.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        let fields = Fields::default().with(self.kind().word().as_bytes());
        match self {
            Self::Begin {
                name,
                address,
                language,
            } => fields
                .with(name.as_bytes())
                .with(address.to_string().as_bytes())
                .with(language.tag().as_bytes()),
            Self::Standing { tokens } => tokens
                .iter()
                .fold(fields, |all, token| all.with(token.as_bytes())),
            Self::Status { token } | Self::Events { token } | Self::LeaveEverywhere { token } => {
                fields.with(token.as_bytes())
            }
            Self::Try { token, reply } => fields.with(token.as_bytes()).with(reply),
            Self::Change {
                token,
                change,
                language,
            } => {
                let fields = fields
                    .with(token.as_bytes())
                    .with(language.tag().as_bytes());
                match change {
                    Change::Enrol(name) => named(fields, Verb::Enrol, name.as_str()),
                    Change::Add(name) => named(fields, Verb::Add, name.as_str()),
                    Change::Remove(name) => {
                        named(fields, Verb::Remove, name.as_ref().map_or("", Name::as_str))
                    }
                    Change::RecoveryCodes => named(fields, Verb::RecoveryCodes, ""),
                }
            }
        }
    }

    /// Decodes a matter; `None`: the frame is no matter, or a field is too long.
    #[must_use]
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        let fields = fields.as_slices();
        let (kind, rest) = fields.split_first()?;
        let kind = one_of(&Kind::ALL, Kind::word, text(kind)?)?;
        Some(match (kind, rest) {
            (Kind::Begin, [name, address, language]) => Self::Begin {
                name: text(name)
                    .filter(|name| name.len() <= LONGEST_NAME && !name.contains('\0'))?
                    .to_owned(),
                address: parsed(address)?,
                language: Language::from_tag(text(language)?)?,
            },
            (Kind::Standing, tokens) if (1..=MOST_TOKENS).contains(&tokens.len()) => {
                let tokens = tokens.iter().map(|token| Token::from_bytes(token));
                Self::Standing {
                    tokens: tokens.collect::<Option<_>>()?,
                }
            }
            (Kind::Status, [token]) => Self::Status {
                token: Token::from_bytes(token)?,
            },
            (Kind::Try, [token, reply]) if reply.len() <= LONGEST_REPLY => Self::Try {
                token: Token::from_bytes(token)?,
                reply: Zeroizing::new(reply.to_vec()),
            },
            (Kind::Events, [token]) => Self::Events {
                token: Token::from_bytes(token)?,
            },
            (Kind::Change, [token, language, verb, name]) => Self::Change {
                token: Token::from_bytes(token)?,
                change: change(text(verb)?, text(name)?)?,
                language: Language::from_tag(text(language)?)?,
            },
            (Kind::LeaveEverywhere, [token]) => Self::LeaveEverywhere {
                token: Token::from_bytes(token)?,
            },
            _ => return None,
        })
    }
}

fn named(fields: Fields, verb: Verb, name: &str) -> Fields {
    fields.with(verb.word().as_bytes()).with(name.as_bytes())
}

fn change(verb: &str, name: &str) -> Option<Change> {
    let of_that_name = || Name::new(name).ok();
    Some(match (Verb::from_word(verb)?, name) {
        (Verb::Enrol, _) => Change::Enrol(of_that_name()?),
        (Verb::Add, _) => Change::Add(of_that_name()?),
        (Verb::Remove, "") => Change::Remove(None),
        (Verb::Remove, _) => Change::Remove(Some(of_that_name()?)),
        (Verb::RecoveryCodes, "") => Change::RecoveryCodes,
        _ => return None,
    })
}

impl Said {
    /// Whether this is the last message, except that another [`Matter::Standing`] may follow.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        !matches!(self, Self::Turn(_) | Self::Event(_))
    }

    /// Encodes the message for the wire.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        let word = |word: &str| Fields::default().with(word.as_bytes());
        match self {
            Self::Turn(turn) => turn.to_fields(),
            Self::In(admitted) => word("in")
                .with(admitted.user.as_bytes())
                .with_number(&admitted.uid)
                .with(admitted.token.as_bytes())
                .with(enrolled_word(admitted.enrolled))
                .with_number(&admitted.ends.seconds()),
            Self::No(why) => word("no").with(why.word().as_bytes()),
            Self::Changed { enrolled, token } => word("changed")
                .with(enrolled_word(*enrolled))
                .with(token.as_bytes()),
            Self::Standings(all) => all.iter().fold(word("standings"), |fields, one| {
                fields.with(one.word().as_bytes())
            }),
            Self::Event(json) => word("event").with(json.as_bytes()),
            Self::Ended(why) => word("ended").with(why.word().as_bytes()),
            Self::Unenrolled(wanted) => wanted.to_field(word("unenrolled")),
            Self::Answer(answer) => answer.to_fields(),
            Self::Full => word("no-room"),
        }
    }

    /// Decodes a message; `None`: the login part sends no such message.
    #[must_use]
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        match fields.as_slices().as_slice() {
            [b"in", user, uid, token, enrolled, ends] => Some(Self::In(Admitted {
                user: text(user)?.to_owned(),
                uid: parsed(uid)?,
                token: Token::from_bytes(token)?,
                enrolled: enrolled_of(enrolled)?,
                ends: UnixTime::from_seconds(parsed(ends)?),
            })),
            [b"no", why] => one_of(&NotIn::ALL, NotIn::word, text(why)?).map(Self::No),
            [b"changed", enrolled, token] => Some(Self::Changed {
                enrolled: enrolled_of(enrolled)?,
                token: Token::from_bytes(token)?,
            }),
            [b"standings", words @ ..] => {
                let all = words.iter().map(|word| Standing::from_word(text(word)?));
                all.collect::<Option<_>>().map(Self::Standings)
            }
            [b"event", json] => Some(Self::Event(text(json)?.to_owned())),
            [b"ended", why] => one_of(&Ended::ALL, Ended::word, text(why)?).map(Self::Ended),
            [b"unenrolled", wanted] => Wanted::from_field(wanted).map(Self::Unenrolled),
            [b"no-room"] => Some(Self::Full),
            _ => Turn::from_fields(fields).map(|turn| match turn {
                Turn::End(answer) => Self::Answer(answer),
                turn => Self::Turn(turn),
            }),
        }
    }
}

const fn enrolled_word(enrolled: bool) -> &'static [u8] {
    if enrolled { b"enrolled" } else { b"" }
}

const fn enrolled_of(field: &[u8]) -> Option<bool> {
    match field {
        b"enrolled" => Some(true),
        b"" => Some(false),
        _ => None,
    }
}

fn text(field: &[u8]) -> Option<&str> {
    std::str::from_utf8(field).ok()
}

fn parsed<T: FromStr>(field: &[u8]) -> Option<T> {
    text(field)?.parse().ok()
}

fn one_of<T: Copy>(all: &[T], word_of: impl Fn(T) -> &'static str, word: &str) -> Option<T> {
    all.iter().copied().find(|one| word_of(*one) == word)
}

/// Why nothing more comes from the login part. Then no one is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The login part does not listen, or has hung up.
    Gone,
    /// The login part sends an impossible message, or a message to it is too long.
    Senseless,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gone => "the login part is gone",
            Self::Senseless => "the login part says what it never says",
        })
    }
}

impl std::error::Error for Lost {}

/// The portal's end of a connection, for a blocking thread.
pub struct Client<S>(S);

impl<S: Read + Write> Client<S> {
    /// Begins a matter.
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn begin(line: S, matter: &Matter) -> Result<Self, Lost> {
        let mut client = Self(line);
        client.send(&matter.to_fields())?;
        Ok(client)
    }

    /// Asks for the standing of more tokens, after the last answer.
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn ask_again(&mut self, matter: &Matter) -> Result<(), Lost> {
        self.send(&matter.to_fields())
    }

    /// Answers the last turn.
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn reply(&mut self, reply: &Reply) -> Result<(), Lost> {
        self.send(&reply.to_fields())
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// See [`Lost`].
    pub fn hear(&mut self) -> Result<Said, Lost> {
        let fields = Fields::read_from(&mut self.0).map_err(lost)?;
        Said::from_fields(&fields).ok_or(Lost::Senseless)
    }

    fn send(&mut self, fields: &Fields) -> Result<(), Lost> {
        let bytes = fields.to_bytes().ok_or(Lost::Senseless)?;
        self.0.write_all(&bytes).map_err(|_| Lost::Gone)
    }
}

/// The portal's end of a connection, for tokio. After a call was dropped before its end, the connection must not be
/// used again.
pub struct AsyncClient<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncClient<S> {
    /// As [`Client::begin`].
    ///
    /// # Errors
    /// See [`Lost`].
    pub async fn begin(line: S, matter: &Matter) -> Result<Self, Lost> {
        let mut client = Self(line);
        client.send(&matter.to_fields()).await?;
        Ok(client)
    }

    /// As [`Client::ask_again`].
    ///
    /// # Errors
    /// See [`Lost`].
    pub async fn ask_again(&mut self, matter: &Matter) -> Result<(), Lost> {
        self.send(&matter.to_fields()).await
    }

    /// As [`Client::reply`].
    ///
    /// # Errors
    /// See [`Lost`].
    pub async fn reply(&mut self, reply: &Reply) -> Result<(), Lost> {
        self.send(&reply.to_fields()).await
    }

    /// As [`Client::hear`].
    ///
    /// # Errors
    /// See [`Lost`].
    pub async fn hear(&mut self) -> Result<Said, Lost> {
        let mut head = [0; HEAD];
        self.0.read_exact(&mut head).await.map_err(|_| Lost::Gone)?;
        let length = usize::from(u16::from_be_bytes([head[HEAD - 2], head[HEAD - 1]]));
        if length > LIMIT {
            return Err(Lost::Senseless);
        }
        let mut frame = Zeroizing::new(vec![0; HEAD + length]);
        frame[..HEAD].copy_from_slice(&head);
        let body = self.0.read_exact(&mut frame[HEAD..]).await;
        body.map_err(|_| Lost::Gone)?;
        let fields = Fields::read_from(&mut frame.as_slice()).map_err(lost)?;
        Said::from_fields(&fields).ok_or(Lost::Senseless)
    }

    async fn send(&mut self, fields: &Fields) -> Result<(), Lost> {
        let bytes = fields.to_bytes().ok_or(Lost::Senseless)?;
        self.0.write_all(&bytes).await.map_err(|_| Lost::Gone)
    }
}

/// Four magic bytes, and a length of two.
const HEAD: usize = 6;

const fn lost(bad: BadFrame) -> Lost {
    match bad {
        BadFrame::Silence => Lost::Gone,
        BadFrame::Mark | BadFrame::TooLarge | BadFrame::Fields => Lost::Senseless,
    }
}

#[cfg(test)]
mod tests;
