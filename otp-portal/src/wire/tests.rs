use super::*;
use otp_core::{Verdict, every};
use otp_store::change::Refused;
use std::os::unix::net::UnixStream;
use std::thread;

fn token(length: usize) -> Token {
    Token::from_bytes(&vec![7; length]).unwrap()
}

fn phone() -> Name {
    Name::new("회사 전화").unwrap()
}

fn matters() -> Vec<Matter> {
    let begin = |name: &str, address: &str, language| Matter::Begin {
        name: name.to_owned(),
        address: address.parse().unwrap(),
        language,
    };
    let changes = every!(Change {
        Enrol => [Change::Enrol(phone())],
        Add => [Change::Add(phone())],
        Remove => [Change::Remove(None), Change::Remove(Some(phone()))],
        RecoveryCodes => [Change::RecoveryCodes],
    });
    let changes = changes.into_iter().map(|change| Matter::Change {
        token: token(LONGEST_TOKEN),
        change,
        language: Language::Korean,
    });
    let standing = |count| Matter::Standing {
        tokens: (0..count).map(|_| token(LONGEST_TOKEN)).collect(),
    };
    let replies = [b"123456".to_vec(), Vec::new(), vec![255; LONGEST_REPLY]];
    every!(Matter {
        Begin => [
            begin("alice", "192.0.2.1", Language::English),
            begin("", "2001:db8::1", Language::Korean),
            begin(&"x".repeat(LONGEST_NAME), "::1", Language::Korean),
        ],
        Standing => [1, MOST_TOKENS].map(standing),
        Status => [1, LONGEST_TOKEN].map(|length| Matter::Status { token: token(length) }),
        Try => replies.map(|reply| Matter::Try { token: token(9), reply: Zeroizing::new(reply) }),
        Events => [Matter::Events { token: token(9) }],
        Change => changes.collect::<Vec<_>>(),
        LeaveEverywhere => [Matter::LeaveEverywhere { token: token(9) }],
    })
}

fn said() -> Vec<Said> {
    let standings = Ended::ALL.map(Standing::Ended).into_iter();
    let standings = every!(Standing {
        Stands => [Standing::Stands],
        Ended => standings.collect::<Vec<_>>(),
        Unknown => [Standing::Unknown],
    });
    let ask = Turn::Ask {
        prompt: "Password: ".to_owned(),
        echo: false,
    };
    let tell = Turn::Tell {
        text: "two\nlines".to_owned().into(),
    };
    let admitted = |enrolled| {
        Said::In(Admitted {
            user: "alice".to_owned(),
            uid: 1001,
            token: token(LONGEST_TOKEN),
            enrolled,
            ends: UnixTime::from_seconds(1_763_640_000),
        })
    };
    let changed = |enrolled| Said::Changed {
        enrolled,
        token: token(LONGEST_TOKEN),
    };
    let left = Verdict::Rejected { left: 3 };
    every!(Said {
        Turn => [ask, tell].map(Said::Turn),
        In => [false, true].map(admitted),
        No => NotIn::ALL.map(Said::No),
        Changed => [false, true].map(changed),
        Standings => [Said::Standings(standings), Said::Standings(vec![])],
        Event => [Said::Event("{\"event\":\"otp.accept\"}".to_owned())],
        Ended => Ended::ALL.map(Said::Ended),
        Unenrolled => [
            Wanted::Nothing,
            Wanted::From(UnixTime::from_seconds(1_763_640_000)),
            Wanted::Now,
        ].map(Said::Unenrolled),
        Answer => [
            Answer::Status(None),
            Answer::Done,
            Answer::Denied,
            Answer::Verdict(left),
            Answer::Refused(Refused::Disabled),
            Answer::Unavailable("no disk".to_owned().into()),
        ].map(Said::Answer),
        Full => [Said::Full],
    })
}

fn over_the_wire(fields: &Fields) -> Fields {
    let bytes = fields.to_bytes().expect("it fits");
    Fields::read_from(&mut bytes.as_slice()).ok().unwrap()
}

fn fields_of(words: &[&[u8]]) -> Fields {
    let all = words.iter();
    all.fold(Fields::default(), |fields, word| fields.with(word))
}

