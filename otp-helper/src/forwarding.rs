//! Users of a fleet: once this helper's own table has allowed the request, a verifier answers it, asked by
//! `otp-fleet`.
//!
//! That program runs with this helper's group, so that it can read the machine's key, which no user can. The helper
//! keeps: the table, the PAM service by which users prove who they are, and this machine's log entries.

use crate::caller::Caller;
use crate::dialogue::prove_identity;
use crate::harmless::Life;
use crate::wire::Wire;
use nix::unistd::{getegid, getgid};
use otp_core::messages::hindrance::Hindrance;
use otp_core::record::{Name, Standing};
use otp_core::{Account, Policy};
use otp_helper::client::{DEFAULT_HELPER, FLEET_PROGRAM, NoAnswer, Session};
use otp_helper::permission::May;
use otp_helper::protocol::{Answer, Request, Verb};
use otp_helper::records::Records;
use otp_helper::serving::{Attempt, Change as Record, End, Line, Scribe, Stop};
use otp_helper::session::{Reply, Turn};
use otp_site::policy::DEFAULT_FILE;
use otp_site::{clock, policy};
use otp_store::change::{Change, Proof, Refused};
use otp_store::{Overview, Undisturbed};
use std::path::{Path, PathBuf};

/// The connection to the verifiers, for the requests of one login.
pub(crate) struct Fleet {
    program: PathBuf,
    paths: Vec<PathBuf>,
    records: Records,
}

/// The state with which a request is answered.
pub(crate) struct Asked<'a> {
    pub caller: &'a Caller,
    pub policy: &'a Policy,
    pub scribe: &'a Scribe,
    pub attempt: Option<&'a Attempt<'a>>,
    pub line: &'a mut Wire,
    pub time: &'a mut Life,
}

impl Fleet {
    /// Prepares the connection; no program is started before the first question.
    pub(crate) fn of(caller: &Caller) -> Self {
        let program = beside(FLEET_PROGRAM);
        let is_moved = caller.conf != Path::new(DEFAULT_FILE);
        let paths: Vec<_> = is_moved.then(|| caller.conf.clone()).into_iter().collect();
        Self {
            records: Records::by_fleet(program.clone(), paths.clone()),
            program,
            paths,
        }
    }

    /// Lets a verifier answer.
    pub(crate) fn answer(
        &self,
        request: Request,
        account: &Account,
        asked: &mut Asked<'_>,
    ) -> Result<Answer, Stop> {
        match request {
            Request::Change { change, .. } => match self.change(account, change, asked) {
                Ok(answer) | Err(End::Refused(answer)) => Ok(answer),
                Err(End::Stop(stop)) => Err(stop),
            },
            request => Ok(self.pass_on(&request, asked)),
        }
    }

    fn pass_on(&self, request: &Request, asked: &mut Asked<'_>) -> Answer {
        if asked.time.extend_for_the_records().is_err() {
            return Answer::Unavailable(Hindrance::NoTimer.into());
        }
        if let Some(attempt) = asked.attempt {
            attempt.begins();
        }
        // No signal can come between an attempt and its log entry.
        let Ok(undisturbed) = asked.attempt.map(|_| Undisturbed::begin()).transpose() else {
            return Answer::Unavailable(Hindrance::NoTimer.into());
        };
        let answer = self.ask(request);
        match (&answer, asked.attempt) {
            (Answer::Verdict(verdict), Some(attempt)) => {
                attempt.came_to(verdict, asked.policy, clock::now().ok(), true);
            }
            (Answer::TrustedSince(Some(since)), Some(attempt)) => attempt.is_trusted_since(*since),
            // The caller of this function logs an attempt that was not answered.
            (_, _) => {}
        }
        drop(undisturbed);
        // If this fails, the longer limit holds.
        asked.time.shorten_for_the_caller().ok();
        answer
    }

    fn ask(&self, request: &Request) -> Answer {
        self.records
            .pass_on(request)
            .unwrap_or_else(|lost| Answer::Unavailable((&lost).into()))
    }

    /// Makes a change: it tells what the change removes, the person proves to this machine who they are, and a
    /// verifier leads the rest.
    fn change(
        &self,
        account: &Account,
        change: Change,
        asked: &mut Asked<'_>,
    ) -> Result<Answer, End> {
        if matches!(change, Change::Enrol(_) | Change::Add(_)) {
            policy::load_to_enrol(&asked.caller.conf)?;
        }
        if asked.time.extend_for_the_records().is_err() {
            return Err(End::unavailable(Hindrance::NoTimer));
        }
        let user = account.name.as_str().to_owned();
        let overview = match self.ask(&Request::Status { user: user.clone() }) {
            Answer::Status(overview) => overview,
            answer => return Err(End::Refused(answer)),
        };
        let verb = match (&overview, &change) {
            (None, Change::Remove(_) | Change::RecoveryCodes) => {
                return Err(Refused::NotEnrolled.into());
            }
            (None, Change::Enrol(_) | Change::Add(_)) => Verb::Enrol,
            (Some(_), change) => Verb::of(change),
        };
        let may = asked.caller.may(verb, Some(account), asked.policy)?;
        if may == May::No {
            return Err(End::Refused(Answer::Denied));
        }
        let goes = match &overview {
            Some(overview) => goes(overview, &change, asked.policy)?,
            None => Vec::new(),
        };
        let imported = |overview: &Overview| overview.recovery_codes_imported;
        let imported_codes_go = overview.as_ref().is_some_and(imported);
        if asked.time.extend_for_a_dialogue().is_err() {
            return Err(End::unavailable(Hindrance::NoTimer));
        }
        let begun = Turn::Begun {
            goes: goes.clone(),
            authenticates: may == May::Authenticated,
            imported_codes_go,
        };
        asked.line.say(&begun.to_fields()).ok_or(Stop::Gone)?;
        if may == May::Authenticated {
            prove_identity(asked.line, account, verb, asked.scribe)?;
        }
        let request = Request::Change { user, change };
        let mut session = Session::begin_with(&self.program, &self.paths, &request)
            .map_err(|reason| unanswered(&reason))?;
        match session.receive().map_err(|reason| unanswered(&reason))? {
            // If there was nothing to replace, no identity was proven.
            Turn::Begun { goes, .. } if overview.is_none() && !goes.is_empty() => {
                return Err(Refused::ChangedMeanwhile.into());
            }
            Turn::Begun { .. } => {}
            Turn::End(answer) => return Ok(answer),
            _ => return Err(unanswered(&NoAnswer::Unintelligible)),
        }
        let led = Led {
            scribe: asked.scribe,
            verb,
            user: account.name.as_str(),
            what: goes.into_iter().next(),
        };
        led.pass_on(&mut session, asked.line)
    }
}

