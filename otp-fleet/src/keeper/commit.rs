//! One write, and what became of it, also where etcd does not say.
//!
//! A write that was sent and not answered may be done by now, or be done later. It compares the revision of a guard, so
//! another write that compares the same decides about it: the fence. Where the fence is done, the write never can be. Where
//! the fence comes too late, the first change after that revision was the write, or was somebody else's.

use super::guard::{Guard, Nonce};
use super::layout::{ACCOUNTS, FLEET};
use crate::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use crate::etcd::{
    Client, Compare, Failure, KeyValue, PutRequest, RangeRequest, RequestOp, TxnRequest,
    TxnResponse, WatchCreateRequest, after_prefix, event::EventType, request_op, response_op,
};
use std::thread::sleep;
use std::time::Instant;

/// A write that counts only as long as nobody else has written.
pub(super) struct Write {
    /// The key that every write of the account changes.
    pub guard: Vec<u8>,
    /// The revision that it had; never 0, so that it never comes again.
    pub revision: i64,
    /// The revision of the fleet's key.
    pub fleet: i64,
    /// What else must hold.
    pub also: Vec<Compare>,
    /// What is done, all of it or nothing.
    pub steps: Vec<RequestOp>,
    /// How it is known again.
    pub sign: Sign,
    /// What the fence leaves as the guard, but for its nonce; `None`: what is there cannot be kept, so nothing is fenced.
    pub before: Option<Guard>,
}

/// By what a write is known again.
pub(super) enum Sign {
    /// By the nonce in the guard of that key.
    Nonce(Vec<u8>, Nonce),
    /// By its guard being gone: whoever removed it has done the same, unless it was given another name.
    Gone,
}

/// What became of a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is done, in that revision.
    Done(i64),
    /// Nothing was written, and nothing of it will be.
    Overtaken,
}

/// Why nobody knows, or that nothing was done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unwritten {
    /// Nothing was done.
    Failed(Failure),
    /// It may have been done, or come to be.
    InDoubt(Failure),
}

impl Write {
    /// Writes, and finds out what became of it.
    pub(super) fn commit(self, client: &Client, until: Instant) -> Result<Outcome, Unwritten> {
        let request = TxnRequest {
            compare: self.compares(),
            success: self.steps.clone(),
            failure: vec![get(self.told_by().to_vec(), 0)],
        };
        match client.once(request, until) {
            Ok(answer) if answer.succeeded => Ok(Outcome::Done(revision(&answer))),
            // Not simply overtaken: something between may have sent it twice.
            Ok(answer) => match (self.is_it(found(&answer)), found(&answer)) {
                (Some(revision), _) => Ok(Outcome::Done(revision)),
                (None, None) if matches!(self.sign, Sign::Gone) => self.history(client, until),
                (None, _) => Ok(Outcome::Overtaken),
            },
            Err(failure @ (Failure::Unreachable(_) | Failure::Refused(..))) => {
                Err(Unwritten::Failed(failure))
            }
            Err(failure @ Failure::Settled(_)) => self.look(client, failure, until),
            Err(failure @ Failure::Unanswered(_)) => self.fence(client, failure, until),
        }
    }

    fn compares(&self) -> Vec<Compare> {
        let mut compares = vec![
            unchanged(self.guard.clone(), self.revision),
            unchanged(FLEET.into(), self.fleet),
        ];
        compares.extend(self.also.iter().cloned());
        compares
    }

    /// The key that tells whether it was this write.
    fn told_by(&self) -> &[u8] {
        match &self.sign {
            Sign::Nonce(key, _) => key,
            Sign::Gone => &self.guard,
        }
    }

    /// The revision of this write, where that is what it left.
    fn is_it(&self, found: Option<&KeyValue>) -> Option<i64> {
        match (&self.sign, found) {
            (Sign::Nonce(_, nonce), Some(found)) => {
                let guard = Guard::read(&found.value).ok()?;
                (guard.nonce == *nonce).then_some(found.mod_revision)
            }
            // That it is gone does not tell whether it was removed: see `history`.
            (Sign::Nonce(..), None) | (Sign::Gone, _) => None,
        }
    }

    /// Makes sure that the write is done, or never will be.
    fn fence(
        &self,
        client: &Client,
        mut why: Failure,
        until: Instant,
    ) -> Result<Outcome, Unwritten> {
        let Some(before) = &self.before else {
            return Err(Unwritten::InDoubt(why));
        };
        let Ok(nonce) = Nonce::fresh() else {
            return Err(Unwritten::InDoubt(why));
        };
        let guard = Guard {
            nonce,
            ..before.clone()
        };
        // It compares the guard alone: what else is compared may come to be as it was.
        let request = TxnRequest {
            compare: vec![unchanged(self.guard.clone(), self.revision)],
            success: vec![put(self.guard.clone(), guard.text().into_bytes())],
            failure: vec![get(self.guard.clone(), 0), get(self.told_by().to_vec(), 0)],
        };
        while Instant::now() < until {
            match client.once(request.clone(), until) {
                Ok(answer) if answer.succeeded => return Ok(Outcome::Overtaken),
                Ok(answer) => {
                    if let Some(revision) = self.is_it(found(&answer)) {
                        return Ok(Outcome::Done(revision));
                    }
                    let fence = answer.responses.first().and_then(kept);
                    let is_fenced = fence.and_then(|kept| Guard::read(&kept.value).ok());
                    if is_fenced.is_some_and(|guard| guard.nonce == nonce) {
                        return Ok(Outcome::Overtaken);
                    }
                    return self.history(client, until);
                }
                Err(failure @ Failure::Refused(..)) => return Err(Unwritten::InDoubt(failure)),
                // What is full stays full for longer than anybody waits; the write itself may be there.
                Err(failure @ Failure::Settled(_)) => {
                    return self
                        .look(client, failure, until)
                        .map_err(|_| Unwritten::InDoubt(why));
                }
                Err(failure) => why = failure,
            }
            let left = until.saturating_duration_since(Instant::now());
            sleep(client.pause().min(left));
        }
        Err(Unwritten::InDoubt(why))
    }

