use super::*;
use crate::session::Turn;
use otp_core::Verdict;
use otp_core::messages::hindrance::Hindrance;
use otp_core::messages::reason::Wording;
use otp_core::record::{Drift, Language, Refusal, Standing};
use otp_core::time::UnixTime;
use otp_store::change::Refused;
use otp_store::{Device, Overview};
use std::time::Duration;

fn over_the_wire(fields: &Fields) -> Fields {
    Fields::read_from(&mut fields.to_bytes().unwrap().as_slice())
        .ok()
        .unwrap()
}

fn name() -> Name {
    Name::new("회사 전화").unwrap()
}

fn changes() -> Vec<Change> {
    every!(Change {
        Enrol => [Change::Enrol(name())],
        Add => [Change::Add(name())],
        Remove => [None, Some(name())].map(Change::Remove),
        RecoveryCodes => [Change::RecoveryCodes],
    })
}

fn runs_as() -> Vec<RunsAs> {
    every!(RunsAs {
        Root => [RunsAs::Root],
        SetUid => [RunsAs::SetUid],
        Account => ["postgres", "root", "setuid"].map(|name| RunsAs::Account(name.to_owned())),
    })
}

fn place() -> Place {
    Place::of("sshd", "2001:db8::1").unwrap()
}

/// No claims, as in an earlier version, and claims of this version.
fn claims() -> [Option<Claim>; 3] {
    let claim = |service: &str, silent| {
        let (service, host) = (service.to_owned(), "192.0.2.1".to_owned());
        Some(Claim {
            service,
            host,
            terminal: String::new(),
            silent,
            id: silent.then_some(7),
        })
    };
    [None, claim("postgresql", false), claim("", true)]
}

fn requests() -> Vec<Request> {
    let user = || "김철수".to_owned();
    let no_guesses = NoGuess::ALL.map(Some).into_iter().chain([None]);
    let remembered = || Remembered {
        place: place(),
        remember: Duration::from_secs(60),
    };
    let checks = no_guesses.flat_map(|no_guess| {
        let both = [true, false];
        let rest = both.into_iter().flat_map(move |excused| {
            both.into_iter().flat_map(move |at_a_place| {
                claims()
                    .into_iter()
                    .map(move |claim| (excused, at_a_place, claim))
            })
        });
        rest.map(move |(excused, at_a_place, claim)| Request::Check {
            user: user(),
            excused,
            reply: Zeroizing::new(b"123\xff 456".to_vec()),
            no_guess,
            remembered: at_a_place.then(remembered),
            claim,
        })
    });
    let change = |change| Request::Change {
        user: user(),
        change,
    };
    every!(Request {
        Check => checks.collect::<Vec<_>>(),
        IsEnrolled => [Request::IsEnrolled { user: user() }],
        Standing => [Request::Standing { user: user() }],
        TrustedSince => [Request::TrustedSince {
            user: user(),
            place: place(),
            remember: Duration::from_secs(28_800),
        }],
        RehearseGrace => [Request::RehearseGrace { user: user() }],
        BeginGrace => [Request::BeginGrace { user: user() }],
        Status => [Request::Status { user: user() }],
        Try => runs_as().into_iter().map(|runs_as| Request::Try {
            user: user(),
            service: "sshd".to_owned(),
            runs_as,
        }).collect::<Vec<_>>(),
        Change => changes().into_iter().map(change).collect::<Vec<_>>(),
    })
}

/// The contents of a request that leave the program.
#[derive(Debug, PartialEq, Eq)]
struct Sent<'a> {
    verb: Verb,
    user: &'a str,
    excused: bool,
    reply: &'a [u8],
    no_guess: Option<NoGuess>,
    change: Option<&'a Change>,
    place: Option<&'a Place>,
    remember: Duration,
    tried: Option<(&'a str, &'a RunsAs)>,
    claim: Option<&'a Claim>,
}

fn sent(request: &Request) -> Sent<'_> {
    let nothing = Sent {
        verb: request.verb(),
        user: request.user(),
        excused: false,
        reply: b"",
        no_guess: None,
        change: None,
        place: None,
        remember: Duration::ZERO,
        tried: None,
        claim: None,
    };
    match request {
        Request::Check {
            user: _,
            excused,
            reply,
            no_guess,
            remembered,
            claim,
        } => Sent {
            claim: claim.as_ref(),
            excused: *excused,
            // A reply that is not a guess may be a password, and does not leave the program.
            reply: if no_guess.is_none() { reply } else { b"" },
            no_guess: *no_guess,
            place: remembered.as_ref().map(|at| &at.place),
            remember: remembered.as_ref().map_or(Duration::ZERO, |at| at.remember),
            ..nothing
        },
        Request::IsEnrolled { user: _ }
        | Request::Standing { user: _ }
        | Request::RehearseGrace { user: _ }
        | Request::BeginGrace { user: _ }
        | Request::Status { user: _ } => nothing,
        Request::TrustedSince {
            user: _,
            place,
            remember,
        } => Sent {
            place: Some(place),
            remember: *remember,
            ..nothing
        },
        Request::Try {
            user: _,
            service,
            runs_as,
        } => Sent {
            tried: Some((service, runs_as)),
            ..nothing
        },
        Request::Change { user: _, change } => Sent {
            change: Some(change),
            ..nothing
        },
    }
}

