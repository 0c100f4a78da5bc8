//! One connection about one matter, in a process of its own.

use super::life::{LONGEST_CONVERSATION, LONGEST_QUESTION, Life, harden, take_connection};
use super::line::{Line, Silent};
use super::owner::Changed;
use super::permission::{Asker, allowed, verb};
use super::slots::{Slot, Whose};
use super::standing::{Bearer, Judge, may_change};
use super::{Site, Trouble, events, log, owner, pam, slots};
use crate::wire::{Ended, Kind, Matter, NotIn, Said, Standing, Token};
use otp_core::Account;
use otp_core::record::Language;
use otp_helper::protocol::{Answer, Claim, Request};
use otp_store::change::Change;
use std::net::IpAddr;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Serves the connection on standard input. The peer was checked.
#[must_use]
pub fn converse(site: &Site) -> ExitCode {
    let begun = harden()
        .and_then(|()| take_connection())
        .and_then(Line::of)
        .and_then(|line| Ok((line, Life::begin()?)));
    let (mut line, mut time) = match begun {
        Ok(both) => both,
        Err(error) => {
            log::unavailable(None, &Trouble::new("a conversation cannot begin", &error));
            return ExitCode::FAILURE;
        }
    };
    match serve(site, &mut line, &mut time) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Silent::Senseless) => {
            log::denied(None, None, "the portal says what has no place there");
            ExitCode::FAILURE
        }
        Err(Silent::Gone | Silent::TooLong) => ExitCode::FAILURE,
    }
}

fn serve(site: &Site, line: &mut Line, time: &mut Life) -> Result<(), Silent> {
    let judge = Judge::new(site);
    let mut matter = heard(line)?;
    loop {
        let kind = matter.kind();
        let last = match &judge {
            Ok(judge) => last_word(site, judge, matter, line, time)?,
            Err(trouble) => cannot(kind, trouble),
        };
        line.say(&last).ok_or(Silent::Gone)?;
        if kind != Kind::Standing || judge.is_err() {
            return Ok(());
        }
        // If this fails, the earlier limit holds.
        time.lasts(LONGEST_QUESTION).ok();
        matter = match heard(line) {
            Ok(matter) if matter.kind() == kind => matter,
            Ok(_) => return Err(Silent::Senseless),
            Err(Silent::Gone | Silent::TooLong) => return Ok(()),
            Err(silent) => return Err(silent),
        };
    }
}

fn heard(line: &mut Line) -> Result<Matter, Silent> {
    Matter::from_fields(&line.hear()?).ok_or(Silent::Senseless)
}

/// Returns the answer if nothing can be found out: no one is let in.
fn cannot(kind: Kind, trouble: &Trouble) -> Said {
    log::unavailable(None, trouble);
    match kind {
        Kind::Begin => Said::No(NotIn::Unavailable),
        _ => Said::Answer(Answer::Unavailable(trouble.to_string().into())),
    }
}

fn last_word(
    site: &Site,
    judge: &Judge<'_>,
    matter: Matter,
    line: &mut Line,
    time: &mut Life,
) -> Result<Said, Silent> {
    let kind = matter.kind();
    // Check the table for every matter, even where the types allow nothing else.
    if !allowed(kind, Asker::ForTheUser) && !allowed(kind, Asker::Portal) {
        return Ok(Said::Answer(Answer::Denied));
    }
    match matter {
        Matter::Begin {
            name,
            address,
            language,
        } => begin(site, judge, line, time, (&name, address, language)),
        Matter::Standing { tokens } => Ok(Said::Standings(
            tokens.iter().map(|token| standing(judge, token)).collect(),
        )),
        Matter::Status { token } => for_the_user(judge, kind, &token, |bearer| {
            let user = name_of(bearer);
            let said = by_helper(site, bearer, &Request::Status { user });
            Ok(match said {
                Said::Answer(Answer::Status(None)) => match judge.wanted(bearer) {
                    Ok(wanted) => Said::Unenrolled(wanted),
                    Err(trouble) => unavailable(&bearer.account, &trouble),
                },
                said => said,
            })
        }),
        Matter::Try { token, reply } => for_the_user(judge, kind, &token, |bearer| {
            Ok(by_helper(site, bearer, &trial(bearer, &reply)))
        }),
        Matter::Events { token } => for_the_user(judge, kind, &token, |bearer| {
            let told = match events::of(site, bearer.account.name.as_str()) {
                Ok(told) => told,
                Err(trouble) => return Ok(unavailable(&bearer.account, &trouble)),
            };
            for event in told {
                line.say(&Said::Event(event)).ok_or(Silent::Gone)?;
            }
            Ok(Said::Answer(Answer::Done))
        }),
        Matter::Change {
            token,
            change,
            language,
        } => for_the_user(judge, kind, &token, |bearer| {
            let has_ended = || Ok(judge.bearer(&token)?.err());
            changes(
                site,
                judge,
                line,
                time,
                bearer,
                (change, language),
                has_ended,
            )
        }),
        Matter::LeaveEverywhere { token } => for_the_user(judge, kind, &token, |bearer| {
            Ok(match judge.leave(&bearer.account) {
                Ok(()) => Said::Answer(Answer::Done),
                Err(trouble) => unavailable(&bearer.account, &trouble),
            })
        }),
    }
}

