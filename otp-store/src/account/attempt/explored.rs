//! Explores every order in which attempts of several processes for one account can run, every moment at which any of
//! them can be killed, and every moment at which the power can fail.
//!
//! [`attempt`] itself runs, once for each process, in a thread. The thread stops before each call of its keeper until
//! it is told to go on or to die. Only one thread runs at a time, so an order can be played again, and a depth-first
//! search plays all of them. At each stop the power also fails, and everything that may then be on the disk is
//! examined.
//!
//! The explorer is our own. kani runs no threads and needs its own compiler. loom orders accesses to memory, while
//! these processes share nothing but the calls that are ordered here.
//!
//! [`machine`] says what is assumed of the kernel and the disk.

use super::*;
use crate::fixture::{NOW, SOON, alice, code, credential, recovery_code};
use machine::{Image, Killed, Machine, Progress, Step, Stop};
use otp_core::State;
use otp_core::record::{AuthenticatorState, Drift, Id, MAX_AUTHENTICATORS, Period, Standing};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

mod machine;

/// An attempt by a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Try {
    RightCode,
    RecoveryCode,
    WrongCode,
    Nothing,
}

use First::{Long, Short};
use Try::{Nothing, RecoveryCode, RightCode, WrongCode};

impl Try {
    fn input(self) -> Input {
        match self {
            RightCode => code(&credential(), 0),
            RecoveryCode => Input::Recovery(recovery_code(0, 1)),
            // A recovery code, since it is judged faster.
            WrongCode => Input::Recovery(recovery_code(1, 1)),
            Nothing => Input::Empty,
        }
    }
}

/// The attempts of one exploration, and what happened before them.
#[derive(Clone, Copy, Debug)]
struct Scenario<'a> {
    /// The record before anything has happened.
    first: First,
    /// Attempts that were made and answered before.
    before: &'a [Try],
    /// One attempt for each process.
    tried: &'a [Try],
    /// The most processes that are killed in one order.
    kills: usize,
}

/// The form of a new record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    /// A phone and recovery codes: the record lies in one sector.
    Short,
    /// It also has the entries that those have replaced: the record can be torn.
    Long,
}

impl First {
    fn state(self) -> State {
        let mut state = State::fresh(&credential());
        let replaced = (1..).map(|at| AuthenticatorState {
            id: Id::from_random([at; 8]),
            last_step: Some(NOW.step(Period::THIRTY)),
            drift: Drift::default(),
            resync: None,
            last_used: Some(NOW),
        });
        let room = match self {
            Short => 0,
            Long => 2 * MAX_AUTHENTICATORS - 1,
        };
        state.authenticators.extend(replaced.take(room));
        state
    }
}

/// Counts of the exploration.
#[derive(Debug, Default)]
struct Explored {
    orders: usize,
    /// Different moments in these orders.
    moments: usize,
    /// Different contents of the disk after a power failure.
    power_failures: usize,
    /// Those of them with a damaged record.
    torn: usize,
}

/// The possible past: nothing happened, a code was used, or the account is close to its limit.
const BEFORE: [&[Try]; 4] = [
    &[],
    &[RecoveryCode],
    &[RecoveryCode, WrongCode],
    &[WrongCode; 4],
];

#[test]
fn two_processes_killed_anywhere_use_no_code_twice_and_take_no_guess_back() {
    const TRIED: [[Try; 2]; 5] = [
        [RightCode, RightCode],
        [RecoveryCode, RecoveryCode],
        [RecoveryCode, WrongCode],
        [WrongCode, WrongCode],
        [Nothing, RecoveryCode],
    ];
    for first in [Short, Long] {
        let mut explored = Explored::default();
        for before in BEFORE {
            for tried in TRIED {
                explored.all_of(Scenario {
                    first,
                    before,
                    tried: &tried,
                    kills: 2,
                });
            }
        }
        explored.tell(first);
        assert_eq!(explored.torn > 0, first == Long);
    }
}

#[test]
fn three_processes_of_which_two_are_killed_use_no_code_twice_and_take_no_guess_back() {
    for (first, before) in [(Short, &[WrongCode; 3][..]), (Long, &[RecoveryCode])] {
        let mut explored = Explored::default();
        explored.all_of(Scenario {
            first,
            before,
            tried: &[RecoveryCode, RecoveryCode, WrongCode],
            kills: 2,
        });
        explored.tell(first);
    }
}

impl Explored {
    #[expect(
        clippy::print_stdout,
        reason = "the extent of the search is part of the output"
    )]
    fn tell(&self, first: First) {
        println!("{first:?}: {self:?}");
    }

    /// Plays all orders of a scenario.
    fn all_of(&mut self, scenario: Scenario) {
        let mut order = Order::default();
        let mut known = Known::default();
        let past = Past::of(&scenario);
        loop {
            Play::new(&scenario, &past).along(&mut order, &mut known, self);
            self.orders += 1;
            if !order.next() {
                self.moments += known.moments.len();
                return;
            }
        }
    }
}