    /// Looks whether the write is done, where it is not under way any more.
    fn look(&self, client: &Client, why: Failure, until: Instant) -> Result<Outcome, Unwritten> {
        let request = TxnRequest {
            compare: vec![unchanged(self.guard.clone(), self.revision)],
            success: Vec::new(),
            failure: vec![get(self.told_by().to_vec(), 0)],
        };
        match client.again(&request, until) {
            Ok(answer) if answer.succeeded => Err(Unwritten::Failed(why)),
            Ok(answer) => match self.is_it(found(&answer)) {
                Some(revision) => Ok(Outcome::Done(revision)),
                None => self.history(client, until),
            },
            Err(failure) => Err(Unwritten::InDoubt(failure)),
        }
    }

    /// Looks up whether the first change of the guard after the revision that was held is this write.
    fn history(&self, client: &Client, until: Instant) -> Result<Outcome, Unwritten> {
        let first = WatchCreateRequest {
            key: self.guard.clone(),
            start_revision: self.revision + 1,
            ..WatchCreateRequest::default()
        };
        let first = client.again(&first, until).map_err(Unwritten::InDoubt)?;
        let first = first.events.first().and_then(|event| event.kv.as_ref());
        let Some(revision) = first.map(|first| first.mod_revision) else {
            let words = "the history of the account is compacted already";
            return Err(Unwritten::InDoubt(Failure::Unanswered(words.to_owned())));
        };
        let then = RangeRequest {
            key: self.told_by().to_vec(),
            revision,
            ..RangeRequest::default()
        };
        let then = client.again(&then, until).map_err(Unwritten::InDoubt)?;
        let is_it = match (&self.sign, then.kvs.first()) {
            (Sign::Gone, None) => !is_moved(client, revision, until)?,
            (_, found) => self.is_it(found).is_some(),
        };
        Ok(if is_it {
            Outcome::Done(revision)
        } else {
            Outcome::Overtaken
        })
    }
}

/// Whether what stood behind the guard got another name in that revision: then a guard was written with it.
fn is_moved(client: &Client, revision: i64, until: Instant) -> Result<bool, Unwritten> {
    let all = WatchCreateRequest {
        key: ACCOUNTS.into(),
        range_end: after_prefix(ACCOUNTS.as_bytes()),
        start_revision: revision,
        ..WatchCreateRequest::default()
    };
    let all = client.again(&all, until).map_err(Unwritten::InDoubt)?;
    if all.events.is_empty() {
        let words = "the history of the account is compacted already";
        return Err(Unwritten::InDoubt(Failure::Unanswered(words.to_owned())));
    }
    Ok(all.events.iter().any(|event| {
        let is_put = event.r#type == i32::from(EventType::Put);
        let kv = event.kv.as_ref();
        is_put && kv.is_some_and(|kv| kv.mod_revision == revision && kv.key.ends_with(b"/"))
    }))
}

/// The condition that a key was last written in that revision; 0: that it is not there.
pub(super) fn unchanged(key: Vec<u8>, revision: i64) -> Compare {
    Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Mod.into(),
        key,
        target_union: Some(TargetUnion::ModRevision(revision)),
        range_end: Vec::new(),
    }
}

/// The step that puts a value.
pub(super) fn put(key: Vec<u8>, value: Vec<u8>) -> RequestOp {
    RequestOp {
        request: Some(request_op::Request::RequestPut(PutRequest {
            key,
            value,
            ..PutRequest::default()
        })),
    }
}

/// The step that reads a key, as it is or as it was.
pub(super) fn get(key: Vec<u8>, revision: i64) -> RequestOp {
    read(RangeRequest {
        key,
        revision,
        ..RangeRequest::default()
    })
}

/// The step that reads.
pub(super) fn read(request: RangeRequest) -> RequestOp {
    RequestOp {
        request: Some(request_op::Request::RequestRange(request)),
    }
}

/// What the last step of an answer found.
fn found(answer: &TxnResponse) -> Option<&KeyValue> {
    answer.responses.last().and_then(kept)
}

fn kept(step: &crate::etcd::ResponseOp) -> Option<&KeyValue> {
    match &step.response {
        Some(response_op::Response::ResponseRange(range)) => range.kvs.first(),
        _ => None,
    }
}

pub(super) fn revision(answer: &TxnResponse) -> i64 {
    answer.header.as_ref().map_or(0, |header| header.revision)
}
