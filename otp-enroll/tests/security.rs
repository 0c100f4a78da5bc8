//! Existing tests prove what SECURITY.md promises, and it leaves out no requirement of the chapters that it answers.

mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tree::{root, sources};

const PAGE: &str = include_str!("../../SECURITY.md");
/// The files in which `unsafe` is allowed.
const UNSAFE: [&str; 2] = ["otp-helper/src/system.rs", "pam_otp/src/boundary.rs"];
/// How many requirements each section of ASVS 5.0 has in the chapters that the page answers as a whole.
const ASVS: [(&str, u32); 27] = [
    ("6.1", 3),
    ("6.2", 12),
    ("6.3", 8),
    ("6.4", 6),
    ("6.5", 8),
    ("6.6", 4),
    ("6.7", 2),
    ("6.8", 4),
    ("11.1", 4),
    ("11.2", 5),
    ("11.3", 5),
    ("11.4", 4),
    ("11.5", 2),
    ("11.6", 2),
    ("11.7", 2),
    ("13.1", 4),
    ("13.2", 6),
    ("13.3", 4),
    ("13.4", 7),
    ("14.1", 2),
    ("14.2", 8),
    ("14.3", 3),
    ("16.1", 1),
    ("16.2", 5),
    ("16.3", 4),
    ("16.4", 3),
    ("16.5", 4),
];

/// Whether a source has a test of this name.
fn has_test(text: &str, name: &str) -> bool {
    if name.starts_with("test_") && text.contains(&format!("def {name}(")) {
        return true;
    }
    // A test for several engines is a function that a macro calls for each of them.
    let is_for_engines = text.contains(&format!("fn {name}<"))
        && text.contains(&format!("    {name},\n"))
        && text.contains("over_every_keeper!");
    let function = format!("fn {name}(");
    is_for_engines
        || text.match_indices(&function).any(|(at, _)| {
            let before = &text[..at];
            before
                .rfind("#[test]")
                .is_some_and(|attribute| !before[attribute..].contains("fn "))
        })
}

/// Returns the page below a heading, up to the next heading of the same depth.
fn section(heading: &str) -> &'static str {
    let (_, rest) = PAGE
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("no heading \"{heading}\""));
    let (marks, _) = heading.split_once(' ').expect("a heading");
    rest.split(&format!("\n{marks} ")).next().expect("a part")
}

/// Returns the rows of all tables of a section as cells, without heads and lines.
fn rows(section: &'static str) -> Vec<Vec<&'static str>> {
    let mut found = Vec::new();
    let lines: Vec<&str> = section.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let Some(row) = line.strip_prefix('|').and_then(|row| row.strip_suffix('|')) else {
            continue;
        };
        let is_line = |line: &str| line.starts_with("|---");
        if !is_line(line) && !lines.get(at + 1).is_some_and(|next| is_line(next)) {
            found.push(row.split('|').map(str::trim).collect());
        }
    }
    found
}

#[test]
fn every_test_that_the_page_names_exists() {
    let sources = sources();
    let quoted = PAGE.split('`').skip(1).step_by(2);
    let mut seen = 0;
    for (file, name) in quoted.filter_map(|text| text.split_once("::")) {
        let tail = format!("/{file}");
        // Several crates have a file of that name; one of them has the test.
        let with_it = sources
            .iter()
            .filter(|(path, _)| path == file || path.ends_with(&tail))
            .filter(|(_, text)| has_test(text, name));
        assert_eq!(with_it.count(), 1, "{file} has no test {name}");
        seen += 1;
    }
    assert!(seen > 100, "tests are found at all: {seen}");
}

#[test]
fn every_threat_and_every_vulnerability_names_its_test_or_says_that_there_is_none() {
    for heading in [
        "## What each boundary holds against",
        "## Known vulnerabilities",
    ] {
        let rows = rows(section(heading));
        assert!(rows.len() > 15, "{heading}: {}", rows.len());
        for row in rows {
            let last = row.last().copied().unwrap_or_default();
            let holds = last.contains("::") || last.starts_with("No test");
            assert!(holds, "{heading}: {}", row[0]);
        }
    }
}