/// An order: the choice made at each stop, and the number of choices there.
#[derive(Debug, Default)]
struct Order {
    choices: Vec<(usize, usize)>,
    /// How many stops it shares with an order that was played before.
    known: usize,
}

impl Order {
    /// Returns the choice at a stop; beyond the last recorded stop, the first choice.
    fn at(&mut self, stop: usize, choices: usize) -> usize {
        if stop == self.choices.len() {
            self.choices.push((0, choices));
        }
        let (taken, of) = self.choices[stop];
        assert_eq!(of, choices, "an order can be played again");
        taken
    }

    /// Turns to the next order; `false`: that was the last one.
    fn next(&mut self) -> bool {
        while let Some((taken, of)) = self.choices.pop() {
            if taken + 1 < of {
                self.choices.push((taken + 1, of));
                self.known = self.choices.len();
                return true;
            }
        }
        false
    }
}

/// How far a process has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Process {
    Before(Step),
    Answered,
    Dead,
}

/// The disk and the answers from before an order is played.
struct Past {
    disk: Image,
    answered: Vec<(Try, Verdict)>,
}

impl Past {
    fn of(scenario: &Scenario) -> Self {
        let machine = Machine::with(&scenario.first.state());
        let answer = |&tried| (tried, try_on(&machine, tried).unwrap());
        Self {
            answered: scenario.before.iter().map(answer).collect(),
            disk: machine.image(),
        }
    }
}

/// A process, and what it is told.
type Choice = (usize, Stop);

/// One order, while it is played.
struct Play<'a> {
    scenario: &'a Scenario<'a>,
    machine: Machine,
    processes: Vec<Process>,
    /// Every attempt that was answered, and the answer.
    answered: Vec<(Try, Verdict)>,
    /// The version of the state that no power failure may undo: somebody was told about it.
    durable: usize,
}

impl<'a> Play<'a> {
    fn new(scenario: &'a Scenario<'a>, past: &Past) -> Self {
        Self {
            scenario,
            machine: Machine::started_with(&past.disk, scenario.tried.len()),
            processes: Vec::new(),
            answered: past.answered.clone(),
            durable: 0,
        }
    }

    /// Plays the order to its end, or until it reaches a moment that was seen in another order. Checks everything that
    /// is new.
    fn along(mut self, order: &mut Order, known: &mut Known, explored: &mut Explored) {
        thread::scope(|scope| {
            let (tell, told) = channel();
            let mut batons = Vec::new();
            for (at, &tried) in self.scenario.tried.iter().enumerate() {
                let (baton, turn) = channel();
                let (machine, tell) = (self.machine.of_process(at, &tell, turn), tell.clone());
                scope.spawn(move || live(&machine, tried, &tell));
                batons.push(baton);
                let first = arrival(&told);
                self.arrived(at, first);
            }
            for stop in 0.. {
                if stop >= order.known {
                    if !known.moments.insert(self.moment()) {
                        return;
                    }
                    self.power_fails(known, explored);
                }
                let choices = self.choices();
                if choices.is_empty() {
                    return self.ends(known);
                }
                let (at, what) = choices[order.at(stop, choices.len())];
                batons[at].send(what).unwrap();
                let next = arrival(&told);
                self.arrived(at, next);
            }
        });
    }

    fn ends(&self, known: &mut Known) {
        let state = self.machine.state();
        assert_eq!(state, self.expected(known), "{}", self.told());
        self.nobody_gets_in_twice(&self.machine.image(), known);
    }

    /// Returns the state of everything: nothing else decides what can follow.
    fn moment(&self) -> Moment {
        (self.machine.written(), self.processes.clone())
    }

    fn choices(&self) -> Vec<Choice> {
        let is_dead = |process: &&Process| matches!(process, Process::Dead);
        let may_kill = self.processes.iter().filter(is_dead).count() < self.scenario.kills;
        let mut choices = Vec::new();
        for (at, process) in self.processes.iter().enumerate() {
            let Process::Before(step) = process else {
                continue;
            };
            if *step != Step::Hold || self.machine.is_free() {
                choices.push((at, Stop::GoOn));
            }
            if may_kill {
                choices.push((at, Stop::Die));
            }
        }
        choices
    }

    /// Notes that a process has stopped.
    fn arrived(&mut self, at: usize, stopped: Stopped) {
        let process = match stopped {
            Stopped::Before(step) => {
                let is_guess = self.scenario.tried[at] != Nothing;
                assert!(
                    step != Step::Commit
                        || !is_guess
                        || self.machine.progress(at) >= Progress::Noted,
                    "a reply was examined that is not counted: {}",
                    self.told()
                );
                assert!(
                    step != Step::Sync
                        || self.scenario.first == Long
                        || self.machine.progress(at) == Progress::Committed,
                    "a login whose record cannot be torn syncs once: {}",
                    self.told()
                );
                Process::Before(step)
            }
            Stopped::Answered(verdict) => {
                self.durable = self.machine.version_of(at);
                self.answered.push((self.scenario.tried[at], verdict));
                Process::Answered
            }
            Stopped::Dead => Process::Dead,
        };
        if at == self.processes.len() {
            self.processes.push(process);
        } else {
            self.processes[at] = process;
        }
    }

