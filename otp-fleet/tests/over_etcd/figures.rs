//! What an attempt costs. Times are told and not held to, for a machine may have much else to do; counts are.

use crate::Test;
use crate::parts::account::{NOW, code, enrol, lets_in, step, try_at};
use crate::parts::cluster::{Cluster, SOON, VERIFIER};
use otp_fleet::etcd::StatusRequest;
use otp_fleet::keeper::EtcdKeeper;
use std::time::{Duration, Instant};

pub fn all() -> Vec<Test> {
    crate::tests![
        an_attempt_takes_two_questions_and_little_space,
        the_member_that_leads_is_preferred,
    ]
}

const ATTEMPTS: usize = 300;
/// Bytes of etcd's file that one login may take until it is compacted. The state alone has 4096, unfolded.
const MOST_SPACE: i64 = 2048;

fn an_attempt_takes_two_questions_and_little_space(cluster: &mut Cluster) {
    let (keeper, root) = (cluster.keeper(), cluster.client("root"));
    let phone = enrol(&keeper, "alice");
    let member = &cluster.endpoints()[0];
    let used = || {
        let status = root.ask_member(member, StatusRequest {}).unwrap();
        status.db_size_in_use
    };
    let (calls, space) = (keeper.client().calls(), used());
    let mut took: Vec<Duration> = (0..ATTEMPTS)
        .map(|at| {
            let now = NOW.after(Duration::from_secs(30 * at as u64));
            let input = code(&phone, step(now));
            let began = Instant::now();
            assert!(lets_in(&try_at(&keeper, "alice", &input, now)));
            began.elapsed()
        })
        .collect();
    took.sort();
    let asked = keeper.client().calls() - calls;
    let space = (used() - space) / i64::try_from(ATTEMPTS).unwrap();
    let at = |percent: usize| took[ATTEMPTS * percent / 100];
    println!(
        "    {ATTEMPTS} accepted attempts: p50 {:?}, p99 {:?}; {space} bytes each",
        at(50),
        at(99)
    );
    assert_eq!(asked, 2 * ATTEMPTS as u64);
    assert!(space < MOST_SPACE, "{space}");
}

/// A question to another one takes a further way to it and back.
fn the_member_that_leads_is_preferred(cluster: &mut Cluster) {
    let root = cluster.client("root");
    let all = cluster.endpoints();
    let leads = |member: &String| {
        let status = root.ask_member(member, StatusRequest {}).unwrap();
        status.header.unwrap().member_id == status.leader
    };
    let since = Instant::now();
    let leader = loop {
        if let Some(at) = all.iter().position(leads) {
            break at;
        }
        assert!(since.elapsed() < SOON);
    };
    for first in 0..all.len() {
        let mut config = cluster.config(VERIFIER);
        config.endpoints.rotate_left(first);
        let keeper = EtcdKeeper::connect(&config, SOON).unwrap();
        let client = keeper.client();
        assert_eq!(client.member().as_ref(), Some(&all[first]));
        client.prefer_the_leader();
        assert_eq!(client.member().as_ref(), Some(&all[leader]));
        // It goes on over that one, and asks no other again.
        assert!(keeper.fleet().is_ok());
        client.prefer_the_leader();
        assert_eq!(client.member().as_ref(), Some(&all[leader]));
    }
    // Where the leader is not among those that it knows, it stays with what it has.
    let mut config = cluster.config(VERIFIER);
    config.endpoints.remove(leader);
    let keeper = EtcdKeeper::connect(&config, SOON).unwrap();
    keeper.client().prefer_the_leader();
    assert_eq!(keeper.client().member().as_ref(), config.endpoints.first());
    assert!(keeper.fleet().is_ok());
}
