//! A write that is not answered: done, never done, or in doubt, and each told as what it is.

use crate::Test;
use crate::parts::account::{NOW, account, code, enrol, lets_in, step, try_at};
use crate::parts::cluster::{Cluster, SOON, VERIFIER};
use crate::parts::proxy::{Mode, Proxy};
use otp_core::Verdict;
use otp_fleet::etcd::Limits;
use otp_fleet::keeper::{EtcdKeeper, Machine};
use otp_store::Error;
use otp_store::keeper::{Bytes, Held, Keeper, Look, Part, Put};
use std::thread;
use std::time::{Duration, Instant};

pub fn all() -> Vec<Test> {
    crate::tests![
        a_write_whose_answer_is_lost_is_done,
        a_write_whose_answer_is_lost_is_done_also_where_others_have_written_since,
        a_write_that_came_too_late_and_whose_answer_is_lost_is_overtaken,
        a_write_that_was_kept_back_is_overtaken_and_never_done_later,
        a_write_that_nobody_answers_for_is_in_doubt_and_lets_nobody_in,
        a_code_whose_answer_is_lost_opens_one_login,
        a_database_that_is_full_is_told_as_that,
        nothing_is_sent_and_nothing_in_doubt_where_nobody_listens,
    ]
}

/// A keeper whose first connection leads through a proxy, and the next ones do not.
fn through(cluster: &Cluster, proxies: &[&Proxy], and_around: bool) -> EtcdKeeper {
    let mut config = cluster.config(VERIFIER);
    let around = std::mem::take(&mut config.endpoints);
    config.endpoints = proxies.iter().map(|proxy| proxy.endpoint()).collect();
    if and_around {
        config.endpoints.extend(around);
    }
    let limits = Limits {
        call: Duration::from_secs(1),
        ..Limits::default()
    };
    EtcdKeeper::within(&config, limits).unwrap()
}

fn first_login(keeper: &EtcdKeeper) -> Option<Bytes> {
    let mut kept = keeper.look(&account("alice")).unwrap().unwrap();
    kept.get(Part::FirstLogin).unwrap()
}

fn write(keeper: &EtcdKeeper, bytes: &[u8]) -> Put {
    let mut held = keeper.hold(&account("alice"), SOON).unwrap().unwrap();
    held.put(Part::FirstLogin, bytes).unwrap()
}

fn a_write_whose_answer_is_lost_is_done(cluster: &mut Cluster) {
    let direct = cluster.keeper();
    enrol(&direct, "alice");
    let proxy = Proxy::before(&cluster.endpoints()[0]);
    let keeper = through(cluster, &[&proxy], true);
    let mut held = keeper.hold(&account("alice"), SOON).unwrap().unwrap();
    proxy.set(Mode::LoseAnswers);
    assert_eq!(held.put(Part::FirstLogin, b"mine").unwrap(), Put::Done);
    assert_eq!(**first_login(&direct).as_ref().unwrap(), b"mine"[..]);
    // What it holds is what is kept: the next write of it counts as well.
    assert_eq!(held.put(Part::FirstLogin, b"mine too").unwrap(), Put::Done);
    assert_eq!(**first_login(&direct).as_ref().unwrap(), b"mine too"[..]);
}

fn a_write_whose_answer_is_lost_is_done_also_where_others_have_written_since(
    cluster: &mut Cluster,
) {
    let direct = cluster.keeper();
    enrol(&direct, "alice");
    let proxy = Proxy::before(&cluster.endpoints()[0]);
    let keeper = through(cluster, &[&proxy], true);
    let mut held = keeper.hold(&account("alice"), SOON).unwrap().unwrap();
    proxy.set(Mode::LoseAnswers);
    let put = thread::scope(|scope| {
        let put = scope.spawn(|| held.put(Part::FirstLogin, b"mine").unwrap());
        while first_login(&direct).is_none() {}
        for at in 0..3 {
            assert_eq!(write(&direct, format!("others {at}").as_bytes()), Put::Done);
        }
        put.join().unwrap()
    });
    assert_eq!(put, Put::Done);
    assert_eq!(**first_login(&direct).as_ref().unwrap(), b"others 2"[..]);
}

fn a_write_that_came_too_late_and_whose_answer_is_lost_is_overtaken(cluster: &mut Cluster) {
    let direct = cluster.keeper();
    enrol(&direct, "alice");
    let proxy = Proxy::before(&cluster.endpoints()[0]);
    let keeper = through(cluster, &[&proxy], true);
    let mut held = keeper.hold(&account("alice"), SOON).unwrap().unwrap();
    for at in 0..3 {
        assert_eq!(write(&direct, format!("others {at}").as_bytes()), Put::Done);
    }
    proxy.set(Mode::LoseAnswers);
    assert_eq!(held.put(Part::FirstLogin, b"mine").unwrap(), Put::Overtaken);
    assert_eq!(**first_login(&direct).as_ref().unwrap(), b"others 2"[..]);
}

