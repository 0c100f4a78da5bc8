//! Conversations that wait for a person: logins and changes. Each page is one question. Between two requests, the
//! connection to the login part stays here.
//!
//! Their number and their time are limited. They end when the person leaves, and then nothing has changed.

use super::part::{Line, Part, hear};
use super::places::neighbourhood;
use crate::config::Host;
use crate::session::{Hash, Id};
use crate::wire::{Admitted, Ended, Lost, Matter, NotIn, Said, Token};
use data_encoding::BASE64URL_NOPAD;
use otp_core::record::Name;
use otp_core::recovery::RecoveryCode;
use otp_core::{Authenticator, UnixTime};
use otp_helper::protocol::Answer;
use otp_helper::session::{Reply, Turn};
use otp_site::clock;
use otp_store::change::{Change, Proof};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a conversation waits for an answer. The login part waits as long.
pub const WITHOUT_A_WORD: Duration = Duration::from_secs(120);

/// How long a conversation may last.
pub const IN_ALL: Duration = Duration::from_secs(600);

/// The most texts that are kept between two questions.
const MOST_TEXTS: usize = 64;

/// The owner of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// The browser with this cookie, which is about to log in.
    Login(Hash),
    /// This session, whose user changes authenticators.
    Change(Id),
}

/// The subject of a conversation.
pub enum About {
    /// A login.
    Login {
        /// The name as it was typed.
        user: String,
        /// The address of the browser.
        address: IpAddr,
        /// The site that the login leads to, and the path there.
        onwards: Option<(Host, String)>,
    },
    /// A change.
    Change {
        /// The user whose authenticators change.
        user: String,
        /// The change.
        change: Change,
    },
}

/// One conversation.
pub struct Talk {
    /// The identity of the conversation in forms.
    pub id: String,
    /// The subject.
    pub about: About,
    began: Instant,
    touched: Mutex<Instant>,
    held: Arc<tokio::sync::Mutex<Held>>,
}

/// The state of a conversation, for the one request that holds it.
pub struct Held {
    line: Option<Line>,
    /// The number of replies.
    turn: u32,
    /// The texts told since the last reply; after the end of a login, those of its end. Modules that enrol at login
    /// tell secrets.
    pub texts: Vec<Zeroizing<String>>,
    /// The authenticators that the change removes.
    pub goes: Vec<Name>,
    /// Whether the change removes recovery codes of another program.
    pub imported_codes_go: bool,
    /// The new device. A secret.
    pub device: Option<Authenticator>,
    /// How many recovery codes were made.
    pub codes_made: usize,
    /// Whether the login part was told to save the change. If it then falls silent, it is unknown whether the change
    /// was saved.
    told_to_keep: bool,
    /// What the conversation waits for.
    pub waits: Waits,
}

/// What a conversation waits for.
pub enum Waits {
    /// The answer to a question of PAM.
    Ask {
        /// The question.
        prompt: String,
        /// Whether what is typed may be seen.
        echo: bool,
    },
    /// A code of the new device, with the result of the last one.
    Code(Option<(Proof, u32)>),
    /// The confirmation that the recovery codes are kept. Secrets.
    Keep {
        /// The recovery codes.
        codes: Vec<RecoveryCode>,
        /// When they were made.
        issued: UnixTime,
    },
    /// Nothing: the conversation is over.
    Nothing,
}

/// How a conversation ended.
pub enum Over {
    /// The user is let in.
    In(Admitted),
    /// The user is refused.
    No(NotIn),
    /// The change is saved.
    Changed {
        /// Whether the account has an authenticator now.
        enrolled: bool,
        /// The token for later requests of the user.
        token: Token,
    },
    /// The change ended with this answer, and nothing was changed.
    Answer(Answer),
    /// The token of the session is no longer valid.
    Ended(Ended),
    /// There is no room for another conversation.
    Full,
    /// The login part has gone away. `asked`: it had been told to save the change, so it is unknown whether it did.
    Gone {
        /// Whether it had been told to save the change.
        asked: bool,
    },
}

/// The state of a conversation after a request.
pub enum Step {
    /// The conversation waits for the person.
    Waits,
    /// The conversation is over and forgotten.
    Over(Over),
}

/// Why no conversation can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// The limit for all conversations is reached.
    InAll,
    /// The limit for this address is reached.
    FromOne,
    /// The system gives no random bytes.
    NoRandom,
}

/// What became of a request to cancel a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It has ended.
    It,
    /// The page belongs to an earlier conversation, and another one goes on.
    NotThisOne,
    /// There was none.
    Nothing,
}

/// All conversations.
pub struct Talks {
    table: Mutex<HashMap<Key, Arc<Talk>>>,
    in_all: usize,
    from_one: usize,
}

