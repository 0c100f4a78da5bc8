//! The cost of an attempt. Counts are asserted; times are only printed, since the machine may be busy.

use crate::Test;
use crate::parts::account::{NOW, code, enrol, lets_in, step, try_at};
use crate::parts::cluster::{Cluster, SOON, VERIFIER};
use otp_fleet::keeper::EtcdKeeper;
use std::time::{Duration, Instant};

pub fn all() -> Vec<Test> {
    crate::tests![
        an_attempt_takes_two_requests_and_little_space,
        the_leading_member_is_preferred,
    ]
}

const ATTEMPTS: usize = 300;
/// How many attempts are measured together.
const TOGETHER: usize = 20;
/// Bytes of etcd's file that one login may take before compaction. The state alone has 4096 bytes before its padding is
/// folded.
const MOST_SPACE: i64 = 2048;

fn an_attempt_takes_two_requests_and_little_space(cluster: &mut Cluster) {
    let keeper = cluster.keeper();
    let phone = enrol(&keeper, "alice");
    let used = || cluster.status(0).db_size_in_use;
    let space = used();
    let mut steps = 0..;
    let mut took = Vec::new();
    while took.len() < ATTEMPTS {
        let mut attempt = || {
            let now = NOW.after(Duration::from_secs(30 * steps.next().unwrap()));
            let input = code(&phone, step(now));
            let (before, began) = (keeper.client().calls(), Instant::now());
            let verdict = try_at(&keeper, "alice", &input, now);
            took.push(began.elapsed());
            (keeper.client().calls() - before, verdict)
        };
        cluster.while_one_leads(
            |_| (0..TOGETHER).map(|_| attempt()).collect::<Vec<_>>(),
            |all, _| {
                all.iter()
                    .all(|(asked, verdict)| *asked == 2 && lets_in(verdict))
            },
        );
    }
    let space = (used() - space) / i64::try_from(took.len()).unwrap();
    took.sort();
    let at = |percent: usize| took[took.len() * percent / 100];
    println!(
        "    {} attempts: p50 {:?}, p99 {:?}; {space} bytes each",
        took.len(),
        at(50),
        at(99)
    );
    assert!(space < MOST_SPACE, "{space}");
}

/// A request to any other member costs one more round trip.
fn the_leading_member_is_preferred(cluster: &mut Cluster) {
    let all = cluster.endpoints();
    for first in 0..all.len() {
        let mut config = cluster.config(VERIFIER);
        config.endpoints.rotate_left(first);
        let look = |_| {
            let keeper = EtcdKeeper::connect(&config, SOON).unwrap();
            let client = keeper.client();
            let mut asked = vec![client.member()];
            client.prefer_the_leader();
            asked.push(client.member());
            // The client stays with that member and asks no other again.
            assert!(keeper.fleet().is_ok());
            client.prefer_the_leader();
            asked.push(client.member());
            asked
        };
        cluster.while_one_leads(look, |asked, leader| {
            let expected = [first, leader, leader].map(|at| Some(all[at].clone()));
            *asked == expected
        });
    }
    // If the client does not know the leader, it keeps its member.
    let look = |leader| {
        let mut config = cluster.config(VERIFIER);
        config.endpoints.remove(leader);
        let keeper = EtcdKeeper::connect(&config, SOON).unwrap();
        keeper.client().prefer_the_leader();
        let asked = keeper.client().member();
        assert!(keeper.fleet().is_ok());
        (asked, config.endpoints.first().cloned())
    };
    cluster.while_one_leads(look, |(asked, first), _| asked == first);
}