    /// Returns the state after the processes in the order in which they held the account: each has changed nothing, has
    /// stored a failed guess, or has finished.
    fn expected(&self, known: &mut Known) -> State {
        let mut state = self.machine.versions()[0].clone();
        for at in self.machine.writers_in_order() {
            state = known.follows(&state, self.scenario.tried[at], self.machine.progress(at));
        }
        let made = self.scenario.before.iter().chain(self.scenario.tried);
        let guesses = made.filter(|tried| **tried != Nothing).count();
        assert!(
            guesses >= 5 || state.standing == Standing::Open,
            "locked too early: {}",
            self.told()
        );
        state
    }

    /// Checks everything that the disk may have if the power fails now.
    fn power_fails(&self, known: &mut Known, explored: &mut Explored) {
        let versions = self.machine.versions();
        for image in self.machine.images_after_power_failure() {
            explored.power_failures += 1;
            explored.torn += usize::from(image.has_torn());
            let state = image.state();
            let allowed = versions[self.durable..]
                .iter()
                .any(|one| Some(one) == state.as_ref());
            assert!(
                allowed,
                "a power failure undoes an answer, or everything: {}",
                self.told()
            );
            self.nobody_gets_in_twice(&image, known);
        }
    }

    /// Checks that a code which has let somebody in never does so again, at no later attempt, and that none has done
    /// so twice.
    fn nobody_gets_in_twice(&self, image: &Image, known: &mut Known) {
        for key in [RightCode, RecoveryCode] {
            let let_in = |(tried, verdict): &&(Try, Verdict)| *tried == key && is_in(verdict);
            let times = self.answered.iter().filter(let_in).count();
            assert!(times <= 1, "{key:?} has let in {times}: {}", self.told());
            assert!(
                times == 0 || !known.opens(image, key),
                "{key:?} lets in again: {}",
                self.told()
            );
        }
    }

    fn told(&self) -> String {
        let Self {
            scenario,
            processes,
            answered,
            ..
        } = self;
        format!("{scenario:?}: {processes:?}, answered {answered:?}")
    }
}

/// Which process has written and synced, in this order, and how far each process is.
type Moment = (Vec<(usize, Step)>, Vec<Process>);

/// Results that are known from other orders.
#[derive(Default)]
struct Known {
    moments: HashSet<Moment>,
    opens: HashMap<(Image, Try), bool>,
    follows: Vec<((State, Try, Progress), State)>,
}

impl Known {
    /// Whether this reply is let in with this disk.
    fn opens(&mut self, image: &Image, key: Try) -> bool {
        let opens = self.opens.entry((image.clone(), key));
        *opens.or_insert_with(|| is_in(&try_on(&Machine::started_with(image, 1), key).unwrap()))
    }

    /// Returns the state that an attempt leaves when it has come this far.
    fn follows(&mut self, state: &State, tried: Try, progress: Progress) -> State {
        let step = (state.clone(), tried, progress);
        if let Some((_, next)) = self.follows.iter().find(|(known, _)| *known == step) {
            return next.clone();
        }
        let (credential, policy, input) = (credential(), Policy::default(), tried.input());
        let next = match progress {
            Progress::Nothing => state.clone(),
            Progress::Noted => failed_beforehand(&credential, state, &policy, &input, NOW),
            Progress::Committed => decide(&credential, state, &policy, &input, NOW).1,
        };
        self.follows.push((step, next.clone()));
        next
    }
}

fn is_in(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Accepted { .. } | Verdict::Recovered { .. }
    )
}

fn try_on(machine: &Machine, tried: Try) -> Result<Verdict, Error> {
    let policy = Policy::default();
    attempt(machine, &alice(), &policy, &tried.input(), false, || {
        Ok(NOW)
    })
    .map(Committed::into_inner)
}

/// Where a process has stopped, or how it has ended.
enum Stopped {
    Before(Step),
    Answered(Verdict),
    Dead,
}

/// Runs a process.
fn live(machine: &Machine, tried: Try, tell: &Sender<Stopped>) {
    let ended = match catch_unwind(AssertUnwindSafe(|| try_on(machine, tried))) {
        Ok(verdict) => Stopped::Answered(verdict.unwrap()),
        Err(why) if why.is::<Killed>() => Stopped::Dead,
        Err(why) => resume_unwind(why),
    };
    tell.send(ended).ok();
}

/// Waits until the running process has stopped.
fn arrival(told: &Receiver<Stopped>) -> Stopped {
    told.recv_timeout(SOON).expect("a process stops")
}