#[test]
fn every_request_reads_back() {
    for request in requests() {
        let fields = over_the_wire(&request.to_fields());
        assert_eq!(fields.as_slices()[0], request.verb().word().as_bytes());
        let back = Request::from_fields(&fields);
        let back = back.unwrap_or_else(|| panic!("{:?} cannot be read", request.verb()));
        assert_eq!(sent(&back), sent(&request));
    }
}

#[test]
fn no_request_takes_an_extra_field() {
    for request in requests() {
        let fields = request.to_fields().with(b"more");
        assert!(
            Request::from_fields(&fields).is_none(),
            "{:?}",
            request.verb()
        );
    }
}

#[test]
fn every_verb_but_replace_can_be_requested() {
    for verb in Verb::ALL {
        let is_asked = requests().iter().any(|request| request.verb() == verb);
        // The record decides which of the two it is: a caller cannot ask for the one with the weaker check.
        assert_eq!(is_asked, verb != Verb::Replace, "{verb:?}");
        assert_eq!(Verb::from_word(verb.word()), Some(verb));
    }
}

#[test]
fn a_malformed_request_is_refused() {
    for words in [
        &["unlock", "alice"][..],
        &["check"],
        &["check", "alice"],
        &["check", "alice", "yes", "123456"],
        &["check", "alice", "", "123456", ""],
        &["is-enrolled", "alice", ""],
        &["CHECK", "alice", "", "123456"],
        &["enrol", "alice"],
        &["enrol", "alice", ""],
        &["replace", "alice", "phone"],
        &["check", "alice", "", "123456", "password-again"],
        &["check", "alice", "", "", "wrong-code"],
        &["add", "alice", "a\nb"],
        &["add", "alice", "phone", "tablet"],
        &["remove", "alice"],
        &["recovery-codes", "alice", "10"],
        &["status"],
        &["standing"],
        &["standing", "alice", "bobby"],
        &["trusted-since", "alice", "sshd", "192.0.2.1"],
        &["trusted-since", "alice", "sshd", "192.0.2.1", "-1"],
        &["trusted-since", "alice", "sshd", "web1.example.org", "60"],
        &["check-at", "alice", "", "123456"],
        &["check-at", "alice", "", "192.0.2.1", "60", "", "123456"],
        &["check-at", "alice", "sshd", "localhost", "60", "", "123456"],
        &["check-at", "alice", "sshd", "192.0.2.1", "1m", "", "123456"],
        &["check", "alice", "sshd", "192.0.2.1", "60", "", "123456"],
        &["begin-grace", "alice", "1"],
        &["rehearse-grace"],
        &[],
    ] {
        let fields = words
            .iter()
            .fold(Fields::default(), |all, word| all.with(word.as_bytes()));
        assert!(Request::from_fields(&fields).is_none(), "{words:?}");
    }
}

fn standings() -> Vec<Standing> {
    every!(Standing {
        Open => [Standing::Open],
        Locked => [Standing::Locked {
            since: UnixTime::from_seconds(u64::MAX),
            lasts: Duration::from_secs(u64::MAX),
        }],
        Held => [Standing::Held],
        Disabled => [Standing::Disabled],
    })
}

fn verdicts() -> Vec<Verdict> {
    let accepted = |resynchronised| Verdict::Accepted {
        authenticator: name(),
        resynchronised,
    };
    let locks = |standing| Verdict::RejectedAndLocked { standing };
    let locked = |standing| Verdict::Locked { standing };
    every!(Verdict {
        Accepted => [None, Some(Drift::from_steps(-20).unwrap())].map(accepted),
        Recovered => [Verdict::Recovered { left: 9 }],
        Mailed => [Verdict::Mailed],
        Rejected => [Verdict::Rejected { left: 4 }],
        RejectedAndLocked => standings().into_iter().map(locks).collect::<Vec<_>>(),
        Replayed => [Verdict::Replayed],
        Empty => [Verdict::Empty],
        NoGuess => NoGuess::ALL.map(|why| Verdict::NoGuess { why }),
        Locked => standings().into_iter().map(locked).collect::<Vec<_>>(),
        NotEnrolled => [Verdict::NotEnrolled],
        Excused => [Verdict::Excused],
    })
}

fn refusals() -> Vec<Refused> {
    every!(Refused {
        Locked => [true, false].map(|opens| Refused::Locked { opens }),
        Disabled => [Refused::Disabled],
        NotEnrolled => [Refused::NotEnrolled],
        NameTaken => [Refused::NameTaken(name())],
        Full => [Refused::Full(4)],
        NoSuchName => [Refused::NoSuchName(name())],
        WhichOne => [vec![], vec![name(), name()]].map(Refused::WhichOne),
        Demanded => [Refused::Demanded],
        NoCodes => [Refused::NoCodes],
        NotProven => [Refused::NotProven],
        ChangedMeanwhile => [Refused::ChangedMeanwhile],
    })
}

