//! A peer that breaks the protocol harms no other.

use super::*;
use std::net::Shutdown;

/// Whether another machine gets an answer now.
fn serves(fleet: &Fleet) -> bool {
    fleet
        .machine("web2")
        .answer(&is_enrolled("alice"))
        .is_some()
}

fn is_closed(mut tcp: TcpStream) -> bool {
    tcp.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut rest = Vec::new();
    match tcp.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn garbage_instead_of_tls_closes_the_connection() {
    let fleet = Fleet::new();
    for garbage in [
        &b""[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"otp1\x00\x00",
        &[0; 4096],
        &vec![0xff; 70_000],
        &[22, 3, 1, 0xff, 0xff],
    ] {
        let mut tcp = TcpStream::connect(fleet.address).unwrap();
        tcp.write_all(garbage).ok();
        tcp.shutdown(Shutdown::Write).ok();
        assert!(is_closed(tcp));
        assert!(serves(&fleet));
    }
}

/// The hello of a TLS 1.2 client, without the extension that names versions.
#[test]
fn tls_of_an_earlier_version_is_refused() {
    let fleet = Fleet::new();
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.push(0);
    // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, and no compression.
    hello.extend([0, 2, 0xc0, 0x2b, 1, 0]);
    // supported_groups: secp256r1; ec_point_formats; signature_algorithms: ecdsa_secp256r1_sha256.
    let extensions = [
        0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3,
    ];
    hello.extend([0, u8::try_from(extensions.len()).unwrap()]);
    hello.extend(extensions);
    let mut message = vec![1, 0, 0, u8::try_from(hello.len()).unwrap()];
    message.extend(hello);
    let mut record = vec![22, 3, 1, 0, u8::try_from(message.len()).unwrap()];
    record.extend(message);
    let mut tcp = TcpStream::connect(fleet.address).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    tcp.write_all(&record).unwrap();
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).unwrap();
    // The answer is an alert: fatal, protocol_version (RFC 8446 section 6).
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 70]);
    assert!(serves(&fleet));
}

#[test]
fn garbage_after_the_handshake_closes_the_connection_without_an_answer() {
    let fleet = Fleet::new();
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"otp2\x00\x00",
        b"otp1\xff\xff",
        b"otp1\x00\x03\x00\x02x",
        b"otp1\x00\x00",
        &vec![0; 100_000],
    ] {
        let mut machine = fleet.machine("web1");
        machine.0.write_all(garbage).ok();
        machine.0.flush().ok();
        assert!(machine.hear().is_none());
        assert!(serves(&fleet));
    }
}

#[test]
fn invalid_requests_close_the_connection_without_an_answer() {
    let fleet = Fleet::new();
    let policy = PolicyDigest::of(&Policy::default());
    let bare = is_enrolled("alice").to_fields();
    let envelope = otp_helper::fleet::wrap(Some(ALICE), policy, &bare);
    let twice = otp_helper::fleet::wrap(Some(ALICE), policy, &envelope);
    let unknown = otp_helper::fleet::wrap(Some(ALICE), policy, &Fields::default().with(b"unlock"));
    for fields in [bare, twice, unknown] {
        let mut machine = fleet.machine("web1");
        machine.send(&fields).unwrap();
        assert!(machine.hear().is_none());
    }
    // A person reads the error: it must say nothing about the fleet.
    let administrator = Fields::default().with(b"admin1").with(b"list");
    let mut machine = fleet.machine("web1");
    machine.send(&administrator).unwrap();
    let told = machine.hear().unwrap();
    let [b"err", told] = told.as_slices()[..] else {
        panic!("no error is told");
    };
    assert!(told.starts_with(b"otp-admin: this certificate is not that of an administrator"));
    assert_eq!(machine.hear().unwrap().as_slices()[0], b"exit");
    assert!(machine.hear().is_none());
    assert!(serves(&fleet));
}

