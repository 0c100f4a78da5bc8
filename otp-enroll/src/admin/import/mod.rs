//! `otp-admin import`: users of another program continue with the keys that they have.
//!
//! The whole plan is read and decided before anything is stored: which keys are imported, which are not, and why. If
//! any part of a file is bad, nothing is imported, unless `--partial` is given. The old files stay unchanged. The
//! same command may be run again: on the day of the move, when users have used more codes, or after an interruption.

mod audit;
mod gathering;
mod keeping;
mod people;
mod places;
mod plan;
mod progress;
mod reading;
mod told;

use crate::admin::sent;
use crate::cli::{ImportCommand, ImportOptions};
use crate::engine::Engine;
use crate::failure::Failure;
use crate::site::Site;
use gathering::Gathered;
use otp_core::messages::fleet::Unable;
use otp_core::messages::import::Obstacle;
use otp_core::messages::trouble::Trouble;
use otp_site::clock;
use otp_store::Keeper;
use otp_store::account::Imported;
use plan::{Left, Plan};
use progress::Progress;
use told::{Report, State};

pub(super) use reading::read_of_root;

/// The only program whose files hold the unused recovery codes; other files say nothing about them.
const WITH_CODES: &str = "google-authenticator";

/// Imports the keys that the command names.
pub fn import(site: &Site<impl Engine>, command: ImportCommand) -> Result<(), Failure> {
    // Such files are read with the rights of their users, on the machine that they are on.
    if sent::is_in_force() && matches!(command, ImportCommand::GoogleAuthenticator { .. }) {
        return Err(Unable::OfUsersFiles.into());
    }
    let (source, options) = match &command {
        ImportCommand::GoogleAuthenticator { options, .. } => (WITH_CODES, options),
        ImportCommand::Oath { options, .. } => ("oath", options),
        ImportCommand::Uris { options, .. } => ("uris", options),
        ImportCommand::Pskc { options, .. } => ("pskc", options),
    };
    let &ImportOptions {
        dry_run,
        partial,
        json,
    } = options;
    let now = clock::now()?;
    let Gathered {
        files,
        found,
        people,
    } = gathering::gather(command, now)?;
    let there = site.keeper_if_there()?;
    let mut plan = plan::plan(found, &people, &site.policy, there.as_ref(), now)?;
    let refuses = !plan.left.is_empty() && !partial;
    if dry_run || refuses {
        let state = if dry_run {
            State::WouldCome
        } else {
            State::Refused
        };
        let entries = plan.left.len();
        Report::of(site.language, files, &plan, state, json).print(json)?;
        return if dry_run && refuses {
            Err(Failure::Refused)
        } else if refuses {
            Err(Trouble::PartlyBad { entries }.into())
        } else {
            Ok(())
        };
    }
    // Create the store only now: if no key is imported, nothing is created.
    let store = site.keeper_for_enrolling()?;
    let (report, undone) = keep(site, &store, &mut plan, files, source, json, now);
    report.print(json)?;
    if undone > 0 {
        return Err(Trouble::Unfinished { users: undone }.into());
    }
    Ok(())
}

/// Stores the accounts of a plan; returns the report, and how many users are not done.
fn keep(
    site: &Site<impl Engine>,
    store: &(impl Keeper + Sync),
    plan: &mut Plan,
    files: Vec<String>,
    source: &'static str,
    json: bool,
    now: otp_core::UnixTime,
) -> (Report, usize) {
    let mut report = Report::of(site.language, files, plan, State::Came, json);
    let coming = std::mem::take(&mut plan.coming);
    let all = coming.len();
    let who: Vec<_> = coming
        .iter()
        .map(|one| (one.place, one.account.name.as_str().to_owned()))
        .collect();
    let progress = Progress::of(all, site.language);
    let kept = keeping::keep_all(store, coming, source, now, &progress);
    drop(progress);
    let mut is_done = vec![false; all];
    for one in kept {
        let (place, user) = &who[one.number];
        let why = match one.outcome {
            Ok(Imported::Done | Imported::MovedOn | Imported::Unchanged) => {
                is_done[one.number] = true;
                continue;
            }
            // The user has enrolled since the plan was made, or the recovery codes are not those of before.
            Ok(Imported::AlreadyEnrolled) => Obstacle::Enrolled,
            Err(error) => plan::not_kept(&error),
        };
        report.did_not_come(
            one.number,
            &Left {
                place: *place,
                user: user.clone(),
                why,
            },
        );
    }
    let undone = is_done.iter().filter(|done| !**done).count();
    report.only(&is_done);
    (report, undone)
}
