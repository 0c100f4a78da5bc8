//! `otp-admin protect` and `unprotect`: a service asks for codes from now on, or no longer.
//!
//! The order is what makes it safe. The new files are tried first, where nobody else sees them. Then a process is started
//! that will undo everything, and only then are they put in place, each as a whole. They stay once the person at the
//! terminal has said so, which they can after a real login in another window.

mod conditions;
pub mod guard;
mod kept;
mod place;
mod sshd;
mod trial;

use crate::caller::administrator;
use crate::failure::Failure;
use crate::log;
use crate::lost::broken;
use crate::output;
use crate::site::Site;
use crate::terminal::{Echo, Left, Terminal};
use guard::{Guard, Outcome};
use kept::{Change, Kept};
use otp_core::Account;
use otp_core::event::Severity;
use otp_core::layout::wrap;
use otp_core::messages::enrol::is_word;
use otp_core::messages::protect::{KEEP, Note, Refusal};
use otp_helper::client::DEFAULT_HELPER;
use otp_helper::records::{Attendant, Broken, try_login};
use otp_site::protect::{Asks, Edit, Machine, Plan, Program, Stop};
use otp_store::Overview;
use std::cell::RefCell;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use zeroize::Zeroizing;

/// How long somebody has to try a login and say that the change stays, unless they say otherwise.
pub const USUAL_SECONDS: u64 = 120;

/// How often a login is tried: people mistype, and five wrong codes lock.
const TRIES: u8 = 3;

/// Has a service ask for a code. `dry_run`: shows what would change, and ends. `seconds`: how long somebody has to confirm.
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
            // Before the difference is only shown, sshd need not be in order.
            Err(_) if dry_run => false,
            Err(refusal) => return Err(refusal.into()),
        };
    let mut plan = planned(Machine::default().protect(program, sshd_is_set))?;
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
            sshd::must_be_set(&attempt.you.clone())?;
        }
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

/// Has a service ask for no code any more.
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

/// Makes sure that nobody else is at it, and that no change of an earlier run is left half way.
fn hold(site: &Site) -> Result<Kept, Failure> {
    let kept = Kept::hold()?;
    if let Some(change) = kept.left_over()? {
        if !guard::undo(&change, "it was left by a run that has ended") {
            let reason = change.service;
            return Err(Refusal::NotUndone { reason }.into());
        }
        kept.undone();
        let service = change.service;
        tell(site, &[Note::UnconfirmedUndone { service }])?;
    }
    Ok(kept)
}

/// Shows the difference; whether there is something to do about it.
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

/// A file is what it was when the difference was shown, and becomes what was shown.
fn make(edit: &Edit) -> Result<(), Failure> {
    let path = Path::new(&edit.path);
    if place::text(path).ok() != Some(edit.before.clone()) {
        let path = edit.path.clone();
        return Err(Refusal::ChangedMeanwhile { path }.into());
    }
    Ok(place::put(path, edit.after.as_deref())?)
}

fn reloaded() -> Note {
    match sshd::reload() {
        Ok(true) => Note::Reloaded,
        Ok(false) | Err(_) => Note::ReloadYourself,
    }
}

/// A login with the new lines, in the presence of who makes the change.
struct Attempt<'a> {
    site: &'a Site,
    program: Program,
    you: &'a Account,
    /// How the account stood before.
    before: Option<Overview>,
}

impl Attempt<'_> {
    /// Has them log in; refuses where that is refused, or where no code was checked of somebody who has an authenticator.
    fn make(&self, terminal: &mut Terminal) -> Result<(), Failure> {
        let language = self.site.language;
        let say = |note: &Note| {
            let (columns, _) = terminal.size();
            terminal.show(&format!("{}\n", wrap(&note.text(language), columns)))
        };
        say(&Note::Trial {
            service: self.program.name().to_owned(),
            user: self.you.name.as_str().to_owned(),
        })?;
        let asks_once = self.program.asks() == Asks::Once;
        if asks_once {
            say(&Note::OneReply)?;
        }
        for _ in 0..TRIES {
            let person = Person {
                terminal,
                question: asks_once.then(|| Note::OneReplyPrompt.text(language)),
                reply: RefCell::new(None),
            };
            let runs_as = conditions::runs_as(self.program, self.you)?;
            let helper = Path::new(DEFAULT_HELPER);
            let let_in = try_login(helper, self.you, self.program.name(), runs_as, &person);
            if let_in.map_err(|why: Broken<Left>| broken(why, self.you))? {
                self.must_have_checked_a_code()?;
                say(&Note::Worked)?;
                return Ok(());
            }
        }
        Err(Refusal::NotLetIn.into())
    }

    fn must_have_checked_a_code(&self) -> Result<(), Failure> {
        let Some(before) = &self.before else {
            return Ok(());
        };
        let now = conditions::may_come_in(self.site, self.you)?;
        let used = |one: &Overview| {
            let last = one
                .authenticators
                .iter()
                .filter_map(|device| device.last_used);
            (last.max(), one.recovery_codes_left)
        };
        if now.as_ref().map(used) == Some(used(before)) {
            return Err(Refusal::NoCodeChecked.into());
        }
        Ok(())
    }
}