#[test]
fn no_connection_gets_two_verdicts() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    let mut web1 = fleet.machine("web1");
    let wrong = check("alice", "00000000");
    // Both are sent at once, before the first is answered.
    web1.ask(Some(ALICE), &wrong).unwrap();
    web1.ask(Some(ALICE), &check("alice", &code(&phone, 1)))
        .unwrap();
    let first = Answer::from_fields(&web1.hear().unwrap());
    assert_eq!(first, Some(Answer::Verdict(Verdict::Rejected { left: 4 })));
    assert!(web1.hear().is_none());
    let right = check("alice", &code(&phone, 1));
    assert!(is_accepted(fleet.machine("web2").answer(&right).as_ref()));
}

#[test]
fn a_connection_asks_no_more_questions_than_a_login_needs() {
    let fleet = Fleet::new();
    let mut web1 = fleet.machine("web1");
    for _ in 0..8 {
        assert!(web1.answer(&is_enrolled("alice")).is_some());
    }
    assert!(web1.answer(&is_enrolled("alice")).is_none());
}

/// Recorded bytes are of no use to an attacker.
#[test]
fn recorded_bytes_are_of_no_use_when_sent_again() {
    let fleet = Fleet::new();
    let phone = fleet.enrolled("alice", ALICE);
    let between = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = between.local_addr().unwrap();
    let verifier = fleet.address;
    let between_them = thread::spawn(move || {
        let (mut machine, _) = between.accept().unwrap();
        let mut on = TcpStream::connect(verifier).unwrap();
        let (mut back, mut out) = (on.try_clone().unwrap(), machine.try_clone().unwrap());
        let answers = thread::spawn(move || io::copy(&mut back, &mut out).ok());
        let mut recorded = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = machine.read(&mut piece) {
            recorded.extend_from_slice(&piece[..count]);
            on.write_all(&piece[..count]).unwrap();
        }
        on.shutdown(Shutdown::Both).ok();
        answers.join().unwrap();
        recorded
    });
    let mut through = fleet.machine("web1");
    through.0.sock = TcpStream::connect(address).unwrap();
    let wrong = through.answer(&check("alice", "00000000"));
    assert_eq!(wrong, Some(Answer::Verdict(Verdict::Rejected { left: 4 })));
    drop(through);
    let recorded = between_them.join().unwrap();
    assert!(recorded.len() > 500, "{}", recorded.len());
    for _ in 0..10 {
        let mut tcp = TcpStream::connect(fleet.address).unwrap();
        tcp.write_all(&recorded).ok();
        assert!(is_closed(tcp));
    }
    // None of them was an attempt: the account would be locked.
    let right = check("alice", &code(&phone, 1));
    assert!(is_accepted(fleet.machine("web1").answer(&right).as_ref()));
}

#[test]
fn a_slow_machine_keeps_nobody_waiting() {
    let fleet = Fleet::new();
    // One stops in the handshake, one in a message, one between messages.
    let mut shaking = TcpStream::connect(fleet.address).unwrap();
    shaking.write_all(&[22, 3, 1]).unwrap();
    let mut begun = fleet.machine("web1");
    begun.0.write_all(b"otp1\x00").unwrap();
    begun.0.flush().unwrap();
    let idle = fleet.machine("web1");
    let before = Instant::now();
    for _ in 0..20 {
        assert!(serves(&fleet));
    }
    assert!(before.elapsed() < HANDSHAKE * 10, "twenty answers");
    // Both are ended in time.
    assert!(is_closed(shaking));
    match begun.0.read(&mut [0; 1]) {
        Ok(count) => assert_eq!(count, 0),
        // This side must not have ended first; it waits longer.
        Err(error) => assert_ne!(error.kind(), ErrorKind::WouldBlock),
    }
    drop(idle);
}

#[test]
fn one_machine_cannot_take_all_connections() {
    let fleet = Fleet::with("connections = 16", "", otp_site::clock::now);
    let tls = fleet.tls("web1");
    let mut held = Vec::new();
    let mut refused = 0;
    while held.len() < 8 {
        let mut machine = fleet.by(tls.clone());
        if machine.answer(&is_enrolled("alice")).is_some() {
            held.push(machine);
        } else {
            // The place of an earlier connection is given back a moment later.
            refused += 1;
            assert!(refused < 10_000);
        }
    }
    for _ in 0..20 {
        assert!(
            fleet
                .by(tls.clone())
                .answer(&is_enrolled("alice"))
                .is_none()
        );
    }
    assert!((0..10_000).any(|_| serves(&fleet)));
}

