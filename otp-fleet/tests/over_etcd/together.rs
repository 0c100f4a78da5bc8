//! Many simultaneous logins, each with its own connection, also while members die: every answer is true.

use crate::Test;
use crate::parts::account::{NOW, code, enrol, step, try_at, wrong};
use crate::parts::cluster::{Cluster, SOON};
use crate::parts::history::{Call, Tally, Typed, check};
use crate::parts::watch::Watch;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otp_core::{Credential, UnixTime};
use otp_fleet::etcd::Client;
use otp_fleet::keeper::{EtcdKeeper, Machine};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The number of simultaneous logins.
const AT_ONCE: usize = 64;
/// How long one login waits in all, like a machine.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn all() -> Vec<Test> {
    crate::tests![
        one_of_many_logins_with_one_code_gets_in,
        at_most_five_of_many_wrong_codes_are_judged,
        nobody_gets_in_twice_while_leaders_are_killed,
        nobody_gets_in_twice_while_members_are_stopped,
        every_login_without_a_majority_is_refused_in_time,
    ]
}

/// Returns the number of rounds; `OTP_ROUNDS` sets it for long runs.
fn rounds(unless_set: usize) -> usize {
    let set = std::env::var("OTP_ROUNDS").ok();
    set.and_then(|rounds| rounds.parse().ok())
        .unwrap_or(unless_set)
}

fn keepers(cluster: &Cluster) -> Vec<EtcdKeeper> {
    (0..AT_ONCE).map(|_| cluster.keeper()).collect()
}

