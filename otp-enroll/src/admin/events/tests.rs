use super::journal::{NotOurs, Writers, entry, matches};
use super::*;
use otp_core::event::Event;

const ATTEMPT: &str = "otp.attempt caller_uid=\"1001\" user=\"alice\" id=\"07\"";
const REJECT: &str = "otp.reject caller_uid=\"1001\" user=\"alice\" id=\"07\"";

const WRITERS: Writers = Writers {
    helpers: Some(990),
    verifiers: Some(991),
    portals: Some(992),
};

fn at(seconds: u64, pid: u32, line: &str) -> Record {
    Record {
        when: UnixTime::from_seconds(seconds),
        program: "otp-helper".to_owned(),
        pid: Some(pid),
        machine: "web1".to_owned(),
        writer: Writer::Helper,
        read: Read::from_line("otp-helper", line).expect(line),
    }
}

fn told(records: Vec<Record>) -> Vec<(Event, Option<u32>)> {
    let mut begun = Begun::default();
    let mut told: Vec<_> = records
        .into_iter()
        .flat_map(|record| begun.then(record))
        .collect();
    told.extend(begun.end());
    told.iter().map(|one| (one.read.event, one.pid)).collect()
}

#[test]
fn an_attempt_and_its_outcome_are_one_log_entry() {
    let both = vec![at(10, 1, ATTEMPT), at(11, 1, REJECT)];
    assert_eq!(told(both), [(Event::Reject, Some(1))]);
}

#[test]
fn an_attempt_without_an_outcome_is_shown_even_if_another_has_its_id() {
    let second_was_killed = vec![
        at(10, 1, ATTEMPT),
        at(11, 1, REJECT),
        at(12, 2, ATTEMPT),
        at(13, 3, ATTEMPT),
        at(14, 3, REJECT),
    ];
    let expected = [
        (Event::Reject, Some(1)),
        (Event::Reject, Some(3)),
        (Event::Attempt, Some(2)),
    ];
    assert_eq!(told(second_was_killed), expected);
}

#[test]
fn an_attempt_without_an_outcome_is_shown_before_much_later_entries() {
    let later = vec![at(10, 1, ATTEMPT), at(1000, 2, "otp.lock user=\"bobby\"")];
    assert_eq!(
        told(later),
        [(Event::Attempt, Some(1)), (Event::Lock, Some(2))]
    );
}

#[test]
fn an_answer_that_the_module_did_not_receive_is_no_second_log_entry() {
    let module = |line| {
        let read = Read::from_line("postgres", line).unwrap();
        Record {
            read,
            pid: Some(9),
            ..at(12, 9, REJECT)
        }
    };
    let unheard =
        "pam_otp(postgresql:auth): otp.unavailable user=\"alice\" reason=\"silence\" id=\"07\"";
    let heard = vec![at(10, 1, ATTEMPT), at(11, 1, REJECT), module(unheard)];
    assert_eq!(told(heard), [(Event::Reject, Some(1))]);
    let killed = vec![at(10, 1, ATTEMPT), module(unheard)];
    assert_eq!(told(killed).len(), 2);
}

#[test]
fn only_a_limited_number_of_attempts_is_held_back() {
    let many = (0..3000).map(|pid| at(10, pid, ATTEMPT));
    let mut begun = Begun::default();
    let told: usize = many.map(|record| begun.then(record).len()).sum();
    assert!(told + begun.end().len() == 3000 && told >= 1990);
}

fn in_journal(program: &str, message: &str, more: &str) -> String {
    let message = serde_json::to_string(message).unwrap();
    format!(
        r#"{{"__REALTIME_TIMESTAMP":"1800000000123456","SYSLOG_IDENTIFIER":"{program}","MESSAGE":{message},"_PID":"7","_HOSTNAME":"web1",{more}}}"#
    )
}

