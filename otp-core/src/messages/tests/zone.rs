//! Every text that tells a time, on a machine in Seoul: the local time with its zone, and UTC beside it.

use super::*;
use crate::enforce::{Demand, Rule};
use crate::login::Prospect;
use crate::messages::admin::Report;
use crate::messages::explanation::Explanation;
use crate::messages::import::{Outcome, Remark};
use crate::record::Refusal;
use crate::zone::tests::seoul;

fn at(seconds: u64) -> Local {
    seoul().at(NOON.after(Duration::from_secs(seconds)))
}

/// Asserts what is said in English, then in Korean.
fn assert_said(text: impl Fn(Language) -> String, parts: [&str; 2]) {
    assert_same_in_every_language(&text);
    for (language, part) in [Language::English, Language::Korean].into_iter().zip(parts) {
        assert!(text(language).contains(part), "{}", text(language));
    }
}

#[test]
fn a_login_is_told_both_times() {
    for (seconds, parts) in [
        (
            900,
            [
                "locked until 21:15 KST (12:15 UTC), in 15 minutes. Wait;",
                "계정이 21:15 KST(12:15 UTC)까지 15분 동안 잠겼습니다. 그 뒤에",
            ],
        ),
        (
            4 * 86_400 + 5 * 3600,
            [
                "locked until 2025-11-25 02:00 KST (2025-11-24 17:00 UTC), in 5 days. Wait;",
                "계정이 2025-11-25 02:00 KST(2025-11-24 17:00 UTC)까지 5일 동안 잠겼습니다. 그 뒤에",
            ],
        ),
    ] {
        let message = Message::LockedUntil {
            ends: at(seconds),
            now: NOON,
            opens: true,
        };
        assert_said(|language| message.text(language), parts);
    }
    let message = Message::EnrolUntil {
        deadline: at(86_400),
        now: NOON,
    };
    assert_said(
        |language| message.text(language),
        [
            "From 2025-11-21 21:00 KST (12:00 UTC) on (1 day left) logging in",
            "2025-11-21 21:00 KST(12:00 UTC)부터(1일 남음) 로그인할",
        ],
    );
}

#[test]
fn a_lock_is_told_in_utc_alone_where_the_machine_has_no_other_zone() {
    let locked = |seconds| Message::LockedUntil {
        ends: Local::utc(NOON.after(Duration::from_secs(seconds))),
        now: NOON,
        opens: false,
    };
    assert_said(
        |language| locked(900).text(language),
        [
            "locked until 12:15 UTC (in 15 minutes). Wait; ask",
            "계정이 15분 동안 잠겼습니다(12:15 UTC까지). 그 뒤에",
        ],
    );
    assert_said(
        |language| locked(259_200).text(language),
        [
            "locked until 12:00 UTC (on 2025-11-23, in 3 days). Wait;",
            "계정이 3일 동안 잠겼습니다(2025-11-23 12:00 UTC까지).",
        ],
    );
}

#[test]
fn reports_on_an_account_tell_both_times() {
    let zone = &seoul();
    let standing = Standing::Locked {
        since: NOON,
        lasts: Duration::from_secs(900),
    };
    for (report, parts) in [
        (
            Report::Device {
                name: "phone",
                created: at(0),
                last_used: Some(at(60)),
                next_counter: None,
            },
            [
                "enrolled 2025-11-20 21:00 KST (12:00 UTC), last used 2025-11-20 21:01 KST (12:01 UTC)",
                "등록 2025-11-20 21:00 KST(12:00 UTC), 마지막 사용 2025-11-20 21:01 KST(12:01 UTC)",
            ],
        ),
        (
            Report::StandingIs {
                standing,
                now: NOON,
                zone,
                opens: false,
            },
            [
                "locked until 2025-11-20 21:15 KST (12:15 UTC), 15 minutes from now, after too many",
                "2025-11-20 21:15 KST(12:15 UTC)까지 잠김(15분 남음)",
            ],
        ),
        (
            Report::Unlocked {
                user: "alice",
                standing,
                zone,
                failures: 5,
            },
            [
                "no longer locked; it was until 2025-11-20 21:15 KST (12:15 UTC); failures",
                "2025-11-20 21:15 KST(12:15 UTC)까지였던 잠금을",
            ],
        ),
        (
            Report::Refused {
                when: at(0),
                why: Refusal::WrongCode,
            },
            [
                "2025-11-20 21:00 KST (12:00 UTC): ",
                "2025-11-20 21:00 KST(12:00 UTC): ",
            ],
        ),
    ] {
        assert_said(|language| report.text(language), parts);
    }
}

#[test]
fn what_policy_does_is_told_with_both_times() {
    let (zone, now) = (&seoul(), NOON);
    let deadline = NOON.after(Duration::from_secs(86_400));
    let until = [
        "until 2025-11-21 21:00 KST (12:00 UTC), 1 day left",
        "2025-11-21 21:00 KST(12:00 UTC)까지(1일 남음)",
    ];
    for prospect in [
        Prospect::LetInUntil { deadline, now },
        Prospect::Offered { deadline, now },
    ] {
        assert_said(|language| prospect.sentence("alice", zone, language), until);
    }
    let locked = Prospect::Locked {
        standing: Standing::Locked {
            since: NOON,
            lasts: Duration::from_secs(900),
        },
        opens: true,
    };
    assert_said(
        |language| locked.sentence("alice", zone, language),
        [
            "locked until 2025-11-20 21:15 KST (12:15 UTC)",
            "2025-11-20 21:15 KST(12:15 UTC)까지",
        ],
    );
    let demand = Demand::From(deadline, Rule::Everybody);
    let demands = Explanation::Demands {
        demand: &demand,
        now,
        zone,
    };
    assert_said(
        |language| demands.text(language),
        [
            "from 2025-11-21 21:00 KST (12:00 UTC) on, 1 day left (everybody)",
            "2025-11-21 21:00 KST(12:00 UTC)부터",
        ],
    );
    assert_eq!(demand.when(zone), "2025-11-21 21:00 KST");
    let grace = Explanation::GraceLasts {
        grace: Duration::from_secs(86_400),
        begun: Some(at(0)),
    };
    assert_said(
        |language| grace.text(language),
        [
            "begun 2025-11-20 21:00 KST (12:00 UTC)",
            "2025-11-20 21:00 KST(12:00 UTC)에 시작됨",
        ],
    );
}

#[test]
fn an_import_tells_both_times() {
    let at = NOON.after(Duration::from_secs(7));
    let remark = Remark::FirstCode { at };
    assert_said(
        |language| remark.text(&seoul(), language),
        [
            "from 2025-11-20 21:00:07 KST (12:00:07 UTC) on",
            "2025-11-20 21:00:07 KST(12:00:07 UTC)부터",
        ],
    );
    let wait = Outcome::Wait {
        until: seoul().at(at),
    };
    assert_said(
        |language| wait.text(language),
        [
            "from 2025-11-20 21:01 KST (12:01 UTC) on",
            "2025-11-20 21:01 KST(12:01 UTC)부터",
        ],
    );
}