impl Talks {
    /// Allows this many in all, and this many logins from one address.
    #[must_use]
    pub fn new(in_all: usize, from_one: usize) -> Self {
        Self {
            table: Mutex::default(),
            in_all,
            from_one,
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Key, Arc<Talk>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.table().len()
    }

    /// Begins a conversation, which replaces an earlier one of the same browser or session. The last quarter of the
    /// places is not for logins of strangers: `is_known` says whether this user is known.
    ///
    /// # Errors
    /// See [`NoRoom`].
    pub async fn begin(
        self: &Arc<Self>,
        part: Arc<Part>,
        key: Key,
        about: About,
        matter: Matter,
        is_known: impl FnOnce() -> bool,
    ) -> Result<(Arc<Talk>, Step), NoRoom> {
        let talk = self.take_place(key, about, is_known)?;
        let (talks, begun) = (Arc::clone(self), Arc::clone(&talk));
        // A separate task completes this: a browser that hangs up must not leave a frame half written.
        let stepping = tokio::spawn(async move {
            let mut held = Arc::clone(&begun.held).lock_owned().await;
            let step = match part.begin(&matter).await {
                Ok(line) => {
                    held.line = Some(line);
                    held.listen().await
                }
                Err(lost) => held.lost(lost),
            };
            talks.stepped(key, &begun, step)
        });
        let step = stepping
            .await
            .unwrap_or(Step::Over(Over::Gone { asked: false }));
        Ok((talk, step))
    }

    fn take_place(
        &self,
        key: Key,
        about: About,
        is_known: impl FnOnce() -> bool,
    ) -> Result<Arc<Talk>, NoRoom> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| NoRoom::NoRandom)?;
        let now = Instant::now();
        let mut table = self.table();
        table.remove(&key);
        let for_strangers = self.in_all - self.in_all / 4;
        if table.len() >= self.in_all || table.len() >= for_strangers && !is_known() {
            return Err(NoRoom::InAll);
        }
        if let About::Login { address, .. } = &about {
            let of = neighbourhood(*address);
            let is_of = |talk: &&Arc<Talk>| match &talk.about {
                About::Login { address, .. } => neighbourhood(*address) == of,
                About::Change { .. } => false,
            };
            if table.values().filter(is_of).count() >= self.from_one {
                return Err(NoRoom::FromOne);
            }
        }
        let talk = Arc::new(Talk {
            id: BASE64URL_NOPAD.encode(&random),
            about,
            began: now,
            touched: Mutex::new(now),
            held: Arc::new(tokio::sync::Mutex::new(Held {
                line: None,
                turn: 0,
                texts: Vec::new(),
                goes: Vec::new(),
                imported_codes_go: false,
                device: None,
                codes_made: 0,
                told_to_keep: false,
                waits: Waits::Nothing,
            })),
        });
        table.insert(key, Arc::clone(&talk));
        Ok(talk)
    }

    /// Returns the conversation of a browser or session.
    #[must_use]
    pub fn of(&self, key: Key) -> Option<Arc<Talk>> {
        let talk = self.table().get(&key).cloned()?;
        talk.is_in_time(Instant::now()).then_some(talk)
    }

    /// Sends the reply if the conversation waits for it in this `turn`. Otherwise sends nothing and returns the state.
    pub async fn reply(
        self: &Arc<Self>,
        key: Key,
        talk: &Arc<Talk>,
        turn: &str,
        reply: Reply,
    ) -> Step {
        let (talks, talk, turn) = (Arc::clone(self), Arc::clone(talk), turn.to_owned());
        let stepping = tokio::spawn(async move {
            let mut held = Arc::clone(&talk.held).lock_owned().await;
            if talk.conversation(&held) != turn || !held.waits_for(&reply) {
                return Step::Waits;
            }
            *talk.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            let step = held.answer(&reply).await;
            talks.stepped(key, &talk, step)
        });
        stepping
            .await
            .unwrap_or(Step::Over(Over::Gone { asked: true }))
    }

    /// Forgets a conversation that is over. The time of one that waits starts again.
    fn stepped(&self, key: Key, talk: &Arc<Talk>, step: Step) -> Step {
        match step {
            Step::Waits => {
                *talk.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            }
            Step::Over(_) => {
                let mut table = self.table();
                // Another may have replaced it.
                if table
                    .get(&key)
                    .is_some_and(|known| Arc::ptr_eq(known, talk))
                {
                    table.remove(&key);
                }
            }
        }
        step
    }

    /// Ends the conversation of a browser or session. Returns whether there was one.
    pub fn leave(&self, key: Key) -> bool {
        self.table().remove(&key).is_some()
    }

    /// Ends the conversation of a browser or session if the form comes from one of its pages. A page of an earlier
    /// conversation ends nothing.
    pub fn cancel(&self, key: Key, form: &str) -> Cancelled {
        let mut table = self.table();
        match table.get(&key) {
            None => Cancelled::Nothing,
            Some(talk) if talk.is_of(form) => {
                table.remove(&key);
                Cancelled::It
            }
            Some(_) => Cancelled::NotThisOne,
        }
    }

    /// Ends conversations that have waited too long.
    pub fn sweep(&self, now: Instant) {
        self.table().retain(|_, talk| talk.is_in_time(now));
    }
}