/// Overviews with each standing, and with each reason of a refusal.
fn overviews() -> Vec<Overview> {
    let device = |last_used, next_counter| Device {
        name: Name::new("status").unwrap(),
        created: UnixTime::from_seconds(1),
        last_used,
        next_counter,
    };
    let overview = |issued, refusal: Option<Refusal>, standing| Overview {
        authenticators: vec![
            device(None, Some(0)),
            device(Some(UnixTime::from_seconds(9)), None),
            device(None, Some(u64::MAX)),
        ],
        recovery_codes_left: 2,
        recovery_codes_issued: issued,
        recovery_codes_imported: issued == Some(5),
        failures: 3,
        failures_left: 4,
        standing,
        last_refusal: refusal.map(|why| (UnixTime::from_seconds(7), why)),
    };
    let standings = standings().into_iter();
    let standings = standings.map(|standing| overview(Some(10), None, standing));
    let standings = standings.chain([overview(Some(5), None, Standing::Held)]);
    let refusals = Refusal::ALL.map(|why| overview(None, Some(why), Standing::Open));
    standings.chain(refusals).collect()
}

fn answers() -> Vec<Answer> {
    let moments = [None, Some(UnixTime::from_seconds(u64::MAX))];
    let standings = standings().into_iter().map(Some).chain([None]);
    let overviews = overviews().into_iter().map(Some).chain([None]);
    every!(Answer {
        Verdict => verdicts().into_iter().map(Answer::Verdict).collect::<Vec<_>>(),
        Enrolled => [Answer::Enrolled],
        NotEnrolled => moments.map(|first_login| Answer::NotEnrolled { first_login }),
        Standing => standings.map(Answer::Standing).collect::<Vec<_>>(),
        TrustedSince => moments.map(Answer::TrustedSince),
        Done => [Answer::Done],
        Status => overviews.map(Answer::Status).collect::<Vec<_>>(),
        Kept => [true, false].map(|enrolled| Answer::Kept { enrolled }),
        Refused => refusals().into_iter().map(Answer::Refused).collect::<Vec<_>>(),
        NotAuthenticated => [Answer::NotAuthenticated],
        Denied => [Answer::Denied],
        Unavailable => [
            Answer::Unavailable("the disk is gone".to_owned().into()),
            Answer::Unavailable(Hindrance::NoTimer.into()),
        ],
    })
}

#[test]
fn every_answer_reads_back() {
    for answer in answers() {
        let back = Answer::from_fields(&over_the_wire(&answer.to_fields()));
        assert_eq!(back, Some(answer));
    }
}

#[test]
fn a_reason_is_short_and_shows_no_control_characters_in_any_language() {
    let said = Wording::of(|language| match language {
        Language::English => format!("\u{1b}[31m{}", "x".repeat(600)),
        Language::Korean => format!("\n{}", "가".repeat(600)),
    });
    let fields = Answer::Unavailable(said).to_fields();
    let Some(Answer::Unavailable(back)) = Answer::from_fields(&over_the_wire(&fields)) else {
        panic!("it is an answer");
    };
    let english = back.text(Language::English);
    assert!(
        english.starts_with("?[31mxxx") && english.chars().count() == 500,
        "{english}"
    );
    let korean = back.text(Language::Korean);
    assert!(
        korean.starts_with("?가가") && korean.chars().count() == 500,
        "{korean}"
    );
}

#[test]
fn the_longest_reason_in_every_language_fits_a_message() {
    // As many characters as are sent, of as many bytes as UTF-8 has for one.
    let said = Wording::of(|_| "\u{10ffff}".repeat(500));
    let turn = Turn::End(Answer::Unavailable(said)).to_fields();
    assert!(turn.to_bytes().is_some());
}

#[test]
fn a_malformed_answer_is_never_taken_for_acceptance() {
    for words in [
        &["accepted"][..],
        &["accepted", "", ""],
        &["accepted", "phone", "x"],
        &["success"],
        &["without-record", "soon"],
        &["standing"],
        &["standing", "timed", "1"],
        &["status", "1", "", "0", "5", "", "", "9", "open"],
        &[
            "status",
            "1",
            "",
            "0",
            "5",
            "",
            "",
            "99999999999999999999",
            "open",
        ],
        &["status", "1", "", "0", "5", "", "wrong-code", "0", "open"],
        &["refused"],
        &["unavailable"],
        &["unavailable", "only in one language"],
        &["unavailable", "in", "three", "languages"],
        &[""],
        &[],
    ] {
        let fields = words
            .iter()
            .fold(Fields::default(), |all, word| all.with(word.as_bytes()));
        assert_eq!(Answer::from_fields(&fields), None, "{words:?}");
    }
}
