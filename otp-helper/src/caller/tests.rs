use super::*;
use otp_core::UserName;
use otp_core::every;

const RELATIONS: [Relation; 5] = every!(Relation: Root, Owner, Trusted, Stranger, Machine);

/// The table of permissions, written a second time: its columns are those of [`RELATIONS`].
#[rustfmt::skip]
const MATRIX: [(Verb, [May; 5]); 14] = {
    use May::{Authenticated, No, Yes};
    [
        //                     root  owner          trusted  anyone else  machine
        (Verb::Check,          [Yes,  Yes,           Yes,     No,          Yes]),
        (Verb::CheckAt,        [Yes,  No,            No,      No,          Yes]),
        (Verb::IsEnrolled,     [Yes,  Yes,           Yes,     No,          Yes]),
        (Verb::Standing,       [Yes,  Yes,           Yes,     No,          Yes]),
        (Verb::TrustedSince,   [Yes,  No,            No,      No,          Yes]),
        (Verb::RehearseGrace,  [Yes,  No,            No,      No,          Yes]),
        (Verb::BeginGrace,     [Yes,  No,            No,      No,          Yes]),
        (Verb::Status,         [Yes,  Yes,           No,      No,          Yes]),
        (Verb::Try,            [Yes,  No,            No,      No,          No]),
        (Verb::Enrol,          [Yes,  Yes,           No,      No,          Yes]),
        (Verb::Replace,        [Yes,  Authenticated, No,      No,          Authenticated]),
        (Verb::Add,            [Yes,  Authenticated, No,      No,          Authenticated]),
        (Verb::Remove,         [Yes,  Authenticated, No,      No,          Authenticated]),
        (Verb::RecoveryCodes,  [Yes,  Authenticated, No,      No,          Authenticated]),
    ]
};

/// The user `daemon`, whose user id is 1 on every system, as a service account.
const DAEMON: u32 = 1;

fn caller(uid: u32) -> Caller {
    Caller {
        language: None,
        uid,
        conf: PathBuf::new(),
        state_dir: PathBuf::new(),
    }
}

fn account(uid: u32) -> Account {
    Account {
        name: UserName::new("alice").unwrap(),
        uid,
    }
}

fn trusting(names: &[&str]) -> Policy {
    let mut policy = Policy::default();
    policy.helper.trusted_callers = names.iter().map(|&name| name.to_owned()).collect();
    policy
}

fn relation(uid: u32, of: Option<u32>, trusted: &[&str]) -> Relation {
    let account = of.map(account);
    caller(uid)
        .relation(account.as_ref(), &trusting(trusted))
        .unwrap()
}

#[test]
fn the_real_user_id_identifies_the_caller() {
    assert_eq!(relation(0, Some(1001), &[]), Relation::Root);
    assert_eq!(relation(1001, Some(1001), &[]), Relation::Owner);
    assert_eq!(relation(1002, Some(1001), &[]), Relation::Stranger);
    assert_eq!(relation(1002, None, &[]), Relation::Stranger);
    assert_eq!(
        relation(DAEMON, Some(1001), &["no-such-service", "daemon"]),
        Relation::Trusted
    );
    assert_eq!(relation(2, Some(1001), &["daemon"]), Relation::Stranger);
}

#[test]
fn every_verb_has_a_row_and_no_other() {
    assert_eq!(MATRIX.map(|(verb, _)| verb), Verb::ALL);
}

#[test]
fn each_caller_may_ask_exactly_what_the_table_allows() {
    let policy = trusting(&["daemon"]);
    for (verb, row) in MATRIX {
        for (relation, may) in RELATIONS.into_iter().zip(row) {
            let uid = match relation {
                // No process is a machine: verifiers know machines by their certificates.
                Relation::Machine => {
                    assert_eq!(allowed(verb, relation), may, "{verb:?} by {relation:?}");
                    continue;
                }
                Relation::Root => 0,
                Relation::Owner => 1001,
                Relation::Trusted => DAEMON,
                Relation::Stranger => 1002,
            };
            let found = caller(uid)
                .may(verb, Some(&account(1001)), &policy)
                .unwrap();
            assert_eq!(found, may, "{verb:?} by {relation:?}");
        }
    }
}

/// The table of SECURITY.md: the verbs of each row, and its cell for each relation.
fn published() -> Vec<(Vec<&'static str>, Vec<&'static str>)> {
    let text = include_str!("../../../SECURITY.md");
    let (_, section) = text
        .split_once("\n## Who may ask the helper for what\n")
        .unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    rows.map(|row| {
        let mut cells = row.split('|').map(str::trim);
        let verbs = cells
            .next()
            .unwrap()
            .split('`')
            .skip(1)
            .step_by(2)
            .collect();
        (verbs, cells.collect())
    })
    .collect()
}

#[test]
fn the_table_in_security_md_matches_the_code() {
    let rows = published();
    let columns: Vec<&str> = RELATIONS
        .map(|relation| match relation {
            Relation::Root => "root",
            Relation::Owner => "the account's owner",
            Relation::Trusted => "trusted caller (`helper.trusted_callers`)",
            Relation::Stranger => "anyone else",
            Relation::Machine => "machine of a fleet",
        })
        .to_vec();
    assert_eq!(rows[0].1, columns);
    // The rows after the line; the last row is about requests that cannot be made.
    let (last, rows) = rows[2..].split_last().unwrap();
    assert_eq!(
        *last,
        (
            vec![],
            vec!["not through the helper", "no", "no", "no", "no"]
        )
    );
    let mut found = Vec::new();
    for (verbs, cells) in rows {
        let may = |(relation, cell): (Relation, &&str)| match (relation, *cell) {
            (_, "no") => May::No,
            (
                Relation::Root | Relation::Trusted | Relation::Stranger | Relation::Machine,
                "any",
            )
            | (Relation::Owner, "own") => May::Yes,
            (Relation::Owner, "own, after re-authentication")
            | (Relation::Machine, "any, after a code") => May::Authenticated,
            (_, other) => panic!("{verbs:?}, {relation:?}: {other}"),
        };
        assert!(
            !verbs.is_empty() && cells.len() == RELATIONS.len(),
            "{verbs:?} {cells:?}"
        );
        let row: Vec<May> = RELATIONS.into_iter().zip(cells).map(may).collect();
        found.extend(verbs.iter().map(|&verb| (verb, row.clone())));
    }
    let expected: Vec<_> = MATRIX.map(|(verb, row)| (verb.word(), row.to_vec())).into();
    assert_eq!(found, expected);
}
