//! Stores imported accounts: each separately, whole and durable, several at a time.
//!
//! The time goes into waiting for the disk, about five times for each account. One account at a time would wait
//! alone; many wait together, since a journal takes all their writes in one go. Each account is the same transaction
//! as a single import. So after an interruption every account is either imported or not, and the same command
//! continues.

use super::audit;
use super::plan::{Coming, ComingDevice};
use super::progress::Progress;
use otp_core::record::{AuthenticatorState, RecoverySet};
use otp_core::{Credential, State, UnixTime};
use otp_store::account::{self, Foretold, Imported};
use otp_store::{Error, Keeper, mint};
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The number of accounts that are stored at once, for the disk; more brings little.
const AT_ONCE: usize = 32;

/// Returns that number if recovery codes are hashed: each hash takes 7 MiB and a processor.
fn hashing_at_once() -> usize {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    (2 * processors).min(AT_ONCE)
}

/// The result for one account.
pub struct Kept {
    /// Its number among the accounts to import.
    pub number: usize,
    pub outcome: Result<Imported, Error>,
}

/// Stores all accounts, and returns the result for each. It begins no further account once one could not be stored.
pub fn keep_all<K: Keeper + Sync>(
    keeper: &K,
    coming: Vec<Coming>,
    source: &'static str,
    now: UnixTime,
    progress: &Progress,
) -> Vec<Kept> {
    let hashes = coming.iter().any(|one| !one.scratch_codes.is_empty());
    let threads = if hashes { hashing_at_once() } else { AT_ONCE }.min(coming.len());
    let waiting = Mutex::new(coming.into_iter().enumerate());
    let kept = Mutex::new(Vec::new());
    let has_failed = AtomicBool::new(false);
    let work = || {
        while !has_failed.load(Ordering::Relaxed) {
            let next = waiting.lock().ok().and_then(|mut waiting| waiting.next());
            let Some((number, one)) = next else { break };
            let told = audit::Told::of(&one, source);
            let outcome = keep(keeper, one, now, source == super::WITH_CODES);
            if outcome.is_err() {
                has_failed.store(true, Ordering::Relaxed);
            }
            told.record(&outcome);
            progress.one_more();
            if let Ok(mut kept) = kept.lock() {
                kept.push(Kept { number, outcome });
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut kept = kept.into_inner().unwrap_or_default();
    kept.sort_by_key(|one| one.number);
    kept
}

fn keep(
    keeper: &impl Keeper,
    coming: Coming,
    now: UnixTime,
    tells_codes: bool,
) -> Result<Imported, Error> {
    let Coming {
        account,
        devices,
        scratch_codes,
        foretold,
        ..
    } = coming;
    let codes = if scratch_codes.is_empty() {
        None
    } else {
        // Codes that were imported before are only recognised as the same with the same salt.
        let salt = match foretold {
            Foretold::New => None,
            Foretold::Same | Foretold::Others => account::imported_salt(keeper, &account)?,
        };
        Some(mint::imported_codes(&scratch_codes, salt, now)?)
    };
    let (credential, states) = credential(&account, devices, codes);
    let mut state = State::fresh(&credential);
    state.authenticators = states;
    account::import(keeper, &account, &credential, &state, tells_codes)
}

fn credential(
    account: &otp_core::Account,
    devices: Vec<ComingDevice>,
    codes: Option<RecoverySet>,
) -> (Credential, Vec<AuthenticatorState>) {
    let (authenticators, states) = devices
        .into_iter()
        .map(|one| (one.authenticator, one.state))
        .unzip();
    let name = account.name.as_str().to_owned();
    let credential = Credential::new(name, account.uid, authenticators, codes)
        .expect("the plan has 1 to 4 authenticators with names of their own and at most 32 codes");
    (credential, states)
}
