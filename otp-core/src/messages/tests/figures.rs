//! The times and numbers in messages, to the second, and the message of each verdict.

use super::*;

fn after(seconds: u64) -> UnixTime {
    NOON.after(Duration::from_secs(seconds))
}

#[test]
fn a_length_of_time_leaves_out_units_that_are_zero() {
    for (seconds, english, korean) in [
        (0, "0 seconds", "0초"),
        (1, "1 second", "1초"),
        (59, "59 seconds", "59초"),
        (60, "1 minute", "1분"),
        (3599, "59 minutes 59 seconds", "59분 59초"),
        (3600, "1 hour", "1시간"),
        (86_399, "23 hours 59 minutes 59 seconds", "23시간 59분 59초"),
        (86_400, "1 day", "1일"),
        (
            90_061,
            "1 day 1 hour 1 minute 1 second",
            "1일 1시간 1분 1초",
        ),
        (
            180_122,
            "2 days 2 hours 2 minutes 2 seconds",
            "2일 2시간 2분 2초",
        ),
    ] {
        let told = |language| length(language, Duration::from_secs(seconds));
        assert_eq!(told(Language::English), english);
        assert_eq!(told(Language::Korean), korean);
    }
}

#[test]
fn the_end_of_a_lock_is_given_in_minutes_hours_or_days_and_never_too_early() {
    for (seconds, english, korean) in [
        (1, "in 1 minute", "1분"),
        (60, "in 1 minute", "1분"),
        (61, "in 2 minutes", "2분"),
        (119 * 60, "in 119 minutes", "119분"),
        (119 * 60 + 1, "in 2 hours", "2시간"),
        (120 * 60 + 1, "in 3 hours", "3시간"),
        (2879 * 60, "in 48 hours", "48시간"),
        (2879 * 60 + 1, "in 2 days", "2일"),
        (2880 * 60 + 1, "in 3 days", "3일"),
    ] {
        assert_eq!(english_wait(NOON, after(seconds)), english);
        assert_eq!(korean_wait(NOON, after(seconds)), korean);
    }
}

#[test]
fn each_verdict_leads_to_the_message_about_it() {
    let standings = every!(Standing {
        Open => [Standing::Open],
        Locked => [Standing::Locked {
            since: NOON,
            lasts: Duration::from_secs(900),
        }],
        Held => [Standing::Held],
        Disabled => [Standing::Disabled],
    });
    for opens in [true, false] {
        let mut policy = Policy::default();
        policy.recovery.opens_lock = opens;
        let about = |verdict| Message::about(&verdict, &policy, NOON, Local::utc);
        for standing in standings.clone() {
            let expected = match standing {
                Standing::Open => Message::WrongCode,
                Standing::Locked { .. } => Message::LockedUntil {
                    ends: Local::utc(after(900)),
                    now: NOON,
                    opens,
                },
                Standing::Held => Message::Held { opens },
                Standing::Disabled => Message::Disabled,
            };
            assert_eq!(about(Verdict::Locked { standing }), Some(expected));
            let locked = Verdict::RejectedAndLocked { standing };
            assert_eq!(about(locked), Some(expected));
        }
        assert_eq!(about(Verdict::Excused), None);
        assert_eq!(about(Verdict::Replayed), Some(Message::AlreadyUsed));
        assert_eq!(about(Verdict::Empty), Some(Message::NothingTyped));
        let rejected = about(Verdict::Rejected { left: 3 });
        assert_eq!(rejected, Some(Message::WrongCode));
        let recovered = about(Verdict::Recovered { left: 2 });
        assert_eq!(recovered, Some(Message::RecoveryUsed { left: 2 }));
    }
}
