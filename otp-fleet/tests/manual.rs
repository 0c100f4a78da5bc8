//! The manual of otp-verifier and the shipped configuration agree with the program.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use otp_fleet::server::Conf;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const MANUAL: &str = include_str!("../../packaging/man/otp-verifier.8");
const SHIPPED: &str = include_str!("../../conf/pam_otp-verifier.conf");

fn parse(text: &str) -> Result<Conf, String> {
    Conf::parse(Path::new("conf"), text.as_bytes()).map_err(|error| error.to_string())
}

/// Returns the keys of a section as the program lists them when it refuses an unknown one.
fn known(section: &str) -> BTreeSet<String> {
    let etcd = "[etcd]\nendpoints = [\"e1:2379\"]\n";
    let text = match section {
        "" => format!("colour = 1\n{etcd}"),
        "etcd" => format!("{etcd}colour = 1\n"),
        "store" => "[store]\ndirectory = \"/d\"\nmachines = \"/m\"\ncolour = 1\n".to_owned(),
        other => panic!("{other}"),
    };
    let error = parse(&text).unwrap_err();
    let (_, keys) = error.split_once("known here are ").unwrap();
    let keys = keys.split(", ").map(str::to_owned);
    keys.filter(|key| !matches!(key.as_str(), "etcd" | "store" | "zones"))
        .collect()
}

/// Returns the manual's tags below a heading, up to the next one: the first word of each, without its font.
fn tags(heading: &str) -> BTreeSet<String> {
    let (_, rest) = MANUAL
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("no {heading}"));
    let mut lines = rest.lines().take_while(|line| !line.starts_with(".S"));
    let mut tags = BTreeSet::new();
    while let Some(line) = lines.next() {
        if line == ".TP" {
            let tag = lines.next().unwrap().replace("\\-", "-");
            let tag = tag.replace("\\fB", "").replace("\\fR", "");
            for one in tag.split(", ") {
                let end = one.find([' ', '\\']).unwrap_or(one.len());
                tags.insert(one[..end].to_owned());
            }
        }
    }
    tags
}

#[test]
fn the_manual_lists_every_key_and_no_other() {
    for (section, heading) in [
        ("", ".SH CONFIGURATION"),
        ("etcd", ".SS [etcd]"),
        ("store", ".SS [store]"),
    ] {
        assert_eq!(tags(heading), known(section), "{heading}");
    }
}

#[test]
fn the_manual_lists_every_option_and_no_other() {
    let mut help = Command::new(env!("CARGO_BIN_EXE_otp-verifier"));
    let help = help.arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = help.split_whitespace();
    let options: BTreeSet<String> = words
        .filter(|word| word.starts_with("--"))
        .map(str::to_owned)
        .collect();
    assert_eq!(tags(".SH OPTIONS"), options);
}

/// Returns the shipped file with the "#" removed from each line that holds a setting.
fn without_marks() -> String {
    let is_key = |line: &str| {
        let name = line.split(' ').next().unwrap_or_default();
        line.contains(" = ") && name.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    let lines = SHIPPED.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if is_key(rest) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shipped_file_has_every_key_and_its_default() {
    let whole = parse(&without_marks()).unwrap();
    let bare = parse("[etcd]\nendpoints = [\"e1:2379\"]\n").unwrap();
    assert_eq!(whole.addresses(), bare.addresses());
    assert_eq!(whole.files, bare.files);
    assert_eq!(
        (&whole.policy, &whole.state, whole.connections),
        (&bare.policy, &bare.state, bare.connections)
    );
    assert_eq!(whole.zones.len(), 1);
    for section in ["", "etcd"] {
        for key in known(section) {
            assert!(SHIPPED.contains(&format!("\n#{key} = ")), "{key}");
        }
    }
    // The shipped file names no database, and the program says so.
    assert!(
        parse(SHIPPED)
            .unwrap_err()
            .contains("'endpoints' is missing")
    );
}

/// Each certificate made as the manual says is good for one side of a connection only.
#[test]
fn certificates_made_as_the_manual_says_state_their_use() {
    let manual = include_str!("../../packaging/man/pam_otp-fleet.7");
    let (_, block) = manual.split_once(".\\\" on: desk\n.EX\n").unwrap();
    let (lines, _) = block.split_once("\n.EE\n").unwrap();
    let lines = lines.replace("\\-", "-").replace("\\e", "\\");
    let home = tempfile::tempdir().unwrap();
    let made = Command::new("bash")
        .args(["-euc", &lines])
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    for (name, expected) in [
        ("v1", "TLS Web Server Authentication"),
        ("web1", "TLS Web Client Authentication"),
        ("admin", "TLS Web Client Authentication"),
        ("v1-etcd", "TLS Web Client Authentication"),
    ] {
        let said = Command::new("openssl")
            .args(["x509", "-noout", "-ext", "extendedKeyUsage", "-in"])
            .arg(home.path().join(format!("fleet-ca/{name}.pem")))
            .output()
            .unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        assert_eq!(said.lines().last().map(str::trim), Some(expected), "{name}");
    }
}