#[test]
fn every_matter_reads_back_and_no_two_are_the_same() {
    let all = matters();
    for matter in &all {
        let fields = matter.to_fields();
        let back = Matter::from_fields(&over_the_wire(&fields)).expect("a matter");
        assert!(back.kind() == matter.kind());
        assert!(back.to_fields().as_slices() == fields.as_slices());
        let same = |other: &&Matter| other.to_fields().as_slices() == fields.as_slices();
        assert_eq!(all.iter().filter(same).count(), 1);
    }
    for kind in Kind::ALL {
        assert!(all.iter().any(|one| one.kind() == kind), "{}", kind.word());
    }
}

#[test]
fn every_message_of_the_login_part_reads_back_and_no_two_are_the_same() {
    let all = said();
    for one in &all {
        let fields = one.to_fields();
        let back = Said::from_fields(&over_the_wire(&fields)).expect("something said");
        assert!(std::mem::discriminant(&back) == std::mem::discriminant(one));
        assert!(back.to_fields().as_slices() == fields.as_slices());
        assert_eq!(back.is_last(), one.is_last());
        let same = |other: &&Said| other.to_fields().as_slices() == fields.as_slices();
        assert_eq!(all.iter().filter(same).count(), 1);
    }
}

#[test]
fn only_turns_and_events_are_followed_by_more() {
    let going_on = |one: &Said| matches!(one, Said::Turn(_) | Said::Event(_));
    assert!(said().iter().all(|one| one.is_last() != going_on(one)));
}

#[test]
fn other_frames_are_no_matter() {
    let long = vec![b'x'; LONGEST_TOKEN + 1];
    let name = [b'x'; LONGEST_NAME + 1];
    let reply = [b'1'; LONGEST_REPLY + 1];
    let many = vec![&b"t"[..]; MOST_TOKENS + 1];
    let standing: Vec<&[u8]> = [&b"standing"[..]].into_iter().chain(many).collect();
    let cases: &[&[&[u8]]] = &[
        &[],
        &[b""],
        &[b"begin"],
        &[b"begin", b"alice", b"192.0.2.1"],
        &[b"begin", b"alice", b"192.0.2.1", b"fr"],
        &[b"begin", b"alice", b"web1.example.org", b"en"],
        &[b"begin", b"alice", b"192.0.2.1 ", b"en"],
        &[b"begin", b"al\0ice", b"192.0.2.1", b"en"],
        &[b"begin", b"al\xffice", b"192.0.2.1", b"en"],
        &[b"begin", &name, b"192.0.2.1", b"en"],
        &[b"begin", b"alice", b"192.0.2.1", b"en", b"root"],
        &[b"standing"],
        &[b"standing", b""],
        &standing,
        &[b"status"],
        &[b"status", b""],
        &[b"status", &long],
        &[b"status", b"t", b"t"],
        &[b"try", b"t"],
        &[b"try", b"t", &reply],
        &[b"change", b"t", b"en", b"add"],
        &[b"change", b"t", b"en", b"add", b""],
        &[b"change", b"t", b"en", b"recovery-codes", b"phone"],
        &[b"change", b"t", b"en", b"check", b"phone"],
        &[b"change", b"t", b"en", b"replace", b"phone"],
        &[b"change", b"t", b"en", b"begin-grace", b""],
        &[b"change", b"t", b"", b"add", b"phone"],
        &[b"leave-everywhere"],
        &[b"reset", b"t"],
        // A verb of the helper, with a user instead of a token.
        &[b"check", b"alice", b"", b"123456"],
    ];
    for words in cases {
        assert!(Matter::from_fields(&fields_of(words)).is_none());
    }
}

#[test]
fn other_frames_are_no_message() {
    let cases: &[&[&[u8]]] = &[
        &[],
        &[b"in", b"alice", b"1001", b"", b"", b"1"],
        &[b"in", b"alice", b"-1", b"t", b"", b"1"],
        &[b"in", b"alice", b"1001", b"t", b"yes", b"1"],
        &[b"in", b"alice", b"1001", b"t", b""],
        &[b"no"],
        &[b"no", b"perhaps"],
        &[b"standings", b"stands", b""],
        &[b"standings", b"stands "],
        &[b"changed", b"enrolled", b""],
        &[b"ended", b"stands"],
        &[b"begin", b"alice", b"192.0.2.1", b"en"],
    ];
    for words in cases {
        assert!(Said::from_fields(&fields_of(words)).is_none());
    }
}

