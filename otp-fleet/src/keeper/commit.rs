//! One write and its result, even if etcd does not report it.
//!
//! A write that was sent and not answered may be done already, or be done later. It compares the revision of a guard,
//! so another write that compares the same revision settles it: the fence. If the fence is done, the first write
//! never can be. If the fence comes too late, the first change after that revision was either this write or another
//! one.

use super::guard::{Guard, Nonce};
use super::layout::{ACCOUNTS, FLEET};
use crate::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use crate::etcd::{
    Client, Compare, Failure, KeyValue, PutRequest, RangeRequest, RequestOp, TxnRequest,
    TxnResponse, WatchCreateRequest, after_prefix, event::EventType, request_op, response_op,
};
use otp_core::messages::fleet::Why;
use std::thread::sleep;
use std::time::Instant;

/// A write that counts only while no one else has written.
pub(super) struct Write {
    /// The key that every write of the account changes.
    pub guard: Vec<u8>,
    /// The revision that the guard had; never 0, so that it never comes again.
    pub revision: i64,
    /// The revision of the fleet's key.
    pub fleet: i64,
    /// Further conditions.
    pub also: Vec<Compare>,
    /// The steps of the write: all are done, or none.
    pub steps: Vec<RequestOp>,
    /// The sign by which this write can be recognised.
    pub sign: Sign,
    /// The guard that the fence writes, except its nonce; `None`: the existing guard cannot be kept, so there is no
    /// fence.
    pub before: Option<Guard>,
}

/// The sign by which a write is recognised.
pub(super) enum Sign {
    /// The nonce in the guard of that key.
    Nonce(Vec<u8>, Nonce),
    /// The absence of its guard: any other removal has done the same, unless the account was renamed.
    Gone,
}

/// The result of a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is done, in that revision.
    Done(i64),
    /// Nothing was written, and nothing will be.
    Overtaken,
}

/// Why a write was not done, or why its result is unknown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unwritten {
    /// Nothing was done.
    Failed(Failure),
    /// It may have been done, or may still be done.
    InDoubt(Failure),
}

impl Write {
    /// Writes, and finds out the result.
    pub(super) fn commit(self, client: &Client, until: Instant) -> Result<Outcome, Unwritten> {
        let request = TxnRequest {
            compare: self.compares(),
            success: self.steps.clone(),
            failure: vec![get(self.told_by().to_vec(), 0)],
        };
        match client.once(request, until) {
            Ok(answer) if answer.succeeded => Ok(Outcome::Done(revision(&answer))),
            // This is not simply overtaken: a layer in between may have sent the request twice.
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

    /// Returns the key that shows whether it was this write.
    fn told_by(&self) -> &[u8] {
        match &self.sign {
            Sign::Nonce(key, _) => key,
            Sign::Gone => &self.guard,
        }
    }

    /// Returns the revision of this write, if the value that was found is its own.
    fn is_it(&self, found: Option<&KeyValue>) -> Option<i64> {
        match (&self.sign, found) {
            (Sign::Nonce(_, nonce), Some(found)) => {
                let guard = Guard::read(&found.value).ok()?;
                (guard.nonce == *nonce).then_some(found.mod_revision)
            }
            // That the guard is gone does not show whether this write removed it: see `history`.
            (Sign::Nonce(..), None) | (Sign::Gone, _) => None,
        }
    }

    /// Ensures that the write is done, or never will be.
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
        // It compares only the guard: other conditions may become true again.
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
                // A full database stays full for longer than any request waits; the write itself may be done.
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

    /// Checks whether the write is done, once it can no longer be in progress.
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

    /// Checks whether the first change of the guard after the held revision is this write.
    fn history(&self, client: &Client, until: Instant) -> Result<Outcome, Unwritten> {
        let first = WatchCreateRequest {
            key: self.guard.clone(),
            start_revision: self.revision + 1,
            ..WatchCreateRequest::default()
        };
        let first = client.again(&first, until).map_err(Unwritten::InDoubt)?;
        let first = first.events.first().and_then(|event| event.kv.as_ref());
        let Some(revision) = first.map(|first| first.mod_revision) else {
            return Err(Unwritten::InDoubt(compacted()));
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

/// Says that etcd no longer has the history that would show the result.
fn compacted() -> Failure {
    Failure::Unanswered(Why::Compacted.into())
}

/// Whether the account was renamed in that revision: then a guard was written with it.
fn is_moved(client: &Client, revision: i64, until: Instant) -> Result<bool, Unwritten> {
    let all = WatchCreateRequest {
        key: ACCOUNTS.into(),
        range_end: after_prefix(ACCOUNTS.as_bytes()),
        start_revision: revision,
        ..WatchCreateRequest::default()
    };
    let all = client.again(&all, until).map_err(Unwritten::InDoubt)?;
    if all.events.is_empty() {
        return Err(Unwritten::InDoubt(compacted()));
    }
    Ok(all.events.iter().any(|event| {
        let is_put = event.r#type == i32::from(EventType::Put);
        let kv = event.kv.as_ref();
        is_put && kv.is_some_and(|kv| kv.mod_revision == revision && kv.key.ends_with(b"/"))
    }))
}

/// Returns the condition that a key was last written in that revision; 0: that it does not exist.
pub(super) fn unchanged(key: Vec<u8>, revision: i64) -> Compare {
    Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Mod.into(),
        key,
        target_union: Some(TargetUnion::ModRevision(revision)),
        range_end: Vec::new(),
    }
}

/// Returns the step that writes a value.
pub(super) fn put(key: Vec<u8>, value: Vec<u8>) -> RequestOp {
    RequestOp {
        request: Some(request_op::Request::RequestPut(PutRequest {
            key,
            value,
            ..PutRequest::default()
        })),
    }
}

/// Returns the step that reads a key, as it is or as it was.
pub(super) fn get(key: Vec<u8>, revision: i64) -> RequestOp {
    read(RangeRequest {
        key,
        revision,
        ..RangeRequest::default()
    })
}

/// Returns the step that reads.
pub(super) fn read(request: RangeRequest) -> RequestOp {
    RequestOp {
        request: Some(request_op::Request::RequestRange(request)),
    }
}

/// Returns the result of an answer's last step.
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
