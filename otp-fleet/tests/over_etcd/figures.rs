//! What an attempt costs. Times are told and not held to, for a machine may have much else to do; counts are.

use crate::Test;
use crate::parts::account::{NOW, code, enrol, lets_in, step, try_at};
use crate::parts::cluster::Cluster;
use otp_fleet::etcd::StatusRequest;
use std::time::{Duration, Instant};

pub fn all() -> Vec<Test> {
    crate::tests![an_attempt_takes_two_questions_and_little_space]
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