fn unanswered(reason: &NoAnswer) -> End {
    End::unavailable(reason.wording_of(FLEET_PROGRAM))
}

/// Returns the authenticators that the change removes, as the verifier will compute them too.
fn goes(overview: &Overview, change: &Change, policy: &Policy) -> Result<Vec<Name>, Refused> {
    match overview.standing {
        Standing::Open => {}
        Standing::Locked { .. } | Standing::Held => {
            return Err(Refused::Locked {
                opens: policy.recovery.opens_lock && !overview.recovery_codes_imported,
            });
        }
        Standing::Disabled => return Err(Refused::Disabled),
    }
    let names = || overview.authenticators.iter().map(|one| one.name.clone());
    Ok(match change {
        Change::Enrol(_) => names().collect(),
        Change::Add(_) if policy.enroll.max_authenticators == 1 => names().collect(),
        Change::Add(name) if names().any(|one| one == *name) => {
            return Err(Refused::NameTaken(name.clone()));
        }
        Change::Add(_) | Change::RecoveryCodes => Vec::new(),
        Change::Remove(Some(name)) if names().any(|one| one == *name) => vec![name.clone()],
        Change::Remove(Some(name)) => return Err(Refused::NoSuchName(name.clone())),
        Change::Remove(None) => match names().collect::<Vec<_>>() {
            all if all.len() == 1 => all,
            all => return Err(Refused::WhichOne(all)),
        },
    })
}

/// A change that a verifier leads, for this machine's log entries about it.
struct Led<'a> {
    scribe: &'a Scribe,
    verb: Verb,
    user: &'a str,
    /// The new device, or else the first one that the change removes.
    what: Option<Name>,
}

impl Led<'_> {
    /// Passes on the verifier's turns.
    fn pass_on(mut self, session: &mut Session, line: &mut Wire) -> Result<Answer, End> {
        loop {
            let turn = session.receive().map_err(|reason| unanswered(&reason))?;
            let reply = match &turn {
                Turn::Offer(device) => {
                    self.what = Some(device.name.clone());
                    line.exchange(&turn.to_fields())?
                }
                Turn::Checked { proof, left } if *proof != Proof::Right && *left > 0 => {
                    line.exchange(&turn.to_fields())?
                }
                Turn::Checked { .. } => {
                    line.say(&turn.to_fields()).ok_or(Stop::Gone)?;
                    continue;
                }
                Turn::Codes(_) => match line.exchange(&turn.to_fields())? {
                    Reply::Keep => return self.keep(session),
                    Reply::Text(_) | Reply::Code(_) => return Err(Stop::Senseless.into()),
                },
                Turn::End(_) => return end(turn),
                // A verifier runs no PAM stack, and it has already begun.
                Turn::Begun { .. } | Turn::Ask { .. } | Turn::Tell { .. } => {
                    return Err(unanswered(&NoAnswer::Unintelligible));
                }
            };
            match reply {
                Reply::Code(_) => session.send(&reply).map_err(|reason| unanswered(&reason))?,
                Reply::Text(_) | Reply::Keep => return Err(Stop::Senseless.into()),
            }
        }
    }

    /// Logs one line before the change and one after it. If the helper is killed in between, the first line remains.
    fn keep(&self, session: &mut Session) -> Result<Answer, End> {
        let record = Record {
            scribe: self.scribe,
            verb: self.verb.word(),
            user: self.user,
            authenticator: self.what.as_ref(),
            id: otp_log::new_id(),
        };
        record.begins();
        let _undisturbed =
            Undisturbed::begin().map_err(|_| End::unavailable(Hindrance::NoTimer))?;
        session
            .send(&Reply::Keep)
            .map_err(|reason| unanswered(&reason))?;
        // From here on the change may have happened; if the answer is missing, the client says so.
        let turn = session.receive().map_err(|reason| unanswered(&reason))?;
        if matches!(turn, Turn::End(Answer::Kept { .. })) {
            record.is_made();
        }
        end(turn)
    }
}

fn end(turn: Turn) -> Result<Answer, End> {
    match turn {
        Turn::End(answer) => Ok(answer),
        _ => Err(unanswered(&NoAnswer::Unintelligible)),
    }
}

/// Returns the path of a program of ours. With the group of the records, this is the installed program, whatever name
/// this process was started by.
pub(crate) fn beside(program: &str) -> PathBuf {
    let installed = Path::new(DEFAULT_HELPER).with_file_name(program);
    if getegid() != getgid() {
        return installed;
    }
    let own = std::env::current_exe().map(|own| own.with_file_name(program));
    own.unwrap_or(installed)
}
