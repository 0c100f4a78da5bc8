//! Records through a stand-in for the helper, and records of this process.

use super::*;
use otp_core::UserName;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);

fn alice() -> Account {
    Account {
        name: UserName::new("alice").unwrap(),
        uid: 1001,
    }
}

/// Helpers that are shell scripts: each start runs the next script, and the last one again.
struct Played {
    directory: TempDir,
}

impl Played {
    fn new(scripts: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let here = directory.path();
        let each = (1..).zip(scripts);
        let cases: Vec<_> = each
            .map(|(number, script)| format!("{number}) {script} ;;\n"))
            .collect();
        let (place, cases) = (here.display(), cases.concat());
        let count = "echo >> starts\ncase $(wc -l < starts) in\n";
        let program = format!("#!/bin/sh\ncd '{place}'\n{count}{cases}esac\n");
        fs::write(here.join("helper"), program).unwrap();
        fs::set_permissions(here.join("helper"), fs::Permissions::from_mode(0o755)).unwrap();
        for answer in [
            Answer::Enrolled,
            Answer::Standing(Some(Standing::Open)),
            Answer::Verdict(Verdict::Rejected { left: 4 }),
            Answer::Denied,
        ] {
            let fields = answer.to_fields();
            let name = String::from_utf8(fields.as_slices()[0].to_vec()).unwrap();
            fs::write(here.join(name), fields.to_bytes().unwrap()).unwrap();
        }
        Self { directory }
    }

    fn records(&self) -> Records {
        Records::by_helper(self.directory.path().join("helper"), Vec::new())
    }

    fn starts(&self) -> usize {
        let starts = fs::read_to_string(self.directory.path().join("starts"));
        starts.unwrap_or_default().lines().count()
    }
}

/// Takes one request, and answers with the file of that name.
fn says(answer: &str) -> String {
    format!("dd bs=8192 count=1 status=none of=/dev/null; cat {answer}")
}

fn standing_by(records: &Records) -> Result<Option<Standing>, Lost> {
    records.standing(&alice(), || Ok(NOW))
}

fn check_by(records: &Records) -> Result<Attempted, Lost> {
    let attempt = Attempt {
        policy: &Policy::default(),
        typed: b"123456",
        password: None,
        excused: false,
        mailed: None,
        remembered: None,
        claim: &Claim::default(),
    };
    records.attempt(Some(&alice()), &attempt, || Ok(NOW))
}

/// Waits for the helper to end, however busy the machine is.
fn until_it_has_ended(records: &Records) {
    let Way::Helper(helper) = &records.0 else {
        panic!("records of this process")
    };
    let mut connection = helper.connection.borrow_mut();
    connection.as_mut().unwrap().wait();
}

#[test]
fn one_helper_answers_all_questions_of_a_login() {
    let script = format!("{}; {}", says("enrolled"), says("standing"));
    let played = Played::new(&[&script]);
    let records = played.records();
    assert_eq!(records.enrolled(&alice()).unwrap(), Enrolled::Yes);
    assert_eq!(standing_by(&records).unwrap(), Some(Standing::Open));
    assert_eq!(played.starts(), 1);
}

#[test]
fn a_helper_that_ended_while_the_user_was_typing_is_replaced_by_another() {
    let played = Played::new(&[&says("enrolled"), &says("rejected")]);
    let records = played.records();
    assert_eq!(records.enrolled(&alice()).unwrap(), Enrolled::Yes);
    until_it_has_ended(&records);
    let verdict = check_by(&records).unwrap().into_verdict();
    assert_eq!(verdict, Verdict::Rejected { left: 4 });
    assert_eq!(played.starts(), 2);
}

#[test]
fn an_unanswered_attempt_is_not_repeated() {
    let takes = "dd bs=8192 count=1 status=none of=/dev/null";
    let played = Played::new(&[&format!("{}; {takes}", says("enrolled")), &says("rejected")]);
    let records = played.records();
    assert_eq!(records.enrolled(&alice()).unwrap(), Enrolled::Yes);
    let lost = check_by(&records).err().unwrap();
    assert!(matches!(lost, Lost::Helper(NoAnswer::Silence)));
    assert_eq!(played.starts(), 1);
}

#[test]
fn a_denial_by_the_helper_is_distinguished_from_an_unintelligible_answer() {
    let played = Played::new(&[&says("denied"), &says("standing")]);
    let denied = played.records().enrolled(&alice()).err().unwrap();
    assert!(matches!(denied, Lost::Denied));
    let senseless = played.records().enrolled(&alice()).err().unwrap();
    assert!(matches!(senseless, Lost::Helper(NoAnswer::Unintelligible)));
}

#[test]
fn a_second_attempt_in_one_login_is_made_by_another_helper() {
    // Like the real helper, the first one takes nothing more after a verdict, and does not end at once.
    let takes = "dd bs=8192 count=1 status=none of=/dev/null";
    let played = Played::new(&[&format!("{}; {takes}", says("rejected")), &says("rejected")]);
    let records = played.records();
    for _ in 0..2 {
        let verdict = check_by(&records).unwrap().into_verdict();
        assert_eq!(verdict, Verdict::Rejected { left: 4 });
    }
    assert_eq!(played.starts(), 2);
}

#[test]
fn a_helper_that_gave_no_answer_is_asked_nothing_more() {
    // Its answer may still come, and would be taken for the answer to the next question.
    let takes = "dd bs=8192 count=1 status=none of=/dev/null";
    let no_answer = format!("{takes}; printf 'otp1\\000\\000'");
    let script = format!("{no_answer}; {}", says("enrolled"));
    let played = Played::new(&[&script, &says("enrolled")]);
    let records = played.records();
    let lost = records.enrolled(&alice()).err().unwrap();
    assert!(matches!(lost, Lost::Helper(NoAnswer::Unintelligible)));
    assert_eq!(records.enrolled(&alice()).unwrap(), Enrolled::Yes);
    assert_eq!(played.starts(), 2);
}

#[test]
fn no_helper_is_asked_about_an_unknown_name() {
    let played = Played::new(&[]);
    let attempt = Attempt {
        policy: &Policy::default(),
        typed: b"123456",
        password: None,
        excused: true,
        mailed: None,
        remembered: None,
        claim: &Claim::default(),
    };
    let attempted = played.records().attempt(None, &attempt, || Ok(NOW));
    assert_eq!(attempted.unwrap().into_verdict(), Verdict::Excused);
    assert_eq!(played.starts(), 0);
}

#[test]
fn records_that_do_not_exist_yet_know_no_user_and_say_so() {
    let directory = TempDir::new().unwrap();
    let records = Records::here_or_made(&directory.path().join("none"), Seal::none()).unwrap();
    assert!(records.are_here());
    let lost = records.enrolled(&alice()).err().unwrap();
    assert!(matches!(lost, Lost::Store(Error::NoRecords { .. })));
}