impl Talk {
    fn is_in_time(&self, now: Instant) -> bool {
        let touched = *self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        // A conversation that works on an answer is not waiting for a person. The login part has limits of its own.
        let is_working = self.held.try_lock().is_err();
        is_working
            || now.saturating_duration_since(touched) < WITHOUT_A_WORD
                && now.saturating_duration_since(self.began) < IN_ALL
    }

    /// Locks the conversation for this request.
    pub async fn hold(&self) -> tokio::sync::MutexGuard<'_, Held> {
        self.held.lock().await
    }

    /// Returns the text that a form must carry to answer the present question.
    #[must_use]
    pub fn conversation(&self, held: &Held) -> String {
        format!("{}.{}", self.id, held.turn)
    }

    /// Whether a form comes from a page of this conversation, for whichever question.
    fn is_of(&self, form: &str) -> bool {
        form.split_once('.').is_some_and(|(id, _)| id == self.id)
    }
}

impl Held {
    /// Whether the person has replied to anything.
    #[must_use]
    pub const fn has_replied(&self) -> bool {
        self.turn > 0
    }

    const fn waits_for(&self, reply: &Reply) -> bool {
        matches!(
            (&self.waits, reply),
            (Waits::Ask { .. }, Reply::Text(_))
                | (Waits::Code(_), Reply::Code(_))
                | (Waits::Keep { .. }, Reply::Keep)
        )
    }

    async fn answer(&mut self, reply: &Reply) -> Step {
        self.texts.clear();
        self.turn += 1;
        self.waits = Waits::Nothing;
        match self.reply(reply).await {
            Ok(()) => self.listen().await,
            Err(lost) => self.lost(lost),
        }
    }

    async fn reply(&mut self, reply: &Reply) -> Result<(), Lost> {
        self.told_to_keep |= matches!(reply, Reply::Keep);
        let line = self.line.as_mut().ok_or(Lost::Gone)?;
        line.reply(reply).await
    }

    /// Listens until a person is needed or the conversation is over.
    async fn listen(&mut self) -> Step {
        loop {
            let Some(line) = &mut self.line else {
                return self.lost(Lost::Gone);
            };
            let said = match hear(line).await {
                Ok(said) => said,
                Err(lost) => return self.lost(lost),
            };
            let waits = match said {
                Said::Turn(Turn::Begun {
                    goes,
                    imported_codes_go,
                    ..
                }) => {
                    (self.goes, self.imported_codes_go) = (goes, imported_codes_go);
                    continue;
                }
                Said::Turn(Turn::Tell { text }) => {
                    if self.texts.len() < MOST_TEXTS {
                        self.texts.push(text);
                    }
                    continue;
                }
                Said::Turn(Turn::Ask { prompt, echo }) => Waits::Ask { prompt, echo },
                Said::Turn(Turn::Offer(device)) => {
                    self.device = Some(device);
                    Waits::Code(None)
                }
                Said::Turn(Turn::Checked { proof, left }) if proof == Proof::Right || left == 0 => {
                    continue;
                }
                Said::Turn(Turn::Checked { proof, left }) => Waits::Code(Some((proof, left))),
                Said::Turn(Turn::Codes(codes)) if codes.is_empty() => {
                    // There are no codes to keep, so confirm at once.
                    if let Err(lost) = self.reply(&Reply::Keep).await {
                        return self.lost(lost);
                    }
                    continue;
                }
                Said::Turn(Turn::Codes(codes)) => {
                    self.codes_made = codes.len();
                    let issued = clock::now().unwrap_or(UnixTime::from_seconds(0));
                    Waits::Keep { codes, issued }
                }
                // The helper may have ended after the change and before its answer.
                Said::Answer(Answer::Unavailable(_)) if self.told_to_keep => {
                    return self.lost(Lost::Gone);
                }
                Said::Turn(Turn::End(answer)) | Said::Answer(answer) => {
                    return self.over(Over::Answer(answer));
                }
                Said::In(admitted) => return self.over(Over::In(admitted)),
                Said::No(why) => return self.over(Over::No(why)),
                Said::Changed { enrolled, token } => {
                    return self.over(Over::Changed { enrolled, token });
                }
                Said::Ended(why) => return self.over(Over::Ended(why)),
                Said::Full => return self.over(Over::Full),
                Said::Standings(_) | Said::Event(_) | Said::Unenrolled(_) => {
                    return self.lost(Lost::Senseless);
                }
            };
            self.waits = waits;
            return Step::Waits;
        }
    }

    fn over(&mut self, over: Over) -> Step {
        self.line = None;
        Step::Over(over)
    }

    /// Ends the conversation after the login part has gone away.
    fn lost(&mut self, lost: Lost) -> Step {
        match lost {
            Lost::Gone | Lost::Senseless => self.over(Over::Gone {
                asked: self.told_to_keep,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::ZeroizeOnDrop;

    /// A list of values that wipe themselves leaves nothing behind when it is cleared or dropped.
    #[test]
    fn texts_of_modules_are_wiped() {
        fn wipes_itself(_: &[impl ZeroizeOnDrop]) {}
        let _ = |held: &Held| wipes_itself(&held.texts);
    }
}