#[test]
fn only_journal_entries_by_root_or_our_services_count() {
    const OF_USER: &str = r#""_TRANSPORT":"journal","_UID":"1001","_GID":"1001""#;
    const OF_ROOT: &str = r#""_TRANSPORT":"syslog","_UID":"0","_GID":"1001""#;
    const OF_HELPER: &str = r#""_TRANSPORT":"journal","_UID":"1001","_GID":"990""#;
    const OF_VERIFIER: &str = r#""_TRANSPORT":"journal","_UID":"991","_GID":"991""#;
    const OF_PORTAL: &str = r#""_TRANSPORT":"journal","_UID":"992","_GID":"992""#;
    const PRINTED: &str = r#""_TRANSPORT":"stdout","_UID":"0","_GID":"0""#;
    let module = "pam_otp(su:auth): otp.accept user=\"alice\"";
    let writer = |program, message, more| {
        let entry = entry(&in_journal(program, message, more), WRITERS);
        entry.map(|entry| entry.map(|record| record.writer))
    };
    assert_eq!(writer("su", module, OF_ROOT), Some(Ok(Writer::Root)));
    assert_eq!(
        writer("otp-helper", REJECT, OF_HELPER),
        Some(Ok(Writer::Helper))
    );
    assert_eq!(writer("su", module, OF_USER), Some(Err(NotOurs)));
    assert_eq!(writer("otp-helper", REJECT, OF_USER), Some(Err(NotOurs)));
    // A process with the helper's group and another name is not the helper.
    assert_eq!(writer("su", module, OF_HELPER), Some(Err(NotOurs)));
    assert_eq!(writer("su", module, PRINTED), Some(Err(NotOurs)));
    assert_eq!(writer("sshd", "Accepted password", OF_ROOT), None);
    let accept = "otp.accept user=\"alice\" machine=\"web7.example.org\"";
    for program in ["otp-verifier", "otp-admin"] {
        let written = writer(program, accept, OF_VERIFIER);
        assert_eq!(written, Some(Ok(Writer::Verifier)), "{program}");
        assert_eq!(writer(program, accept, OF_USER), Some(Err(NotOurs)));
    }
    // A verifier lets no one in on its own host.
    assert_eq!(writer("su", module, OF_VERIFIER), Some(Err(NotOurs)));
    let denied = "otp.denied rhost=\"192.0.2.1\" reason=\"a form that another site has sent\"";
    for said in [denied, "otp.policy reason=\"a proxy says no address\""] {
        let written = writer("otp-portal", said, OF_PORTAL);
        assert_eq!(written, Some(Ok(Writer::Portal)), "{said}");
        assert_eq!(writer("otp-portal", said, OF_USER), Some(Err(NotOurs)));
        assert_eq!(writer("otp-portal", said, OF_VERIFIER), Some(Err(NotOurs)));
        // The portal cannot write entries in the name of its other part, which runs as root.
        assert_eq!(
            writer("otp-portal-login", said, OF_PORTAL),
            Some(Err(NotOurs))
        );
        assert_eq!(
            writer("otp-portal-login", said, OF_ROOT),
            Some(Ok(Writer::Root))
        );
    }
    // An intruder in the portal cannot invent logins.
    let accept = "otp.accept user=\"alice\" service=\"otp-portal\"";
    assert_eq!(writer("otp-portal", accept, OF_PORTAL), Some(Err(NotOurs)));
    assert_eq!(writer("otp-portal", module, OF_PORTAL), Some(Err(NotOurs)));
    let without_records = entry(
        &in_journal("otp-helper", REJECT, OF_HELPER),
        Writers::default(),
    );
    assert_eq!(without_records, Some(Err(NotOurs)));
    assert_eq!(entry("no JSON", WRITERS), None);
}

#[test]
fn a_log_entry_belongs_to_the_machine_of_the_login_wherever_it_was_written() {
    let of = |line: &str| Record {
        read: Read::from_line("otp-verifier", line).unwrap(),
        machine: "v1".to_owned(),
        ..at(10, 1, ATTEMPT)
    };
    let by_verifier = of("otp.accept user=\"alice\" machine=\"web7.example.org\"");
    assert!(by_verifier.is_on("web7.example.org") && !by_verifier.is_on("v1"));
    let of_the_host = of("otp.unlock user=\"alice\"");
    assert!(of_the_host.is_on("v1") && !of_the_host.is_on("web7.example.org"));
}

