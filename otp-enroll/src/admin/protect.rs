//! `otp-admin protect` and `unprotect`: make a service ask for codes, or stop that.
//!
//! The order makes it safe. First the new files are tried where no other program sees them. Then a process is started
//! that will undo everything, and only then are the files put in place, each as a whole. They stay once the person at
//! the terminal confirms, for example after a real login in another window.

mod attempt;
mod conditions;
mod confirming;
mod guard;
mod kept;
mod place;
mod sshd;
mod trial;

use crate::caller::administrator;
use crate::failure::Failure;
use crate::log;
use crate::output;
use crate::site::Site;
use crate::terminal::Terminal;
use attempt::Attempt;
use confirming::put_in_place;
use kept::{Change, Kept};
use otp_core::event::Severity;
use otp_core::messages::protect::{Note, Refusal};
use otp_site::protect::{Edit, Machine, Plan, Program, Stop};
use std::path::Path;

pub use guard::{is_asked_to_undo, undo_unless_confirmed};

/// The time to try a login and confirm the change, unless an option sets another.
pub const USUAL_SECONDS: u64 = 120;

/// Makes a service ask for a code. `dry_run`: shows the difference, and ends. `seconds`: the time to confirm.
pub fn protect(site: &Site, service: &str, dry_run: bool, seconds: u64) -> Result<(), Failure> {
    let program = program(service)?;
    conditions::module_is_there()?;
    let you = administrator()?;
    let is_sshd = program == Program::Sshd;
    if is_sshd {
        sshd::is_there()?;
    }
    let held = if dry_run { None } else { Some(hold(site)?) };
    let sshd_is_set = is_sshd
        && match sshd::is_set(&you) {
            Ok(is_set) => is_set,
            // To show only the difference, sshd need not be in order.
            Err(_) if dry_run => false,
            Err(refusal) => return Err(refusal.into()),
        };
    let mut plan = planned(Machine::default().protect(program, sshd_is_set))?;
    if plan.edits.is_empty() {
        // The line alone is not enough if other lines let users in before it.
        conditions::stacks_are_sound(site, program)?;
    }
    let name = program.name().to_owned();
    let Some(kept) = show(
        site,
        &plan,
        Note::ProtectedAlready { service: name },
        held.as_ref(),
    )?
    else {
        if dry_run && !plan.edits.is_empty() {
            let missing = conditions::missing_rights(site, program);
            plan.notes.extend(missing.into_iter().map(|(_, note)| note));
            tell(site, &plan.notes)?;
            tell(site, &[Note::DryRun])?;
        }
        return Ok(());
    };
    tell(site, &plan.notes)?;
    if let Some((refusal, _)) = conditions::missing_rights(site, program).into_iter().next() {
        return Err(refusal.into());
    }
    let before = conditions::may_come_in(site, &you)?;
    let mut terminal = Terminal::open().ok_or(Refusal::NoTerminal)?;
    let attempt = Attempt {
        site,
        program,
        you: &you,
        before,
    };
    trial::with_edits(&plan.edits, || {
        if is_sshd {
            sshd::check()?;
            sshd::must_be_set(attempt.you)?;
        }
        conditions::stacks_are_sound(site, program)?;
        attempt.make(&mut terminal)
    })?;
    let change = Change::of(program.name(), you.name.as_str(), &plan.edits);
    put_in_place(site, kept, &change, &plan.edits, &terminal, seconds)?;
    log::protect(
        "protect",
        Severity::Notice,
        you.name.as_str(),
        program.name(),
        "",
    );
    let service = program.name().to_owned();
    tell(site, &[Note::Protected { service }])
}

/// Makes a service stop asking for a code.
pub fn unprotect(site: &Site, service: &str, dry_run: bool) -> Result<(), Failure> {
    let program = program(service)?;
    let name = || program.name().to_owned();
    let held = if dry_run { None } else { Some(hold(site)?) };
    let copies = held.as_ref();
    let copy = |path: &str| copies.and_then(|kept| kept.copy(program.name(), path));
    let plan = planned(Machine::default().unprotect(program, copy))?;
    let nothing = Note::NotProtected { service: name() };
    let Some(kept) = show(site, &plan, nothing, held.as_ref())? else {
        if dry_run && !plan.edits.is_empty() {
            tell(site, &plan.notes)?;
            tell(site, &[Note::DryRun])?;
        }
        return Ok(());
    };
    tell(site, &plan.notes)?;
    let you = administrator()?;
    if program == Program::Sshd && Path::new("/usr/sbin/sshd").exists() {
        trial::with_edits(&plan.edits, || Ok(sshd::check()?))?;
    }
    for edit in &plan.edits {
        make(edit)?;
    }
    log::protect(
        "unprotect",
        Severity::Notice,
        you.name.as_str(),
        program.name(),
        "",
    );
    kept.forget(program.name());
    if program == Program::Sshd {
        tell(site, &[reloaded()])?;
    }
    tell(site, &[Note::Unprotected { service: name() }])
}

fn program(service: &str) -> Result<Program, Refusal> {
    Program::named(service).ok_or_else(|| Refusal::UnknownService {
        service: service.to_owned(),
        known: Program::ALL.map(Program::name).join(", "),
    })
}

fn planned(plan: Result<Plan, Stop>) -> Result<Plan, Failure> {
    plan.map_err(|stop| match stop {
        Stop::Refused(refusal) => refusal.into(),
        Stop::Site(error) => error.into(),
    })
}

/// Checks that no other run is at work, and undoes a change that an earlier run left half done.
fn hold(site: &Site) -> Result<Kept, Failure> {
    let kept = Kept::hold()?;
    if let Some(change) = kept.left_over()? {
        let undone = guard::undo(&change, "it was left by a run that has ended");
        if undone.is_final() {
            kept.undone();
        }
        if !undone.is_complete() {
            let reason = undone.why();
            return Err(Refusal::NotUndone { reason }.into());
        }
        let service = change.service;
        tell(site, &[Note::UnconfirmedUndone { service }])?;
    }
    Ok(kept)
}

/// Shows the difference; returns whether there is something to do.
fn show<'a>(
    site: &Site,
    plan: &Plan,
    nothing: Note,
    held: Option<&'a Kept>,
) -> Result<Option<&'a Kept>, Failure> {
    if plan.edits.is_empty() {
        tell(site, &[nothing])?;
        return Ok(None);
    }
    let differences: String = plan.edits.iter().map(Edit::difference).collect();
    output::print(&differences)?;
    Ok(held)
}

fn tell(site: &Site, notes: &[Note]) -> Result<(), Failure> {
    let line = |note: &Note| note.text(site.language) + "\n";
    output::print(&notes.iter().map(line).collect::<String>())
}

/// Changes a file: it must still be as it was when the difference was shown, and becomes what was shown.
fn make(edit: &Edit) -> Result<(), Failure> {
    is_unchanged(edit)?;
    Ok(place::put(Path::new(&edit.path), edit.after.as_deref())?)
}

fn is_unchanged(edit: &Edit) -> Result<(), Refusal> {
    if place::text(Path::new(&edit.path)).ok() == Some(edit.before.clone()) {
        return Ok(());
    }
    let path = edit.path.clone();
    Err(Refusal::ChangedMeanwhile { path })
}

fn reloaded() -> Note {
    match sshd::reload() {
        Ok(true) => Note::Reloaded,
        Ok(false) | Err(_) => Note::ReloadYourself,
    }
}