fn a_write_that_was_kept_back_is_overtaken_and_never_done_later(cluster: &mut Cluster) {
    let direct = cluster.keeper();
    enrol(&direct, "alice");
    let proxy = Proxy::before(&cluster.endpoints()[0]);
    let keeper = through(cluster, &[&proxy], true);
    let mut held = keeper.hold(&account("alice"), SOON).unwrap().unwrap();
    proxy.set(Mode::KeepQuestions);
    assert_eq!(held.put(Part::FirstLogin, b"mine").unwrap(), Put::Overtaken);
    assert!(first_login(&direct).is_none());
    assert!(proxy.let_go() > 0);
    proxy.set(Mode::Pass);
    // The same connection answers again when it has been through what was kept back.
    let through_it = through(cluster, &[&proxy], false);
    for _ in 0..20 {
        assert!(first_login(&through_it).is_none());
    }
    assert_eq!(write(&direct, b"later"), Put::Done);
}

fn a_write_that_nobody_answers_for_is_in_doubt_and_lets_nobody_in(cluster: &mut Cluster) {
    let direct = cluster.keeper();
    let phone = enrol(&direct, "alice");
    let proxy = Proxy::before(&cluster.endpoints()[0]);
    let keeper = through(cluster, &[&proxy], false);
    let mut held = keeper.hold(&account("alice"), SOON).unwrap().unwrap();
    proxy.set(Mode::LoseAnswers);
    let began = Instant::now();
    let put = held.put(Part::FirstLogin, b"mine");
    assert!(matches!(put, Err(Error::InDoubt { .. })), "{put:?}");
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "{:?}",
        began.elapsed()
    );
    drop(held);
    // The whole login: it is read, and then nobody answers.
    proxy.set(Mode::Pass);
    let machine = Machine::new("web-1").unwrap();
    let one = keeper.for_request(machine, Duration::from_secs(3));
    let mut clock_is_read = false;
    let input = code(&phone, step(NOW));
    let policy = otp_core::Policy::default();
    let verdict = otp_store::attempt(&one, &account("alice"), &policy, &input, false, || {
        clock_is_read = true;
        proxy.set(Mode::LoseAnswers);
        Ok(NOW)
    });
    let error = verdict.err().unwrap();
    assert!(matches!(error, Error::InDoubt { .. }), "{error}");
    assert!(clock_is_read);
    // The code is used up: whoever typed it has not got in, and nobody else does.
    let verdict = try_at(&direct, "alice", &input, NOW);
    assert!(matches!(verdict, Ok(Verdict::Replayed)), "{verdict:?}");
}

fn a_code_whose_answer_is_lost_opens_one_login(cluster: &mut Cluster) {
    let direct = cluster.keeper();
    let phone = enrol(&direct, "alice");
    for (round, mode) in [Mode::LoseAnswers, Mode::KeepQuestions]
        .into_iter()
        .enumerate()
    {
        let now = NOW.after(Duration::from_secs(60 * round as u64));
        let input = code(&phone, step(now));
        let proxy = Proxy::before(&cluster.endpoints()[round]);
        let keeper = through(cluster, &[&proxy], true);
        keeper.fleet().unwrap();
        let mut looked = false;
        let policy = otp_core::Policy::default();
        let verdict =
            otp_store::attempt(&keeper, &account("alice"), &policy, &input, false, || {
                if !std::mem::replace(&mut looked, true) {
                    proxy.set(mode);
                }
                Ok(now)
            });
        let verdict = verdict.map(otp_store::Committed::into_inner);
        assert!(lets_in(&verdict), "{mode:?}: {verdict:?}");
        proxy.let_go();
        let again = try_at(&direct, "alice", &input, now);
        assert!(
            matches!(again, Ok(Verdict::Replayed)),
            "{mode:?}: {again:?}"
        );
    }
}

fn a_database_that_is_full_is_told_as_that(cluster: &mut Cluster) {
    use otp_fleet::etcd::{AlarmRequest, AlarmType, alarm_request::AlarmAction};
    let keeper = cluster.keeper();
    let phone = enrol(&keeper, "alice");
    let root = cluster.client("root");
    let alarm = |action: AlarmAction| AlarmRequest {
        action: action.into(),
        member_id: 0,
        alarm: AlarmType::Nospace.into(),
    };
    let raised = alarm(AlarmAction::Activate);
    root.again(&raised, Instant::now() + SOON).unwrap();
    let began = Instant::now();
    let refused = try_at(&keeper, "alice", &code(&phone, step(NOW)), NOW);
    let took = began.elapsed();
    root.again(&alarm(AlarmAction::Deactivate), Instant::now() + SOON)
        .unwrap();
    let error = refused.err().unwrap();
    assert!(matches!(error, Error::Database { .. }), "{error}");
    assert!(error.to_string().contains("space"), "{error}");
    assert!(took < Duration::from_secs(9), "{took:?}");
    assert!(lets_in(&try_at(
        &keeper,
        "alice",
        &code(&phone, step(NOW)),
        NOW
    )));
}

fn nothing_is_sent_and_nothing_in_doubt_where_nobody_listens(cluster: &mut Cluster) {
    let mut config = cluster.config(VERIFIER);
    // Port 1 of loopback: nobody listens there.
    config.endpoints = vec!["127.0.0.1:1".to_owned(), "localhost:1".to_owned()];
    let keeper = EtcdKeeper::within(&config, Limits::default()).unwrap();
    let machine = Machine::new("web-1").unwrap();
    let one = keeper.for_request(machine, Duration::from_millis(500));
    let error = one.hold(&account("alice"), SOON).err().unwrap();
    assert!(matches!(error, Error::Database { .. }), "{error}");
    assert_eq!(keeper.client().calls(), 0);
}