#[test]
fn the_forms_of_output_never_change() {
    let line = "pam_otp(sshd:auth): otp.reject user=\"al\\u{1b}\" rhost=\"192.0.2.1\"";
    let more = r#""_TRANSPORT":"journal","_UID":"0""#;
    let record = entry(&in_journal("sshd", line, more), Writers::default())
        .unwrap()
        .unwrap();
    assert_eq!(
        json(&record),
        "{\"time\":1800000000,\"event\":\"otp.reject\",\"id\":\"b4b18545712243cabc5d026cffd0979c\",\"written_by\":\"root\",\
         \"program\":\"sshd\",\"pid\":7,\"machine\":\"web1\",\"values\":{\"rhost\":\"192.0.2.1\",\"user\":\"al\\u001b\"}}\n"
    );
    assert_eq!(
        text(&record, &Zone::UTC, Language::English),
        "2027-01-15 08:00:00 UTC  al\\u{1b}  otp.reject: refused: a wrong code, or none  rhost=\"192.0.2.1\"  sshd[7]  (root)\n"
    );
    for language in Language::ALL {
        assert_eq!(text(&record, &Zone::UTC, language).lines().count(), 1);
    }
    let seoul = Zone::of_rule("KST-9").unwrap();
    for (language, begins) in [
        (
            Language::English,
            "2027-01-15 17:00:00 KST (08:00:00 UTC)  al",
        ),
        (
            Language::Korean,
            "2027-01-15 17:00:00 KST(08:00:00 UTC)  al",
        ),
    ] {
        assert!(text(&record, &seoul, language).starts_with(begins));
    }
}

fn pids(newest: &mut Newest) -> Vec<Option<u32>> {
    newest.take().iter().map(|record| record.pid).collect()
}

#[test]
fn the_newest_entries_are_found_from_either_end_and_each_once() {
    let lines: Vec<_> = (1..=100)
        .flat_map(|pid| {
            let id = format!("id=\"{pid:02x}\"");
            [ATTEMPT, REJECT].map(|line| at(u64::from(pid), pid, &line.replace("id=\"07\"", &id)))
        })
        .collect();
    let last_three = [Some(98), Some(99), Some(100)];
    let mut backwards = Newest::new(3);
    let taken = lines
        .iter()
        .rev()
        .take_while(|line| !backwards.before((*line).clone()));
    assert!(taken.count() < 12, "no more is read than needed");
    assert_eq!(pids(&mut backwards), last_three);
    let mut by_files = Newest::new(3);
    for file in lines.chunks(3).rev() {
        let mut found = by_files.of_a_file();
        for line in file {
            found.after(line.clone());
        }
        if by_files.are_after(found) {
            break;
        }
    }
    assert_eq!(pids(&mut by_files), last_three);
    let mut few = Newest::new(200);
    for line in &lines {
        few.after(line.clone());
    }
    assert_eq!(few.take().len(), 100);
}

#[test]
fn the_journal_is_queried_for_the_user_and_the_permitted_writers() {
    let asked = |writers, user| matches(writers, user).join(" ");
    assert_eq!(asked(Writers::default(), None), "SYSLOG_FACILITY=10 _UID=0");
    assert_eq!(
        asked(
            Writers {
                verifiers: None,
                portals: None,
                ..WRITERS
            },
            Some("a + b")
        ),
        "SYSLOG_FACILITY=10 _UID=0 OTP_USER=a + b + SYSLOG_FACILITY=10 _UID=0 OTP_ACCOUNT=a + b + \
         SYSLOG_FACILITY=10 _UID=0 OTP_SOURCE=a + b + SYSLOG_FACILITY=10 _GID=990 OTP_USER=a + b + \
         SYSLOG_FACILITY=10 _GID=990 OTP_ACCOUNT=a + b + SYSLOG_FACILITY=10 _GID=990 OTP_SOURCE=a + b"
    );
    // Each match is one word, whatever the name is.
    assert_eq!(
        matches(WRITERS, Some("+"))
            .iter()
            .filter(|one| *one == "+")
            .count(),
        11
    );
}