/// A stand-in for the login part: takes a matter, asks, and reads the reply.
fn login_part(mut line: UnixStream) {
    let first = Fields::read_from(&mut line).ok().unwrap();
    assert!(matches!(
        Matter::from_fields(&first),
        Some(Matter::Begin { .. })
    ));
    let mut say = |said: &Said| line.write_all(&said.to_fields().to_bytes().unwrap());
    let prompt = "Password: ".to_owned();
    say(&Said::Turn(Turn::Ask {
        prompt,
        echo: false,
    }))
    .unwrap();
    let reply = Fields::read_from(&mut line).ok().unwrap();
    let Some(Reply::Text(text)) = Reply::from_fields(&reply) else {
        panic!("no reply")
    };
    let mut say = |said: &Said| line.write_all(&said.to_fields().to_bytes().unwrap());
    let right = text.as_slice() == b"secret";
    assert!(right);
    say(&Said::No(NotIn::Refused)).unwrap();
}

fn a_login() -> Matter {
    Matter::Begin {
        name: "alice".to_owned(),
        address: "192.0.2.1".parse().unwrap(),
        language: Language::English,
    }
}

fn a_reply() -> Reply {
    Reply::Text(Zeroizing::new(b"secret".to_vec()))
}

#[test]
fn a_thread_speaks_to_the_login_part() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let part = thread::spawn(move || login_part(theirs));
    let mut client = Client::begin(ours, &a_login()).ok().unwrap();
    assert!(matches!(
        client.hear(),
        Ok(Said::Turn(Turn::Ask { echo: false, .. }))
    ));
    client.reply(&a_reply()).unwrap();
    assert!(matches!(client.hear(), Ok(Said::No(NotIn::Refused))));
    assert!(matches!(client.hear(), Err(Lost::Gone)));
    part.join().unwrap();
}

#[test]
fn tokio_speaks_to_the_login_part() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    runtime.unwrap().block_on(async {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let part = thread::spawn(move || login_part(theirs));
        ours.set_nonblocking(true).unwrap();
        let ours = tokio::net::UnixStream::from_std(ours).unwrap();
        let mut client = AsyncClient::begin(ours, &a_login()).await.ok().unwrap();
        assert!(matches!(
            client.hear().await,
            Ok(Said::Turn(Turn::Ask { echo: false, .. }))
        ));
        client.reply(&a_reply()).await.unwrap();
        assert!(matches!(client.hear().await, Ok(Said::No(NotIn::Refused))));
        assert!(matches!(client.hear().await, Err(Lost::Gone)));
        part.join().unwrap();
    });
}

#[test]
fn anything_but_the_login_part_lets_no_one_in() {
    for (bytes, lost) in [
        (&b""[..], Lost::Gone),
        (b"otp1\x00", Lost::Gone),
        (b"otp1\x00\x04\x00\x02in", Lost::Gone),
        (b"HTTP/1.1 200 OK\r\n", Lost::Senseless),
        (b"otp1\xff\xff", Lost::Senseless),
        (b"otp1\x00\x04\x00\x02in", Lost::Senseless),
    ] {
        // The same frame, cut short and whole.
        let cut = if lost == Lost::Gone {
            bytes.len().saturating_sub(1)
        } else {
            bytes.len()
        };
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(&bytes[..cut]).unwrap();
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        let mut client = Client(&ours);
        assert!(client.hear().is_err_and(|why| why == lost));
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(&bytes[..cut]).unwrap();
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        runtime.unwrap().block_on(async {
            ours.set_nonblocking(true).unwrap();
            let mut client = AsyncClient(tokio::net::UnixStream::from_std(ours).unwrap());
            assert!(client.hear().await.is_err_and(|why| why == lost));
        });
    }
}
