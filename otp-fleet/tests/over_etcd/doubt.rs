//! An unanswered write is done, never done, or in doubt, and each is reported as such.

use crate::Test;
use crate::parts::account::{NOW, account, code, enrol, lets_in, step, try_at};
use crate::parts::cluster::{Cluster, SOON, VERIFIER};
use crate::parts::proxy::{Mode, Proxy};
use crate::parts::watch::Watch;
use otp_core::Verdict;
use otp_fleet::etcd::{AuthUserAddRequest, AuthUserDeleteRequest, Limits, Rpc, UserAddOptions};
use otp_fleet::keeper::{EtcdKeeper, Machine};
use otp_store::Error;
use otp_store::keeper::{Bytes, Goes, Held, Keeper, Look, Part, Put};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub fn all() -> Vec<Test> {
    crate::tests![
        a_write_whose_answer_is_lost_is_done,
        a_write_whose_answer_is_lost_is_done_even_if_others_have_written_since,
        a_late_write_whose_answer_is_lost_is_overtaken,
        a_delayed_write_is_overtaken_and_never_done_later,
        an_unanswered_write_is_in_doubt_and_lets_nobody_in,
        a_record_renamed_meanwhile_is_not_reported_as_erased,
        a_code_whose_answer_is_lost_opens_one_login,
        a_full_database_is_reported_as_full,
        no_request_is_sent_or_in_doubt_if_no_member_listens,
        a_request_that_fails_at_once_is_repeated_with_growing_pauses,
        a_change_of_etcd_users_meanwhile_refuses_no_login,
    ]
}

/// Makes a keeper whose connections lead through the proxies, and then also around them if `and_around`.
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
    // The held copy is the stored one: its next write counts as well.
    assert_eq!(held.put(Part::FirstLogin, b"mine too").unwrap(), Put::Done);
    assert_eq!(**first_login(&direct).as_ref().unwrap(), b"mine too"[..]);
}

