//! A change in progress: made in this process, or led by the helper. Nothing is stored before [`Changing::keep`].

use super::{Lost, Place, Records, Way, user};
use crate::client::{NoAnswer, Session};
use crate::protocol::{Answer, Request};
use crate::session::{Reply, Turn};
use otp_core::record::Name;
use otp_core::recovery::RecoveryCode;
use otp_core::{Account, Authenticator, Policy, UnixTime};
use otp_site::groups;
use otp_store::Store;
use otp_store::change::{Change, Draft, Failed, Kept, Proof, Refused};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use zeroize::Zeroizing;

/// A person at a terminal who waits while a helper leads a change, and may leave.
pub trait Attendant {
    /// The sign that the person has left.
    type Left;

    /// Takes the other side of the dialogue: from now on, no question outlasts it.
    fn attend(&self, other_side: OwnedFd);

    /// Waits until the helper has sent something.
    ///
    /// # Errors
    /// The person has left.
    fn wait_for(&self, said: BorrowedFd<'_>) -> Result<(), Self::Left>;

    /// Checks that the person was not told to leave in the meantime.
    ///
    /// # Errors
    /// The person has left.
    fn still_here(&self) -> Result<(), Self::Left>;

    /// Asks a question that the administrator has chosen. `echo`: the typed text may be visible.
    ///
    /// # Errors
    /// The person has left.
    fn ask(&self, question: &str, echo: bool) -> Result<Zeroizing<Vec<u8>>, Self::Left>;

    /// Shows a message that the administrator has chosen.
    ///
    /// # Errors
    /// The person has left.
    fn tell(&self, text: &str) -> Result<(), Self::Left>;
}

/// Why a change was not made.
pub enum Broken<L> {
    /// The attendant has left.
    Left(L),
    /// The change is refused; nothing was changed.
    Refused(Refused),
    /// The person did not prove who they are; nothing was changed.
    NotAuthenticated,
    /// The records could not be used; nothing was changed.
    Lost(Lost),
    /// It is unknown whether the change was made, for this reason.
    Unknown(Lost),
}

impl<L> From<Failed> for Broken<L> {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(refused) => Self::Refused(refused),
            Failed::Store(error) => Self::Lost(error.into()),
        }
    }
}

impl<L> From<NoAnswer> for Broken<L> {
    fn from(reason: NoAnswer) -> Self {
        Self::Lost(reason.into())
    }
}

impl<L> From<Turn> for Broken<L> {
    /// Converts an early end, or a turn that has no place here.
    fn from(turn: Turn) -> Self {
        match turn {
            Turn::End(Answer::Refused(refused)) => Self::Refused(refused),
            Turn::End(Answer::NotAuthenticated) => Self::NotAuthenticated,
            Turn::End(Answer::Denied) => Self::Lost(Lost::Denied),
            Turn::End(Answer::Unavailable(reason)) => Self::Lost(Lost::Unavailable(reason)),
            _ => NoAnswer::Unintelligible.into(),
        }
    }
}

/// A change that has begun. It holds secrets and has no `Debug`.
pub struct Changing(Led);

enum Led {
    Here(Box<Draft>),
    ByHelper(Box<Remote>),
}

/// A change that a helper leads, with the data that it has sent so far.
struct Remote {
    session: Session,
    changes_a_record: bool,
    goes: Vec<Name>,
    authenticates: bool,
    imported_codes_go: bool,
    device: Option<Authenticator>,
    codes: Vec<RecoveryCode>,
}

impl Records {
    /// Begins a change of an account.
    ///
    /// # Errors
    /// See [`Broken`].
    pub fn begin_change<A: Attendant>(
        &self,
        account: &Account,
        change: Change,
        policy: &Policy,
        now: UnixTime,
        attendant: &A,
    ) -> Result<Changing, Broken<A::Left>> {
        let helper = match &self.0 {
            Way::Here(place) => {
                let (store, account) = (place.store(), account.clone());
                let draft = Draft::begin(store, account, change, policy, groups::belongs, now)?;
                return Ok(Changing(Led::Here(Box::new(draft))));
            }
            Way::Helper(helper) => helper,
        };
        let user = user(account);
        let request = Request::Change { user, change };
        let mut session = Session::begin_with(&helper.program, helper.paths(), &request)
            .map_err(|reason| Broken::Lost(helper.lost(reason)))?;
        if let Ok(other_side) = session.as_fd().try_clone_to_owned() {
            attendant.attend(other_side);
        }
        match next(&mut session, attendant)? {
            Turn::Begun {
                goes,
                authenticates,
                imported_codes_go,
            } => Ok(Changing(Led::ByHelper(Box::new(Remote {
                session,
                // A verifier takes the identity as proven, since a code was accepted from this machine a moment ago.
                changes_a_record: authenticates || imported_codes_go || !goes.is_empty(),
                goes,
                authenticates,
                imported_codes_go,
                device: None,
                codes: Vec::new(),
            })))),
            other => Err(other.into()),
        }
    }
}

impl Changing {
    /// Whether the account already has an authenticator, as far as this process knows.
    #[must_use]
    pub fn changes_a_record(&self) -> bool {
        match &self.0 {
            Led::Here(draft) => draft.changes_a_record(),
            Led::ByHelper(remote) => remote.changes_a_record,
        }
    }

    /// Returns the authenticators that the change removes.
    #[must_use]
    pub fn goes(&self) -> &[Name] {
        match &self.0 {
            Led::Here(draft) => draft.goes(),
            Led::ByHelper(remote) => &remote.goes,
        }
    }

    /// Whether recovery codes of another program stop working.
    #[must_use]
    pub fn imported_codes_go(&self) -> bool {
        match &self.0 {
            Led::Here(draft) => draft.imported_codes_go(),
            Led::ByHelper(remote) => remote.imported_codes_go,
        }
    }

