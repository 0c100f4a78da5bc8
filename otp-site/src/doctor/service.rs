//! One service: what its lines do, and what is wrong with them.

use super::account;
use super::answer::Answer;
use super::arguments;
use super::atlas::{self, Asks, Program};
use super::auth::{Examined, Facts, Gap};
use super::chain::{Chain, Phase, Step};
use super::files::Files;
use super::modules::{Role, asks_for_password, role};
use super::walk::End;
use crate::Error;
use crate::stack::may_enrol_in;
use otp_core::Policy;
use otp_core::messages::doctor::Finding;
use otp_core::messages::reason::Unfit;
use otp_core::record::{AtLogin, Groups, Policies};
use otp_file::Unparsed;

/// The service with which users prove their identity before a change: nobody logs in there.
pub const RE_AUTHENTICATION: &str = "otp-enroll";
/// Services of jobs, in addition to those in the table of programs: nobody types anything there.
const RUNS_JOBS: [&str; 5] = ["crond", "runuser", "runuser-l", "systemd-user", "atd"];
/// Services that give the same rights.
const SIBLINGS: [(&str, &str); 2] = [("sudo", "sudo-i"), ("su", "su-l")];
const POLKIT: &str = "polkit-1";
/// The file that pam-auth-update writes.
const COMMON_AUTH: &str = "/common-auth";
const VENDOR: &str = "/usr/lib/pam.d/";
/// The program that the module starts if it does not run as root; a test of otp-enroll compares both paths.
pub const HELPER: &str = "/usr/libexec/pam_otp/otp-helper";
/// The seconds that `login` gives by default.
const LOGIN_TIMEOUT: u64 = 60;
/// The seconds that a user may need who has never used an authenticator.
pub(super) const TIME_TO_ENROL: u64 = 300;

/// The most lines that are walked to find a better place for one of our lines.
const MOST_WALKED: usize = 4000;

/// One answer of a module on a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The place of the line.
    pub line: String,
    /// Its module.
    pub module: String,
    /// Its answer, in the words of `pam.conf(5)`.
    pub answer: &'static str,
}

/// A finding, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The service; `None`: the whole machine.
    pub service: Option<String>,
    /// What is wrong.
    pub finding: Finding,
    /// The answers of the modules that lead there, if any are needed.
    pub when: Vec<Given>,
}

/// What a service is examined with.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// PAM's files, and the other files of the machine.
    pub files: &'a Files,
    /// The policy.
    pub policies: &'a Policies,
    /// Whether sshd demands a key before it asks PAM.
    pub demands_key: bool,
    /// Whether all users who can log in have an authenticator.
    pub everybody_enrolled: bool,
}

/// Which of our lines a service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// A line that asks for a code.
    pub auth: bool,
    /// An account line.
    pub account: bool,
    /// Any other of our lines.
    pub other: bool,
}

impl Lines {
    /// Finds our lines in a service.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn of(files: &Files, service: &str) -> Result<Self, Error> {
        let has = |phase| Ok::<_, Error>(Chain::read(files, service, phase)?.has_ours());
        Ok(Self {
            auth: has(Phase::Auth)?,
            account: has(Phase::Account)?,
            other: has(Phase::Password)? || has(Phase::Session)?,
        })
    }

    /// Whether there are any.
    #[must_use]
    pub const fn any(self) -> bool {
        self.auth || self.account || self.other
    }
}

/// Examines one service: its lines, and what is known of its program.
///
/// # Errors
/// A file cannot be read, includes nest without end, or there are too many ways to examine.
pub fn examine(of: &Circumstances<'_>, service: &str) -> Result<Vec<Diagnosis>, Error> {
    let chain = Chain::read(of.files, service, Phase::Auth)?;
    let examined = Examined::new(chain, service).ok_or_else(|| too_much(service))?;
    let mut patient = Patient {
        of: *of,
        policy: of.policies.clone().for_service(service),
        service,
        programs: atlas::of_service(service),
        account: Chain::read(of.files, service, Phase::Account)?,
        auth: examined,
        found: Vec::new(),
    };
    if patient.auth.asks() {
        patient.look_at_lines();
        patient.look_at_ways()?;
        patient.look_at_questions();
        patient.look_at_nullok();
        patient.look_at_enrolment();
        patient.look_at_program();
        patient.look_at_siblings()?;
    } else {
        patient.look_at_absence()?;
    }
    patient.look_at_account()?;
    patient.look_at_other_phases()?;
    Ok(patient.found)
}