/// A connection gives back its place however it ends, even by a panic.
#[test]
fn every_connection_gives_its_slot_back() {
    let fleet = Fleet::with("connections = 16", "", otp_site::clock::now);
    for at in 0..200 {
        let mut tcp = TcpStream::connect(fleet.address).unwrap();
        if at % 2 == 0 {
            tcp.write_all(b"x").ok();
        }
    }
    let since = Instant::now();
    while !serves(&fleet) {
        assert!(since.elapsed() < Duration::from_secs(600));
    }
    let slots = fleet.serving.as_ref().unwrap().slots.clone();
    while slots.count() > 0 {
        assert!(since.elapsed() < Duration::from_secs(600));
        thread::yield_now();
    }
}

/// A machine may begin a grace under any name, but not for a user who has another user id on this host, and not
/// without limit.
#[test]
fn a_machine_cannot_fill_the_database_with_unknown_names() {
    let fleet = Fleet::new();
    let begin = |machine: &str, user: &str, uid| {
        let mut machine = fleet.machine(machine);
        let request = Request::BeginGrace {
            user: user.to_owned(),
        };
        machine.ask(Some(uid), &request).unwrap();
        Answer::from_fields(&machine.hear().unwrap())
    };
    let known = otp_site::users::account("daemon")
        .unwrap()
        .expect("every system has the user daemon");
    assert_eq!(begin("web1", "daemon", known.uid + 5), Some(Answer::Denied));
    assert_eq!(begin("web1", "daemon", known.uid), Some(Answer::Done));
    let most = measure::NEW_NAMES;
    let mut invented =
        (0..2 * most).map(|at| (at, begin("web1", &format!("nobody-{at}"), 70_000 + at)));
    let (at, refused) = invented
        .find(|(_, answer)| *answer != Some(Answer::Done))
        .expect("the limit is reached");
    assert!(
        matches!(refused, Some(Answer::Unavailable(_))),
        "{refused:?}"
    );
    assert!(at >= most, "{at}");
    // Enrolment has the same limit; other machines are not held back, and neither are users whom this host knows.
    let mut web1 = fleet.machine("web1");
    web1.ask(Some(90_000), &enrol("nobody-else")).unwrap();
    let said = Answer::from_fields(&web1.hear().unwrap());
    assert!(matches!(said, Some(Answer::Unavailable(_))), "{said:?}");
    assert_eq!(begin("web2", "nobody-else", 90_000), Some(Answer::Done));
    assert_eq!(begin("web1", "daemon", known.uid), Some(Answer::Done));
}

/// A user in their grace logs in repeatedly: this writes nothing, and must not hold back the machine.
#[test]
fn repeated_logins_within_a_grace_use_up_no_allowance() {
    let fleet = Fleet::new();
    for (user, uid) in [("nobody-1", 70_001), ("nobody-2", 70_002)] {
        let user = user.to_owned();
        for _ in 0..measure::NEW_NAMES {
            let mut web1 = fleet.machine("web1");
            let begins = [
                Request::RehearseGrace { user: user.clone() },
                Request::BeginGrace { user: user.clone() },
            ];
            for request in begins {
                web1.ask(Some(uid), &request).unwrap();
                let said = Answer::from_fields(&web1.hear().unwrap());
                assert_eq!(said, Some(Answer::Done), "{user}");
            }
        }
    }
}

/// Anyone who reaches a login can type wrong codes under names without an authenticator: this writes nothing.
#[test]
fn codes_for_unenrolled_names_do_not_hold_a_machine_back() {
    let fleet = Fleet::new();
    let nobody = || {
        let mut web1 = fleet.machine("web1");
        web1.ask(None, &check("", "123456")).unwrap();
        Answer::from_fields(&web1.hear().unwrap())
    };
    let refused = Some(Answer::Verdict(Verdict::NotEnrolled));
    for _ in 0..=measure::REFUSALS {
        assert_eq!(nobody(), refused);
        let without = fleet.machine("web1").answer(&check("bob", "123456"));
        assert_eq!(without, refused);
    }
}
