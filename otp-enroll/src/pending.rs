//! A change on its way: root's own, or one that the helper leads. Nothing lasts before [`Pending::keep`].

use crate::failure::Failure;
use crate::helper;
use crate::site::Site;
use crate::terminal::{Echo, Terminal};
use otp_core::messages::trouble::Trouble;
use otp_core::record::Name;
use otp_core::recovery::RecoveryCode;
use otp_core::{Account, Authenticator};
use otp_helper::client::{NoAnswer, Session};
use otp_helper::protocol::{Answer, Request};
use otp_helper::session::{Reply, Turn};
use otp_site::{clock, groups};
use otp_store::change::{Change, Draft, Kept, Proof};
use std::os::fd::AsFd;
use zeroize::Zeroizing;

/// A change that was begun.
pub struct Pending<'a> {
    site: &'a Site,
    account: &'a Account,
    way: Way,
}

enum Way {
    Direct(Box<Draft>),
    Helper(Box<Remote>),
}

/// What the helper has said so far.
struct Remote {
    session: Session,
    goes: Vec<Name>,
    authenticates: bool,
    device: Option<Authenticator>,
    codes: Vec<RecoveryCode>,
}

impl<'a> Pending<'a> {
    /// Begins it.
    pub fn begin(
        site: &'a Site,
        account: &'a Account,
        change: Change,
        terminal: &Terminal,
    ) -> Result<Self, Failure> {
        let way = if site.is_root {
            let (store, now) = (site.store_if_there()?, clock::now()?);
            let draft = Draft::begin(
                store.as_ref(),
                account.clone(),
                change,
                &site.policy,
                groups::belongs,
                now,
            );
            Way::Direct(Box::new(
                draft.map_err(|reason| helper::failed(reason, account))?,
            ))
        } else {
            let user = account.name.as_str().to_owned();
            let mut session = helper::begin(&Request::Change { user, change })?;
            if let Ok(other_side) = session.as_fd().try_clone_to_owned() {
                terminal.ask_on_behalf_of(other_side);
            }
            terminal.wait_for(session.as_fd())?;
            match known(session.receive(), terminal)? {
                Turn::Begun {
                    goes,
                    authenticates,
                } => Way::Helper(Box::new(Remote {
                    session,
                    goes,
                    authenticates,
                    device: None,
                    codes: Vec::new(),
                })),
                other => return Err(unexpected(other, account)),
            }
        };
        Ok(Self { site, account, way })
    }

    /// The authenticators that will have stopped working.
    pub fn goes(&self) -> &[Name] {
        match &self.way {
            Way::Direct(draft) => draft.goes(),
            Way::Helper(remote) => &remote.goes,
        }
    }

    /// Whether the person has to prove who they are.
    pub fn authenticates(&self) -> bool {
        match &self.way {
            Way::Direct(_) => false,
            Way::Helper(remote) => remote.authenticates,
        }
    }

    /// Has them prove it. What is asked is the administrator's choice.
    pub fn authenticate(&mut self, terminal: &Terminal) -> Result<(), Failure> {
        let Way::Helper(remote) = &mut self.way else {
            return Ok(());
        };
        loop {
            match remote.next(terminal)? {
                Turn::Ask { prompt, echo } => {
                    let echo = if echo { Echo::On } else { Echo::Off };
                    let reply = terminal.ask(&harmless(&prompt), echo)?;
                    remote.say(&Reply::Text(reply), terminal)?;
                }
                Turn::Tell { text } => terminal.show(&format!("{}\n", harmless(&text)))?,
                Turn::Offer(device) => {
                    remote.device = Some(device);
                    return Ok(());
                }
                Turn::Codes(codes) => {
                    remote.codes = codes;
                    return Ok(());
                }
                other => return Err(unexpected(other, self.account)),
            }
        }
    }

    /// The new device, where there is one.
    pub fn device(&self) -> Option<&Authenticator> {
        match &self.way {
            Way::Direct(draft) => draft.device(),
            Way::Helper(remote) => remote.device.as_ref(),
        }
    }

    /// What a typed code of the new device says, and how many more may be typed.
    pub fn prove(
        &mut self,
        typed: Zeroizing<Vec<u8>>,
        terminal: &Terminal,
    ) -> Result<(Proof, u32), Failure> {
        let remote = match &mut self.way {
            Way::Direct(draft) => {
                let proof = draft
                    .prove(&typed, &self.site.policy, clock::now()?)
                    .map_err(|refused| helper::refusal(refused, self.account))?;
                return Ok((proof, draft.tries()));
            }
            Way::Helper(remote) => remote,
        };
        remote.say(&Reply::Code(typed), terminal)?;
        let (proof, left) = match remote.next(terminal)? {
            Turn::Checked { proof, left } => (proof, left),
            other => return Err(unexpected(other, self.account)),
        };
        if proof == Proof::Right {
            match remote.next(terminal)? {
                Turn::Codes(codes) => remote.codes = codes,
                other => return Err(unexpected(other, self.account)),
            }
        }
        Ok((proof, left))
    }

    /// The new recovery codes, to be shown once.
    pub fn codes(&self) -> &[RecoveryCode] {
        match &self.way {
            Way::Direct(draft) => draft.codes(),
            Way::Helper(remote) => &remote.codes,
        }
    }

    /// Makes the change last. From here on there is no leaving before it is known what became of it.
    pub fn keep(self) -> Result<Kept, Failure> {
        let (site, account) = (self.site, self.account);
        match self.way {
            Way::Direct(draft) => draft
                .keep(
                    &site.store_for_enrolling()?,
                    &site.policy,
                    groups::belongs,
                    clock::now()?,
                )
                .map_err(|reason| helper::failed(reason, account)),
            Way::Helper(mut remote) => {
                remote.session.send(&Reply::Keep).map_err(helper::silent)?;
                // From here on it may have happened.
                let unknown = |reason: String| Err(Trouble::Unknown { reason }.into());
                match remote.session.receive() {
                    Ok(Turn::End(Answer::Kept { enrolled })) => Ok(Kept { enrolled }),
                    Ok(Turn::End(Answer::Unavailable(reason))) => unknown(reason),
                    Ok(Turn::End(answer)) => Err(helper::failure(answer, account)),
                    Ok(_) => unknown(NoAnswer::Unintelligible.to_string()),
                    Err(reason) => unknown(reason.to_string()),
                }
            }
        }
    }
}

impl Remote {
    /// What the helper says next; whoever leaves meanwhile need not wait for it.
    fn next(&mut self, terminal: &Terminal) -> Result<Turn, Failure> {
        terminal.wait_for(self.session.as_fd())?;
        let said = self.session.receive();
        known(said, terminal)
    }

    fn say(&mut self, reply: &Reply, terminal: &Terminal) -> Result<(), Failure> {
        let said = self.session.send(reply);
        known(said, terminal)
    }
}

/// Whoever was told to leave has left, whatever became of the helper meanwhile.
fn known<T>(said: Result<T, NoAnswer>, terminal: &Terminal) -> Result<T, Failure> {
    match said {
        Ok(said) => Ok(said),
        Err(reason) => {
            terminal.still_here()?;
            Err(helper::silent(reason))
        }
    }
}

/// Without what a terminal would take for orders.
fn harmless(text: &str) -> String {
    let shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().filter(shown).collect()
}

/// The end, sooner than hoped for, or something that has no place here.
fn unexpected(turn: Turn, account: &Account) -> Failure {
    match turn {
        Turn::End(answer) => helper::failure(answer, account),
        _ => helper::silent(NoAnswer::Unintelligible),
    }
}