/// Who sits at the terminal, as the program would ask them: each question, or once for all.
struct Person<'a> {
    terminal: &'a Terminal,
    /// The question for the one reply, where the program asks once.
    question: Option<String>,
    reply: RefCell<Option<Zeroizing<Vec<u8>>>>,
}

impl Attendant for Person<'_> {
    type Left = Left;

    fn attend(&self, _other_side: OwnedFd) {}

    fn wait_for(&self, said: BorrowedFd<'_>) -> Result<(), Left> {
        self.terminal.wait_for(said)
    }

    fn still_here(&self) -> Result<(), Left> {
        self.terminal.still_here()
    }

    fn ask(&self, question: &str, echo: bool) -> Result<Zeroizing<Vec<u8>>, Left> {
        let Some(own) = &self.question else {
            let echo = if echo { Echo::On } else { Echo::Off };
            return self.terminal.ask(question, echo);
        };
        if let Some(reply) = &*self.reply.borrow() {
            return Ok(reply.clone());
        }
        let typed = self.terminal.ask(own, Echo::Off)?;
        *self.reply.borrow_mut() = Some(typed.clone());
        Ok(typed)
    }

    fn tell(&self, text: &str) -> Result<(), Left> {
        // Programs that ask once show nothing.
        match self.question {
            Some(_) => Ok(()),
            None => self.terminal.show(&format!("{text}\n")),
        }
    }
}

/// Puts the change in place, under guard, and asks whether it stays.
fn put_in_place(
    site: &Site,
    kept: &Kept,
    change: &Change,
    edits: &[Edit],
    terminal: &Terminal,
    seconds: u64,
) -> Result<(), Failure> {
    terminal.still_here()?;
    kept.begin(change)?;
    let mut guard = match Guard::start(seconds) {
        Ok(guard) => guard,
        Err(refusal) => {
            // Nothing is changed yet, so there is nothing to undo.
            kept.keep();
            return Err(refusal.into());
        }
    };
    let asked = confirm(site, &mut guard, change, edits, terminal, seconds);
    match asked {
        Ok(true) if kept.keep() => {
            guard.dismiss();
            Ok(())
        }
        other => {
            let is_late = matches!(&other, Ok(true)) || matches!(&other, Err(Stopped::InTime));
            let outcome = guard.undo();
            kept.forget(&change.service);
            Err(match (outcome, other) {
                (Outcome::Failed, _) => {
                    let reason = kept::DIRECTORY.to_owned();
                    Refusal::NotUndone { reason }.into()
                }
                (Outcome::Undone, Err(Stopped::By(failure))) => failure,
                (Outcome::Undone, _) if is_late => Refusal::UndoneInTime.into(),
                (Outcome::Undone, _) => Refusal::Undone.into(),
            })
        }
    }
}

/// Why nobody has confirmed.
enum Stopped {
    /// A file could not be put in place, or sshd does not take it.
    By(Failure),
    /// The person or the terminal has left.
    Left,
    /// The guard was faster.
    InTime,
}

impl<F: Into<Failure>> From<F> for Stopped {
    fn from(failure: F) -> Self {
        Self::By(failure.into())
    }
}

/// Puts the files in place, and asks; whether the word was typed.
fn confirm(
    site: &Site,
    guard: &mut Guard,
    change: &Change,
    edits: &[Edit],
    terminal: &Terminal,
    seconds: u64,
) -> Result<bool, Stopped> {
    let is_sshd = change.service == Program::Sshd.name();
    for edit in edits {
        make(edit)?;
        // sshd asks PAM alone from here on, before PAM asks for a code.
        if is_sshd && edit.path == otp_site::protect::DROP_IN {
            sshd::check()?;
            tell(site, &[reloaded()])?;
        }
    }
    guard.begin();
    let line = guard.line().map_err(|error| Refusal::NoGuard {
        reason: error.to_string(),
    })?;
    terminal.ask_on_behalf_of(line);
    let say = |text: &str| {
        let (columns, _) = terminal.size();
        terminal.show(&format!("{}\n", wrap(text, columns)))
    };
    let left = |left: Left| match left {
        Left::Person => Stopped::Left,
        Left::OtherSide => Stopped::InTime,
    };
    say(&Note::InPlace { seconds }.text(site.language)).map_err(left)?;
    let question = Note::KeepQuestion.text(site.language);
    let typed = terminal.ask(&question, Echo::On).map_err(left)?;
    Ok(is_word(&typed, &KEEP))
}