fn standing(judge: &Judge<'_>, token: &Token) -> Standing {
    judge.standing(token).unwrap_or_else(|trouble| {
        log::unavailable(None, &trouble);
        Standing::Unknown
    })
}

/// Does what the portal may ask only with a token of the user.
fn for_the_user(
    judge: &Judge<'_>,
    kind: Kind,
    token: &Token,
    work: impl FnOnce(&Bearer) -> Result<Said, Silent>,
) -> Result<Said, Silent> {
    match judge.bearer(token) {
        Ok(Ok(bearer)) if allowed(kind, Asker::ForTheUser) => work(&bearer),
        Ok(Ok(_)) => Ok(Said::Answer(Answer::Denied)),
        Ok(Err(why)) => {
            if why == Ended::NotOurs {
                log::denied(Some(kind), None, "a token that this machine has not signed");
            }
            Ok(Said::Ended(why))
        }
        Err(trouble) => Ok(cannot(kind, &trouble)),
    }
}

fn name_of(bearer: &Bearer) -> String {
    bearer.account.name.as_str().to_owned()
}

fn unavailable(account: &Account, trouble: &Trouble) -> Said {
    log::unavailable(Some(account.name.as_str()), trouble);
    Said::Answer(Answer::Unavailable(trouble.to_string().into()))
}

fn by_helper(site: &Site, bearer: &Bearer, request: &Request) -> Said {
    match owner::ask(site, bearer.account.uid, request) {
        Ok(answer) => Said::Answer(answer),
        Err(trouble) => unavailable(&bearer.account, &trouble),
    }
}

/// Makes an attempt like that of a login: a wrong code counts, and can lock.
fn trial(bearer: &Bearer, reply: &[u8]) -> Request {
    Request::Check {
        user: name_of(bearer),
        excused: false,
        reply: Zeroizing::new(reply.to_vec()),
        no_guess: None,
        remembered: None,
        claim: Some(Claim {
            service: super::SERVICE.to_string_lossy().into_owned(),
            ..Claim::default()
        }),
    }
}

fn begin(
    site: &Site,
    judge: &Judge<'_>,
    line: &mut Line,
    time: &mut Life,
    (name, address, language): (&str, IpAddr, Language),
) -> Result<Said, Silent> {
    let slot = match slot(judge, Whose::LoginFrom(address)) {
        Ok(Some(slot)) => slot,
        Ok(None) => return Ok(Said::Full),
        Err(trouble) => return Ok(Said::No(log::not_in(name, &trouble))),
    };
    if !waits_for_a_person(line, time) {
        return Ok(Said::No(NotIn::Unavailable));
    }
    let said = pam::log_in(site, judge, line, name, address, language);
    drop(slot);
    said
}

fn changes(
    site: &Site,
    judge: &Judge<'_>,
    line: &mut Line,
    time: &mut Life,
    bearer: &Bearer,
    (change, language): (Change, Language),
    has_ended: impl Fn() -> Result<Option<Ended>, Trouble>,
) -> Result<Said, Silent> {
    let account = &bearer.account;
    if !super::permission::verbs(Kind::Change).contains(&verb(&change)) {
        return Ok(Said::Answer(Answer::Denied));
    }
    match may_change(&bearer.claims) {
        Ok(true) => {}
        // The user may do so after a new login.
        Ok(false) => return Ok(Said::Ended(Ended::LoginTooOld)),
        Err(trouble) => return Ok(unavailable(account, &trouble)),
    }
    let slot = match slot(judge, Whose::ChangeOf(account.uid)) {
        Ok(Some(slot)) => slot,
        Ok(None) => return Ok(Said::Full),
        Err(trouble) => return Ok(unavailable(account, &trouble)),
    };
    if !waits_for_a_person(line, time) {
        let trouble = Trouble::new("a conversation", &"its time cannot be counted");
        return Ok(unavailable(account, &trouble));
    }
    let user = name_of(bearer);
    let request = Request::Change { user, change };
    let said = match owner::change(site, account.uid, (&request, language), line, has_ended) {
        Ok(Ok(Changed::Kept { enrolled })) => match judge.token_after(bearer) {
            Ok(token) => Said::Changed { enrolled, token },
            // The change is saved, but the user must log in again.
            Err(trouble) => {
                log::unavailable(Some(account.name.as_str()), &trouble);
                Said::Answer(Answer::Kept { enrolled })
            }
        },
        Ok(Ok(Changed::Not(answer))) => Said::Answer(answer),
        Ok(Ok(Changed::Ended(why))) => Said::Ended(why),
        Ok(Err(Silent::TooLong)) => {
            let reason = "nobody has answered for so long that nothing was changed";
            Said::Answer(Answer::Unavailable(reason.to_owned().into()))
        }
        Ok(Err(silent)) => return Err(silent),
        Err(trouble) => unavailable(account, &trouble),
    };
    drop(slot);
    Ok(said)
}

fn slot(judge: &Judge<'_>, whose: Whose) -> Result<Option<Slot>, Trouble> {
    slots::take(judge.kept().slots()?, whose)
}

fn waits_for_a_person(line: &Line, time: &mut Life) -> bool {
    time.lasts(LONGEST_CONVERSATION).is_ok() && line.wait_for_a_person().is_ok()
}