fn too_much(service: &str) -> Error {
    Error::unparsed(service, Unparsed::whole(Unfit::TooManyWays))
}

struct Patient<'a> {
    of: Circumstances<'a>,
    /// The policy for this service.
    policy: Policy,
    service: &'a str,
    programs: Vec<Program>,
    account: Chain,
    auth: Examined,
    found: Vec<Diagnosis>,
}

impl Patient<'_> {
    fn find(&mut self, finding: Finding) {
        self.find_when(finding, Vec::new());
    }

    fn find_when(&mut self, finding: Finding, when: Vec<Given>) {
        let service = Some(self.service.to_owned());
        let diagnosis = Diagnosis {
            service,
            finding,
            when,
        };
        if !self.found.contains(&diagnosis) {
            self.found.push(diagnosis);
        }
    }

    fn has(&self, is: impl Fn(&Finding) -> bool) -> bool {
        self.found.iter().any(|one| is(&one.finding))
    }

    fn step(&self, at: usize) -> &Step {
        &self.auth.chain.steps[at]
    }

    fn line(&self, at: usize) -> String {
        self.step(at).place.to_string()
    }

    fn module(&self, at: usize) -> String {
        self.step(at).module().to_owned()
    }

    fn role(&self, at: usize) -> Role {
        role(self.step(at), self.service, Phase::Auth)
    }

    fn way(&self, end: &End<Facts>) -> Vec<Given> {
        let given = |(at, answer): &(usize, Answer)| Given {
            line: self.line(*at),
            module: self.module(*at),
            answer: answer.word(),
        };
        end.way.iter().map(given).collect()
    }

    /// Examines the lines themselves: the things that they name must exist.
    fn look_at_lines(&mut self) {
        for (place, file) in self.auth.chain.missing.clone() {
            let line = place.to_string();
            self.find(Finding::FileMissing { line, file });
        }
        for at in 0..self.auth.chain.steps.len() {
            let (line, module) = (self.line(at), self.module(at));
            let step = self.step(at).clone();
            let refuses = !matches!(
                step.control.action(Answer::MODULE_UNKNOWN),
                super::control::Action::Ignore | super::control::Action::Jump(_)
            );
            if !step.is_there && (step.is_ours() || (refuses && !step.is_optional)) {
                self.find(Finding::ModuleMissing { line, module });
            } else if step.is_ours() {
                self.look_at_our_line(line, &step);
            }
        }
    }

    fn look_at_our_line(&mut self, line: String, step: &Step) {
        if step.place.file.starts_with(VENDOR) {
            let line = line.clone();
            self.find(Finding::InVendorFile { line });
        }
        if let Some(argument) = arguments::wrong(step.arguments()) {
            return self.find(Finding::BadArgument { line, argument });
        }
        let absent = arguments::paths(step.arguments())
            .find(|path| !self.of.files.place(path).exists())
            .map(|path| path.display().to_string());
        if let Some(path) = absent {
            self.find(Finding::ArgumentNamesNothing { line, path });
        }
    }

    /// Finds who is let in, and who can lock others' accounts.
    fn look_at_ways(&mut self) -> Result<(), Error> {
        let told = |(gap, end): (Gap, &End<Facts>)| (self.gap(&gap, end), self.way(end));
        let gaps: Vec<(Finding, Vec<Given>)> = self.auth.gaps().into_iter().map(told).collect();
        for (finding, when) in gaps {
            self.find_when(finding, when);
        }
        let Some(ours) = self.auth.chain.steps.iter().position(Step::is_ours) else {
            return Ok(());
        };
        let line = self.line(ours);
        let unproven = |wanted: fn(&Facts) -> bool| {
            let is = |end: &&End<Facts>| wanted(&end.known) && !end.known.is_proven();
            self.auth.let_in().find(is).map(|end| self.way(end))
        };
        let code_alone = unproven(|known| known.code);
        let nothing = unproven(|known| known.excused && !known.code);
        if let Some(when) = code_alone
            && self.service != RE_AUTHENTICATION
            && !(self.service == "sshd" && self.of.demands_key)
        {
            let line = line.clone();
            self.find_when(Finding::CodeAlone { line }, when);
        }
        if let Some(when) = nothing {
            self.find_when(Finding::NothingAsked { line }, when);
        }
        let is_explained = self.has(|one| {
            matches!(
                one,
                Finding::ModuleMissing { .. }
                    | Finding::FileMissing { .. }
                    | Finding::BadArgument { .. }
                    | Finding::ArgumentNamesNothing { .. }
            )
        });
        if self.auth.refuses_everybody() && self.auth.gaps().is_empty() && !is_explained {
            self.find(Finding::RefusesEverybody);
        }
        self.look_at_locks()
    }

    fn gap(&self, gap: &Gap, end: &End<Facts>) -> Finding {
        match *gap {
            Gap::LeadsPast(at) => {
                let given = end.way.iter().find(|(step, _)| *step == at);
                Finding::WayIn {
                    line: self.line(at),
                    module: self.module(at),
                    answer: given.map_or("", |(_, answer)| answer.word()).to_owned(),
                }
            }
            Gap::Undone(at) => Finding::RefusalUndone {
                line: self.line(at),
            },
            Gap::NeverChecked(at) => Finding::NeverChecked {
                line: self.line(at),
            },
        }
    }

    /// Finds out who reaches our line without having proven anything, and why.
    fn look_at_locks(&mut self) -> Result<(), Error> {
        if !self.auth.has_prover() || self.needs_split().is_some() {
            return Ok(());
        }
        let mut ends: Vec<&End<Facts>> = self
            .auth
            .ends()
            .filter(|end| end.known.before_proof)
            .collect();
        ends.sort_by_key(|end| end.way.len());
        let mut findings = Vec::new();
        for end in ends {
            let Some(reached) = self.first_unproven_judge(end) else {
                continue;
            };
            let (judge, _) = end.way[reached];
            let before = end.way[..reached].iter().rev();
            let prover = before
                .map(|(at, _)| *at)
                .find(|at| self.role(*at) == Role::Prover);
            let line = self.line(judge);
            let finding = match prover {
                Some(at) if self.step(at).level > self.step(judge).level => {
                    Finding::LocksAfterSubstack {
                        line,
                        substack: self.substack_around(at),
                    }
                }
                Some(at) => Finding::LocksAfterRefusal {
                    line,
                    above: self.line(at),
                    module: self.module(at),
                },
                None => match self.better_place(judge)? {
                    Some(below) => Finding::LocksAbove { line, below },
                    None => Finding::CodeFirst { line },
                },
            };
            if !findings
                .iter()
                .any(|(known, _): &(Finding, _)| known.id() == finding.id())
            {
                findings.push((finding, self.way(end)));
            }
        }
        for (finding, when) in findings {
            self.find_when(finding, when);
        }
        Ok(())
    }

    /// Finds where on a way our line is reached before anybody has proven anything.
    fn first_unproven_judge(&self, end: &End<Facts>) -> Option<usize> {
        let finds_out =
            |at: usize| matches!(self.role(at), Role::Prover | Role::Unknown | Role::RootOnly);
        let mut proven = false;
        for (on_the_way, (at, answer)) in end.way.iter().enumerate() {
            proven |= finds_out(*at) && answer.is_yes();
            if self.role(*at) == Role::Judge && !proven {
                return Some(on_the_way);
            }
        }
        None
    }

    fn substack_around(&self, inner: usize) -> String {
        let level = self.step(inner).level;
        let before = (0..inner).rev();
        let begins = |at: &usize| {
            self.step(*at).call == super::chain::Call::Substack && self.step(*at).level < level
        };
        before
            .into_iter()
            .find(begins)
            .map_or_else(String::new, |at| self.line(at))
    }

    /// Finds a line of the same file below which nobody would reach our line without having proven anything.
    fn better_place(&self, judge: usize) -> Result<Option<String>, Error> {
        let steps = &self.auth.chain.steps;
        let file = &steps[judge].place.file;
        let mut walked = 0;
        for below in judge + 1..steps.len() {
            // Only after a complete line of the same file, with everything that it includes.
            let ends_a_line = steps
                .get(below + 1)
                .is_none_or(|next| next.level == steps[judge].level && next.place.file == *file);
            if !ends_a_line {
                continue;
            }
            // Each try takes another walk through everything.
            walked += steps.len();
            if walked > MOST_WALKED {
                break;
            }
            let mut moved = self.auth.chain.clone();
            let ours = moved.steps.remove(judge);
            moved.steps.insert(below, ours);
            let moved = Examined::new(moved, self.service).ok_or_else(|| too_much(self.service))?;
            let is_better = moved.gaps().is_empty()
                && !moved.refuses_everybody()
                && moved.ends().all(|end| !end.known.before_proof);
            if is_better {
                return Ok(Some(self.line_that_takes_in(below, file)));
            }
        }
        Ok(None)
    }

    /// Returns the last line of a file up to a step: the line itself, or the line that includes it.
    fn line_that_takes_in(&self, at: usize, file: &str) -> String {
        let own = |at: usize| self.step(at).place.file == file;
        if own(at) {
            return self.line(at);
        }
        // `include` leaves no step of its own; the file that it names says enough.
        self.step(at).place.file.clone()
    }

    /// Finds a program that asks once, and our line that has no `split` for it.
    fn needs_split(&self) -> Option<(usize, String)> {
        let asks_once =
            !self.programs.is_empty() && self.programs.iter().all(|one| one.asks == Asks::Once);
        if !asks_once {
            return None;
        }
        let unsplit = self.auth.let_in().any(|end| end.known.unsplit);
        let steps = &self.auth.chain.steps;
        let judge = steps.iter().position(|step| {
            step.is_ours()
                && !step.splits()
                && !["forward_pass", "try_first_pass", "use_first_pass"]
                    .iter()
                    .any(|one| step.says(one))
        })?;
        (unsplit && self.auth.has_prover()).then(|| (judge, self.programs[0].name.clone()))
    }

    /// Finds what users are asked for, and what a wrong answer costs.
    fn look_at_questions(&mut self) {
        if let Some((at, program)) = self.needs_split() {
            let line = self.line(at);
            self.find(Finding::NeedsSplit { line, program });
        }
        let twice = self.auth.ends().find(|end| end.known.asked_twice);
        let judges: Vec<usize> = twice.map_or_else(Vec::new, |end| {
            let on_the_way = end.way.iter().map(|(at, _)| *at);
            on_the_way
                .filter(|at| self.role(*at) == Role::Judge)
                .collect()
        });
        if let [first, second, ..] = judges[..] {
            let in_common = |at: usize| self.step(at).place.file.ends_with(COMMON_AUTH);
            let finding = match (in_common(first), in_common(second)) {
                (true, false) => Finding::ProfileAndLine {
                    line: self.line(second),
                    profile: self.line(first),
                },
                (false, true) => Finding::ProfileAndLine {
                    line: self.line(first),
                    profile: self.line(second),
                },
                _ => Finding::TwoCodes {
                    line: self.line(first),
                    second: self.line(second),
                },
            };
            self.find(finding);
        }
        let again = self.auth.ends().find(|end| end.known.asked_again);
        let asks = again.and_then(|end| {
            let on_the_way = end.way.iter().map(|(at, _)| *at);
            on_the_way
                .skip_while(|at| !self.step(*at).splits())
                .find(|at| asks_for_password(self.step(*at)))
        });
        if let Some(at) = asks {
            let (line, module) = (self.line(at), self.module(at));
            self.find(Finding::AskedAgain { line, module });
        }
        let tallied = self.auth.ends().find(|end| end.known.tallied);
        let tally = tallied.and_then(|end| {
            let mut on_the_way = end.way.iter().rev().map(|(at, _)| *at);
            on_the_way.find(|at| self.role(*at) == Role::Tally)
        });
        if let Some(at) = tally {
            let line = self.line(at);
            self.find(Finding::CountedTwice { line });
        }
    }

    fn look_at_nullok(&mut self) {
        let lenient = |step: &Step| step.is_ours() && !step.splits() && step.says("nullok");
        let Some(at) = self.auth.chain.steps.iter().position(lenient) else {
            return;
        };
        let (line, enforce) = (self.line(at), &self.policy.enforce);
        let names_groups = matches!(&enforce.groups, Groups::Named(names) if !names.is_empty());
        let demands = names_groups || enforce.from.is_some() || !enforce.grace.is_zero();
        self.find(if demands {
            Finding::NullokOverrules { line }
        } else if self.of.everybody_enrolled {
            Finding::NullokLeft { line }
        } else {
            Finding::Nullok { line }
        });
    }

    fn look_at_enrolment(&mut self) {
        if self.policy.enroll.at_login == AtLogin::Off || self.service == RE_AUTHENTICATION {
            return;
        }
        if !may_enrol_in(self.service, self.policy.enroll) {
            return self.find(Finding::EnrolNotHere);
        }
        if !self.account.has_ours() {
            self.find(Finding::EnrolNoAccountLine);
        }
        let proves = self.auth.roles().any(|(_, role)| role == Role::Prover);
        if !proves {
            self.find(Finding::EnrolUnproven);
        }
        if self.service == "login" {
            let seconds = self.login_timeout();
            if (1..TIME_TO_ENROL).contains(&seconds) {
                self.find(Finding::LoginTimeout { seconds });
            }
        }
    }

    /// Reads the time limit as `login` does; 0: no limit.
    fn login_timeout(&self) -> u64 {
        let text = self.of.files.text("/etc/login.defs").unwrap_or_default();
        let mut values = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next()? == "LOGIN_TIMEOUT").then(|| words.next()?.parse().ok())?
        });
        values.next_back().unwrap_or(LOGIN_TIMEOUT)
    }

    /// Examines what the program may do.
    fn look_at_program(&mut self) {
        let mut accounts: Vec<&str> = self.programs.iter().map(|one| &*one.runs_as).collect();
        accounts.dedup();
        let [account] = accounts[..] else { return };
        if account == "root" {
            return;
        }
        let account = account.to_owned();
        let passwd = self.of.files.text("/etc/passwd").unwrap_or_default();
        let exists = passwd
            .lines()
            .any(|line| line.split(':').next() == Some(&account));
        let callers = &self.policy.helper.trusted_callers;
        if account != "user" && exists && !callers.contains(&account) {
            self.find(Finding::UntrustedCaller { account });
        }
        let ours = self.auth.chain.steps.iter().find(|step| step.is_ours());
        let named = ours.and_then(|step| arguments::path(step.arguments(), "helper"));
        let path = named.unwrap_or_else(|| HELPER.into());
        if !super::records::helper_is_usable(self.of.files, &path) {
            let path = path.display().to_string();
            self.find(Finding::HelperUnusable { path });
        }
    }

    /// Finds other ways to the same rights.
    fn look_at_siblings(&mut self) -> Result<(), Error> {
        for (one, other) in SIBLINGS {
            let sibling = match self.service {
                name if name == one => other,
                name if name == other => one,
                _ => continue,
            };
            if self.is_open(sibling)? {
                let sibling = sibling.to_owned();
                self.find(Finding::SiblingOpen { sibling });
            }
        }
        if matches!(self.service, "sudo" | "doas") && self.is_open(POLKIT)? {
            self.find(Finding::PolkitOpen);
        }
        Ok(())
    }

    /// Whether a service has a file, but not our auth line.
    fn is_open(&self, service: &str) -> Result<bool, Error> {
        let files = self.of.files;
        Ok(files.of(service)?.is_some() && !Chain::read(files, service, Phase::Auth)?.has_ours())
    }

    /// Finds out why our auth line is missing.
    fn look_at_absence(&mut self) -> Result<(), Error> {
        let files = self.of.files;
        let all = files.all_of(self.service)?;
        let has_line = |text: &str| {
            crate::stack::numbered(text).iter().any(|(_, line)| {
                let words: Vec<&str> = line.split([' ', '\t']).collect();
                words.first().is_some_and(|kind| kind.ends_with("auth"))
                    && words.iter().any(|one| one.ends_with(crate::stack::MODULE))
            })
        };
        if let [first, hidden, ..] = &all[..]
            && has_line(&hidden.text)
        {
            self.find(Finding::Shadowed {
                file: hidden.path.clone(),
                by: first.path.clone(),
            });
        }
        if files.has_directory() {
            let single = files.single()?;
            for (at, line) in crate::stack::numbered(&single.text) {
                let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
                let is_of_it = words
                    .next()
                    .is_some_and(|name| name.eq_ignore_ascii_case(self.service));
                if is_of_it && words.any(|one| one.ends_with(crate::stack::MODULE)) {
                    let line = format!("{}:{at}", single.path);
                    self.find(Finding::InPamConf { line });
                }
            }
            if all.is_empty() {
                self.find(Finding::NoSuchService);
            }
        }
        if self.account.has_ours() {
            if !self.runs_jobs() {
                self.find(Finding::AccountWithoutAuth);
            }
        } else if self.found.is_empty() {
            self.find(Finding::NotProtected);
        }
        Ok(())
    }

    fn runs_jobs(&self) -> bool {
        RUNS_JOBS.contains(&self.service)
            || (!self.programs.is_empty()
                && self.programs.iter().all(|one| one.asks == Asks::Never))
    }

    fn look_at_account(&mut self) -> Result<(), Error> {
        let Some(ours) = self.account.steps.iter().position(Step::is_ours) else {
            return Ok(());
        };
        let steps = self.account.steps.clone();
        let line = steps[ours].place.to_string();
        if self.runs_jobs() {
            let line = line.clone();
            self.find(Finding::AccountOfJobs { line });
        }
        if self.auth.asks() || !steps[ours].is_there {
            let lenient = |one: &&Step| one.is_ours() && !one.splits() && one.says("nullok");
            let auth_is_lenient = self.auth.chain.steps.iter().any(|one| lenient(&one));
            let demanding = steps
                .iter()
                .find(|one| one.is_ours() && !one.says("nullok"));
            if let (true, Some(step)) = (auth_is_lenient, demanding) {
                let line = step.place.to_string();
                self.find(Finding::AccountForgetsNullok { line });
            }
        }
        for step in steps.iter().filter(|one| one.is_ours()) {
            let line = step.place.to_string();
            if !step.is_there {
                let module = step.module().to_owned();
                self.find(Finding::ModuleMissing { line, module });
            } else if let Some(argument) = arguments::wrong(step.arguments()) {
                self.find(Finding::BadArgument { line, argument });
            }
        }
        let around = account::way_around(&self.account).ok_or_else(|| too_much(self.service))?;
        if let Some(way) = around {
            let given = |(at, answer): &(usize, Answer)| Given {
                line: steps[*at].place.to_string(),
                module: steps[*at].module().to_owned(),
                answer: answer.word(),
            };
            let when = way.iter().map(given).collect();
            self.find_when(Finding::AccountLedAround { line }, when);
        }
        Ok(())
    }

    fn look_at_other_phases(&mut self) -> Result<(), Error> {
        let first = |phase| -> Result<Option<String>, Error> {
            let chain = Chain::read(self.of.files, self.service, phase)?;
            let ours = chain.steps.iter().find(|step| step.is_ours());
            Ok(ours.map(|step| step.place.to_string()))
        };
        let (changes, session) = (first(Phase::Password)?, first(Phase::Session)?);
        if let Some(line) = changes {
            self.find(Finding::LineForChanges { line });
        }
        if let Some(line) = session {
            self.find(Finding::SessionLine { line });
        }
        Ok(())
    }
}