    /// Whether the person must prove who they are.
    #[must_use]
    pub fn authenticates(&self) -> bool {
        match &self.0 {
            Led::Here(_) => false,
            Led::ByHelper(remote) => remote.authenticates,
        }
    }

    /// Lets the person prove who they are. The administrator decides what is asked.
    ///
    /// # Errors
    /// See [`Broken`].
    pub fn authenticate<A: Attendant>(&mut self, attendant: &A) -> Result<(), Broken<A::Left>> {
        let Led::ByHelper(remote) = &mut self.0 else {
            return Ok(());
        };
        loop {
            match next(&mut remote.session, attendant)? {
                Turn::Ask { prompt, echo } => {
                    let reply = attendant.ask(&harmless(&prompt), echo);
                    let reply = Reply::Text(reply.map_err(Broken::Left)?);
                    say(&mut remote.session, &reply, attendant)?;
                }
                Turn::Tell { text } => attendant.tell(&harmless(&text)).map_err(Broken::Left)?,
                Turn::Offer(device) => {
                    remote.device = Some(device);
                    return Ok(());
                }
                Turn::Codes(codes) => {
                    remote.codes = codes;
                    return Ok(());
                }
                other => return Err(other.into()),
            }
        }
    }

    /// Returns the new device, if there is one.
    #[must_use]
    pub fn device(&self) -> Option<&Authenticator> {
        match &self.0 {
            Led::Here(draft) => draft.device(),
            Led::ByHelper(remote) => remote.device.as_ref(),
        }
    }

    /// Checks a typed code of the new device; also returns how many more codes may be typed. `policy` and `now` are
    /// used if this process makes the change; a helper has its own.
    ///
    /// # Errors
    /// See [`Broken`].
    pub fn prove<A: Attendant>(
        &mut self,
        typed: Zeroizing<Vec<u8>>,
        policy: &Policy,
        now: UnixTime,
        attendant: &A,
    ) -> Result<(Proof, u32), Broken<A::Left>> {
        let remote = match &mut self.0 {
            Led::Here(draft) => {
                let proof = draft.prove(&typed, policy, now);
                return Ok((proof.map_err(Broken::Refused)?, draft.tries()));
            }
            Led::ByHelper(remote) => remote,
        };
        say(&mut remote.session, &Reply::Code(typed), attendant)?;
        let (proof, left) = match next(&mut remote.session, attendant)? {
            Turn::Checked { proof, left } => (proof, left),
            other => return Err(other.into()),
        };
        if proof == Proof::Right {
            match next(&mut remote.session, attendant)? {
                Turn::Codes(codes) => remote.codes = codes,
                other => return Err(other.into()),
            }
        }
        Ok((proof, left))
    }

    /// Returns the new recovery codes, to be shown once.
    #[must_use]
    pub fn codes(&self) -> &[RecoveryCode] {
        match &self.0 {
            Led::Here(draft) => draft.codes(),
            Led::ByHelper(remote) => &remote.codes,
        }
    }

    /// Stores the change. From here on the person cannot leave before the result is known.
    ///
    /// # Errors
    /// See [`Broken`].
    pub fn keep<L>(
        self,
        records: &Records,
        policy: &Policy,
        now: UnixTime,
    ) -> Result<Kept, Broken<L>> {
        let mut remote = match (self.0, &records.0) {
            (Led::Here(draft), Way::Here(place)) => {
                let belongs = groups::belongs;
                return Ok(match place {
                    Place::There(store) => draft.keep(store, policy, belongs, now)?,
                    Place::NotYet(directory, seal) => {
                        let made = Store::open_or_create(directory);
                        let made = made.map_err(|error| Broken::Lost(error.into()))?;
                        let made = made.sealed_by(seal.clone());
                        draft.keep(&made, policy, belongs, now)?
                    }
                });
            }
            (Led::Here(_), Way::Helper(_)) => return Err(NoAnswer::Ask.into()),
            (Led::ByHelper(remote), _) => remote,
        };
        remote.session.send(&Reply::Keep)?;
        // From here on the change may have been made.
        match remote.session.receive() {
            Ok(Turn::End(Answer::Kept { enrolled })) => Ok(Kept { enrolled }),
            Ok(Turn::End(Answer::Unavailable(reason))) => {
                Err(Broken::Unknown(Lost::Unavailable(reason)))
            }
            Ok(end @ Turn::End(_)) => Err(end.into()),
            Ok(_) => Err(Broken::Unknown(NoAnswer::Unintelligible.into())),
            Err(reason) => Err(Broken::Unknown(reason.into())),
        }
    }
}

/// Reads the helper's next turn. A person who leaves need not wait for it.
pub(super) fn next<A: Attendant>(
    session: &mut Session,
    attendant: &A,
) -> Result<Turn, Broken<A::Left>> {
    attendant.wait_for(session.as_fd()).map_err(Broken::Left)?;
    known(session.receive(), attendant)
}

pub(super) fn say<A: Attendant>(
    session: &mut Session,
    reply: &Reply,
    attendant: &A,
) -> Result<(), Broken<A::Left>> {
    known(session.send(reply), attendant)
}

/// A person who was told to leave has left, whatever happened to the helper in the meantime.
fn known<T, A: Attendant>(said: Result<T, NoAnswer>, attendant: &A) -> Result<T, Broken<A::Left>> {
    match said {
        Ok(said) => Ok(said),
        Err(reason) => {
            attendant.still_here().map_err(Broken::Left)?;
            Err(reason.into())
        }
    }
}

/// Removes characters that a terminal would act on.
pub(super) fn harmless(text: &str) -> String {
    let shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().filter(shown).collect()
}
