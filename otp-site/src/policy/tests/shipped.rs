//! The file that the packages install states the defaults that hold without it.

use super::*;

const SHIPPED: &str = include_str!("../../../../conf/pam_otp.conf");

/// The default that cannot be put in force.
const NO_FLEET: &str = "verifiers = []";

/// The section of the shipped file that has no name yet.
const SERVICE: &str = "service.NAME";

/// Returns the sections, and the keys without their comment sign, but not the sentences.
fn without_comment_signs() -> Vec<&'static str> {
    SHIPPED
        .lines()
        .filter_map(|line| match line.strip_prefix('#') {
            Some(key) => Some(key)
                .filter(|key| key.starts_with(|c: char| c.is_ascii_lowercase() || c == '[')),
            None => Some(line).filter(|line| line.starts_with('[')),
        })
        .collect()
}

/// Section, key and value of each line that holds a key.
pub(super) fn shipped_keys() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut section = "";
    let mut keys = Vec::new();
    for line in without_comment_signs() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.strip_suffix(']').expect("a section line");
        } else {
            let (key, value) = line.split_once(" = ").expect("a key line");
            keys.push((section, key, value));
        }
    }
    keys
}

/// One key in its section, and the number of its line.
pub(super) fn one_key(section: &str, key: &str, value: &str) -> (String, usize) {
    if section.is_empty() {
        (format!("{key} = {value}"), 1)
    } else {
        let section = section.replace(SERVICE, "service.sshd");
        (format!("[{section}]\n{key} = {value}"), 2)
    }
}

/// Returns the keys that the parser knows at the top level or in a section, in its own words; `None`: it is not a
/// section.
fn known_to_the_parser(section: &str) -> Option<Vec<String>> {
    let (text, _) = one_key(section, "no-such-key", "1");
    let told = refusal(&text);
    let (_, known) = told.split_once("unknown key; known here are ")?;
    Some(known.split(", ").map(str::to_owned).collect())
}

#[test]
fn the_shipped_file_states_the_defaults_commented_out() {
    assert_eq!(taken(SHIPPED), Policy::default());
    // The sections are in force, so that each key can be put in force alone.
    let active = |line: &&str| !line.is_empty() && !line.starts_with(['#', '[']);
    assert_eq!(SHIPPED.lines().find(active), None);
    // Except an empty list of verifiers, which is refused: an administrator who has one in force means a fleet.
    let lines = without_comment_signs();
    let lines: Vec<_> = lines.into_iter().filter(|line| *line != NO_FLEET).collect();
    let in_force = lines.join("\n").replace("NAME", "sshd");
    let policies = policies(&in_force);
    assert_eq!(policies.where_nothing_is_said(), &Policy::default());
    // The section of a service says the same as the keys that it would replace.
    let mut sshd = Policy::default();
    sshd.enroll.is_for_service = true;
    assert_eq!(policies.for_service("sshd"), sshd);
}

#[test]
fn the_section_of_a_service_is_refused_until_it_has_a_name() {
    let in_force = SHIPPED.replace("#[service.NAME]", "[service.NAME]");
    assert_ne!(in_force, SHIPPED);
    assert!(refusal(&in_force).contains("must be the name of a service"));
}

#[test]
fn the_shipped_file_has_every_key_once_and_no_other() {
    let mut expected = Vec::new();
    for top in known_to_the_parser("").unwrap() {
        let top = top.replace("service", SERVICE);
        match known_to_the_parser(&top) {
            Some(keys) => expected.extend(keys.into_iter().map(|key| (top.clone(), key))),
            None => expected.push((String::new(), top)),
        }
    }
    assert_eq!(expected.len(), 45);
    let mut shipped: Vec<_> = shipped_keys()
        .into_iter()
        .map(|(section, key, _)| (section.to_owned(), key.to_owned()))
        .collect();
    expected.sort();
    shipped.sort();
    assert_eq!(shipped, expected);
}

#[test]
fn every_key_of_the_shipped_file_has_a_sentence() {
    for (above, line) in SHIPPED.lines().zip(SHIPPED.lines().skip(1)) {
        if without_comment_signs()
            .iter()
            .any(|key| line == format!("#{key}") && !key.starts_with('['))
        {
            assert!(
                above.starts_with("# ") && above.ends_with('.'),
                "{above:?} above {line:?}"
            );
        }
    }
}

#[test]
fn the_sentence_about_the_language_names_every_language() {
    let manual = include_str!("../../../../packaging/man/pam_otp.conf.5");
    let (above, _) = SHIPPED.split_once("\n#language = ").unwrap();
    let (_, below) = manual.split_once("\\fBlanguage\\fR = \"en\"\n").unwrap();
    for language in Language::ALL {
        let tag = format!("\"{}\"", language.tag());
        for sentence in [above.lines().last(), below.lines().next()] {
            assert!(sentence.unwrap().contains(&tag), "{tag}: {sentence:?}");
        }
    }
}

#[test]
fn each_line_of_the_shipped_file_can_be_put_in_force_alone() {
    for (section, key, value) in shipped_keys() {
        if format!("{key} = {value}") == NO_FLEET {
            continue;
        }
        assert_eq!(taken(&one_key(section, key, value).0), Policy::default());
    }
    let failures = SHIPPED.replace("#failures = 5", "failures = 3");
    assert_eq!(taken(&failures).lockout.failures(), 3);
}