/// Plays one round: all users type at once, and each gets an answer.
fn round(
    keepers: &[EtcdKeeper],
    name: &str,
    phone: &Credential,
    now: UnixTime,
    is_right: bool,
) -> Vec<Call> {
    let barrier = Barrier::new(keepers.len());
    let one = |(at, keeper): (usize, &EtcdKeeper)| {
        let machine = format!("m{at}-{}", now.seconds());
        let (typed, input) = if is_right {
            (Typed::Code(step(now)), code(phone, step(now)))
        } else {
            (
                Typed::Wrong,
                wrong(phone, u32::try_from(1000 * at).unwrap()),
            )
        };
        barrier.wait();
        let began = Instant::now();
        let keeper = keeper.for_request(Machine::new(&machine).unwrap(), PATIENCE);
        let told = try_at(&keeper, name, &input, now);
        Call {
            machine,
            typed,
            began,
            ended: Instant::now(),
            told,
        }
    };
    thread::scope(|scope| {
        let all: Vec<_> = keepers
            .iter()
            .enumerate()
            .map(|one_of| scope.spawn(move || one(one_of)))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// Plays rounds with one right code each. Returns in how many of them one login got in.
fn rounds_of_right_codes(
    root: &Client,
    keepers: &[EtcdKeeper],
    name: &str,
    phone: &Credential,
    rounds: usize,
) -> usize {
    let mut calls = Vec::new();
    let mut slowest = Duration::ZERO;
    let watch = Watch::begin();
    for at in 0..rounds {
        let now = NOW.after(Duration::from_secs(30 * at as u64));
        let told = round(keepers, name, phone, now, true);
        slowest = told
            .iter()
            .map(|call| call.ended - call.began)
            .max()
            .unwrap()
            .max(slowest);
        calls.extend(told);
    }
    let tally = check(root, name, &calls).unwrap();
    let Tally {
        accepted, unknown, ..
    } = tally;
    let told = calls
        .iter()
        .filter(|call| crate::parts::account::lets_in(&call.told))
        .count();
    println!(
        "    {rounds} rounds: in {accepted} a code was accepted, of which {told} logins were told; {unknown} were told nothing; slowest {slowest:?}"
    );
    watch.must_have_been_within(slowest, Duration::from_secs(12));
    assert!(told <= accepted && accepted <= rounds);
    told
}

fn one_of_many_logins_with_one_code_gets_in(cluster: &mut Cluster) {
    let keepers = keepers(cluster);
    let phone = enrol(&keepers[0], "of-one-code");
    let rounds = rounds(5);
    let told = rounds_of_right_codes(
        &cluster.client("root"),
        &keepers,
        "of-one-code",
        &phone,
        rounds,
    );
    assert_eq!(told, rounds);
}

fn at_most_five_of_many_wrong_codes_are_judged(cluster: &mut Cluster) {
    let (keepers, root) = (keepers(cluster), cluster.client("root"));
    for at in 0..rounds(3) {
        let name = format!("wrong-codes-{at}");
        let phone = enrol(&keepers[0], &name);
        let calls = round(&keepers, &name, &phone, NOW, false);
        let tally = check(&root, &name, &calls).unwrap();
        assert_eq!(tally.judged_wrong, 5, "{tally:?}");
        assert_eq!(tally.accepted, 0);
    }
}

/// Plays rounds while `disturb` runs again and again.
fn rounds_while(
    cluster: &mut Cluster,
    name: &str,
    rounds: usize,
    mut disturb: impl FnMut(&mut Cluster),
) -> usize {
    let (keepers, root) = (keepers(cluster), cluster.client("root"));
    let phone = enrol(&keepers[0], name);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let told = scope.spawn(|| {
            let told = rounds_of_right_codes(&root, &keepers, name, &phone, rounds);
            is_over.store(true, Ordering::Relaxed);
            told
        });
        while !is_over.load(Ordering::Relaxed) && !told.is_finished() {
            disturb(cluster);
        }
        told.join().unwrap()
    })
}

fn nobody_gets_in_twice_while_leaders_are_killed(cluster: &mut Cluster) {
    let mut kills = 0;
    let rounds = rounds(3);
    let told = rounds_while(cluster, "leaders-killed", rounds, |cluster| {
        let leader = cluster.leader();
        cluster.kill(leader);
        kills += 1;
        // A new leader is elected and serves logins before the old one is back.
        thread::sleep(Duration::from_millis(1500));
        cluster.begin(leader);
        thread::sleep(Duration::from_millis(1500));
    });
    println!("    {kills} leaders were killed; in {told} of {rounds} rounds one login got in");
    assert!(kills > 0);
}

fn nobody_gets_in_twice_while_members_are_stopped(cluster: &mut Cluster) {
    let mut at = 0;
    let rounds = rounds(3);
    let told = rounds_while(cluster, "members-stopped", rounds, |cluster| {
        // The leader every other time.
        let member = if at % 2 == 0 {
            cluster.leader()
        } else {
            at % 3
        };
        let process = Pid::from_raw(cluster.pid(member));
        kill(process, Signal::SIGSTOP).unwrap();
        thread::sleep(Duration::from_secs(2));
        kill(process, Signal::SIGCONT).unwrap();
        thread::sleep(Duration::from_millis(500));
        at += 1;
    });
    println!("    members were stopped {at} times; in {told} of {rounds} rounds one login got in");
    assert!(at > 0);
}

fn every_login_without_a_majority_is_refused_in_time(cluster: &mut Cluster) {
    let keeper = cluster.keeper();
    let phone = enrol(&keeper, "alice");
    let leader = cluster.leader();
    cluster.kill(leader);
    cluster.kill((leader + 1) % 3);
    let watch = Watch::begin();
    let one = keeper.for_request(Machine::new("web-1").unwrap(), PATIENCE);
    let told = try_at(&one, "alice", &code(&phone, step(NOW)), NOW);
    watch.must_be_within(Duration::from_secs(12));
    cluster.begin(leader);
    cluster.begin((leader + 1) % 3);
    assert!(
        matches!(told, Err(otp_store::Error::Database { .. })),
        "{told:?}"
    );
    cluster.leader();
    let until = Instant::now() + SOON;
    while Instant::now() < until {
        match try_at(&keeper, "alice", &code(&phone, step(NOW)), NOW) {
            Err(_) => {}
            told => return assert!(crate::parts::account::lets_in(&told), "{told:?}"),
        }
    }
    panic!("nobody gets in with all members back");
}