#[test]
fn every_requirement_has_a_number_and_an_answer() {
    for heading in ["## NIST SP 800-63B-4", "## OWASP ASVS 5.0"] {
        let rows = rows(section(heading));
        assert!(rows.len() > 20, "{heading}: {}", rows.len());
        for row in rows {
            let [number, _, answer] = row.as_slice() else {
                panic!("{heading}: {row:?}");
            };
            let numeric = |c: char| c.is_ascii_digit() || ". to,".contains(c);
            assert!(number.chars().all(numeric), "{number}");
            let known = ["Met", "Partly", "Deviates", "Does not apply"];
            let known = known.iter().any(|word| {
                let rest = answer.strip_prefix(word);
                rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
            });
            assert!(known, "{number}: {answer}");
        }
    }
}

/// Returns the numbers that a cell stands for: "6.6.1 to 6.6.4" means four of them.
fn numbers(cell: &str) -> Vec<String> {
    cell.split(", ")
        .flat_map(|part| {
            let (first, last) = part.split_once(" to ").unwrap_or((part, part));
            let (section, from) = first.rsplit_once('.').expect("a number");
            let (_, to) = last.rsplit_once('.').expect("a number");
            let figure = |text: &str| text.parse::<u32>().expect("a figure");
            (figure(from)..=figure(to)).map(move |one| format!("{section}.{one}"))
        })
        .collect()
}

#[test]
fn no_requirement_of_the_answered_chapters_of_asvs_is_left_out_or_invented() {
    let mut left: BTreeSet<String> = BTreeSet::new();
    for (section, count) in ASVS {
        left.extend((1..=count).map(|one| format!("{section}.{one}")));
    }
    let whole = |number: &str| {
        ASVS.iter()
            .any(|(part, _)| number.starts_with(&format!("{part}.")))
    };
    for row in rows(section("## OWASP ASVS 5.0")) {
        for number in numbers(row[0]) {
            assert!(
                left.remove(&number) || !whole(&number),
                "{number}, twice or none"
            );
        }
    }
    assert_eq!(left, BTreeSet::new());
}

#[test]
fn unsafe_code_is_allowed_in_two_files() {
    let is_code = |line: &str| !line.trim_start().starts_with("//");
    let mut found = Vec::new();
    for (path, text) in sources() {
        let has_unsafe = |line: &str| line.contains("unsafe {") || line.contains("unsafe extern");
        let is_test = path.starts_with("tests/") || path.ends_with("tests/security.rs");
        if !is_test
            && Path::new(&path).extension().is_some_and(|end| end == "rs")
            && text.lines().any(|line| is_code(line) && has_unsafe(line))
        {
            found.push(path);
        }
    }
    found.sort();
    assert_eq!(found, UNSAFE);
}

#[test]
fn the_crate_that_once_let_errors_pass_is_pinned_to_a_release_that_does_not() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a text");
    assert!(manifest.contains("\npam-bindings = \"=0.4.0\"\n"));
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("a text");
    assert!(lock.contains("\nname = \"pam-bindings\"\nversion = \"0.4.0\"\n"));
    assert_eq!(lock.matches("\nname = \"pam-bindings\"\n").count(), 1);
}

/// The module speaks to a verifier through a separate program, so no bug of a TLS library or a runtime affects sshd.
#[test]
fn the_module_and_the_helper_link_neither_tls_nor_a_runtime() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("a text");
    let packages: std::collections::BTreeMap<&str, Vec<&str>> = lock
        .split("[[package]]\n")
        .skip(1)
        .map(|package| {
            let name = package.split('"').nth(1).expect("a name");
            let needs = package.split_once("dependencies = [\n");
            let needs = needs.map_or("", |(_, list)| list.split("\n]").next().unwrap_or(""));
            let needs = needs.lines().filter_map(|line| line.split('"').nth(1));
            (
                name,
                needs
                    .map(|one| one.split(' ').next().unwrap_or(one))
                    .collect(),
            )
        })
        .collect();
    let linked_with = |program: &str| {
        let (mut found, mut open) = (std::collections::BTreeSet::new(), vec![program.to_owned()]);
        while let Some(name) = open.pop() {
            if found.insert(name.clone()) {
                let needs = packages.get(name.as_str()).expect("it is in the file");
                open.extend(needs.iter().map(|&need| need.to_owned()));
            }
        }
        found
    };
    let heavy = [
        "rustls",
        "ring",
        "tokio",
        "tonic",
        "prost",
        "hyper",
        "rustls-webpki",
    ];
    assert!(
        heavy
            .iter()
            .all(|one| linked_with("otp-fleet").contains(*one))
    );
    for program in ["pam_otp", "otp-helper", "otp-enroll"] {
        let linked = linked_with(program);
        for one in heavy {
            assert!(!linked.contains(one), "{program} links {one}");
        }
    }
}