fn a_write_whose_answer_is_lost_is_done_even_if_others_have_written_since(cluster: &mut Cluster) {
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

fn a_late_write_whose_answer_is_lost_is_overtaken(cluster: &mut Cluster) {
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

fn a_delayed_write_is_overtaken_and_never_done_later(cluster: &mut Cluster) {
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
    // The same connection answers again once the delayed requests have passed.
    let through_it = through(cluster, &[&proxy], false);
    for _ in 0..20 {
        assert!(first_login(&through_it).is_none());
    }
    assert_eq!(write(&direct, b"later"), Put::Done);
}

fn an_unanswered_write_is_in_doubt_and_lets_nobody_in(cluster: &mut Cluster) {
    let direct = cluster.keeper();
    let phone = enrol(&direct, "alice");
    let proxy = Proxy::before(&cluster.endpoints()[0]);
    let keeper = through(cluster, &[&proxy], false);
    let mut held = keeper.hold(&account("alice"), SOON).unwrap().unwrap();
    proxy.set(Mode::LoseAnswers);
    let watch = Watch::begin();
    let put = held.put(Part::FirstLogin, b"mine");
    watch.must_be_within(Duration::from_secs(12));
    assert!(matches!(put, Err(Error::InDoubt { .. })), "{put:?}");
    drop(held);
    // A whole login: the record is read, and then nobody answers.
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
    // The code is used up: its user has not been let in, and nobody else is.
    let verdict = try_at(&direct, "alice", &input, NOW);
    assert!(matches!(verdict, Ok(Verdict::Replayed)), "{verdict:?}");
}

fn a_record_renamed_meanwhile_is_not_reported_as_erased(cluster: &mut Cluster) {
    let direct = cluster.keeper();
    enrol(&direct, "alice");
    let (alice, bob) = (account("alice").name, account("bob"));
    let mut held = direct.hold_name(&alice, SOON).unwrap().unwrap();
    let other = cluster.keeper();
    otp_store::moving::move_record(&other, &alice, &bob, true).unwrap();
    let erased = direct.erase(&mut held, &alice, Goes::Everything).unwrap();
    assert_eq!(erased, Put::Overtaken);
    drop(held);
    assert!(direct.hold_name(&bob.name, SOON).unwrap().is_some());
    // If another keeper has erased the record, the result is the same, whether its answer was lost or not.
    let both = [&direct, &other];
    let mut held = both.map(|keeper| keeper.hold_name(&bob.name, SOON).unwrap().unwrap());
    for (keeper, held) in both.into_iter().zip(&mut held) {
        let erased = keeper.erase(held, &bob.name, Goes::Everything).unwrap();
        assert_eq!(erased, Put::Done);
    }
    enrol(&direct, "alice");
    let proxy = Proxy::before(&cluster.endpoints()[0]);
    let keeper = through(cluster, &[&proxy], true);
    let mut held = keeper.hold_name(&alice, SOON).unwrap().unwrap();
    proxy.set(Mode::LoseAnswers);
    let erased = keeper.erase(&mut held, &alice, Goes::Everything).unwrap();
    assert_eq!(erased, Put::Done);
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

fn a_full_database_is_reported_as_full(cluster: &mut Cluster) {
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
    let watch = Watch::begin();
    let refused = try_at(&keeper, "alice", &code(&phone, step(NOW)), NOW);
    watch.must_be_within(Duration::from_secs(9));
    root.again(&alarm(AlarmAction::Deactivate), Instant::now() + SOON)
        .unwrap();
    let error = refused.err().unwrap();
    assert!(matches!(error, Error::Database { .. }), "{error}");
    assert!(error.to_string().contains("space"), "{error}");
    assert!(lets_in(&try_at(
        &keeper,
        "alice",
        &code(&phone, step(NOW)),
        NOW
    )));
}

fn no_request_is_sent_or_in_doubt_if_no_member_listens(cluster: &mut Cluster) {
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

/// A request that is refused at once, each time.
#[derive(Clone)]
struct Failing(Arc<AtomicU64>);

impl Rpc for Failing {
    type Answer = ();

    async fn send(
        self,
        _: tonic::transport::Channel,
    ) -> Result<tonic::Response<()>, tonic::Status> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(tonic::Status::unavailable("etcdserver: not capable"))
    }
}

fn a_request_that_fails_at_once_is_repeated_with_growing_pauses(cluster: &mut Cluster) {
    let asked = Arc::new(AtomicU64::new(0));
    let keeper = cluster.keeper();
    let until = Instant::now() + Duration::from_secs(2);
    assert!(
        keeper
            .client()
            .again(&Failing(Arc::clone(&asked)), until)
            .is_err()
    );
    let asked = asked.load(Ordering::Relaxed);
    // 50 ms, 100, 200, and 400 from then on.
    assert!((1..=8).contains(&asked), "{asked}");
}

/// etcd answers that its users have changed since the request was authorised. This is no refusal, and nothing was done.
fn a_change_of_etcd_users_meanwhile_refuses_no_login(cluster: &mut Cluster) {
    let keeper = cluster.keeper();
    let root = cluster.client("root");
    let phone = enrol(&keeper, "alice");
    let is_over = AtomicBool::new(false);
    let changes = AtomicU64::new(0);
    let verdicts: Vec<_> = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let add = AuthUserAddRequest {
                    name: "somebody".to_owned(),
                    options: Some(UserAddOptions { no_password: true }),
                    ..AuthUserAddRequest::default()
                };
                // An unanswered request may have been carried out: then the next one is refused.
                root.once(add, Instant::now() + SOON).ok();
                let delete = AuthUserDeleteRequest {
                    name: "somebody".to_owned(),
                };
                let is_deleted = root.once(delete, Instant::now() + SOON).is_ok();
                changes.fetch_add(u64::from(is_deleted), Ordering::Relaxed);
            }
        });
        let verdicts = (0..200).map(|at| {
            let now = NOW.after(Duration::from_secs(30 * at));
            try_at(&keeper, "alice", &code(&phone, step(now)), now)
        });
        let verdicts = verdicts.collect();
        is_over.store(true, Ordering::Relaxed);
        verdicts
    });
    assert!(changes.load(Ordering::Relaxed) > 0);
    for verdict in verdicts {
        assert!(lets_in(&verdict), "{verdict:?}");
    }
}
