//! Mistakes around the services: in sshd's configuration, the policy, the records and the clock, and about who can
//! become root.

use super::*;
use crate::fixture::{is_root, set_mode};
use otp_core::UnixTime;
use otp_core::messages::reason::Wording;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

const RECORDS: &str = "/var/lib/pam_otp";
const RIGHT_SSHD: &str = "usepam yes\nkbdinteractiveauthentication yes\npasswordauthentication no\n\
    pubkeyauthentication no\ngssapiauthentication no\npermitrootlogin no\nlogingracetime 600\nauthenticationmethods any\n";

/// Facts about a machine that are not in its files.
struct Said {
    sshd: Result<String, Wording>,
    /// For connections with this text in their description.
    matched: Option<(&'static str, &'static str)>,
    keeps_clock: Option<bool>,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            sshd: Ok(RIGHT_SSHD.to_owned()),
            matched: None,
            keeps_clock: Some(true),
        }
    }
}

impl Outside for Said {
    fn sshd(&self, connection: Option<&str>) -> Result<Option<String>, Wording> {
        if let (Some((part, printed)), Some(connection)) = (self.matched, connection)
            && connection.contains(part)
        {
            return Ok(Some(printed.to_owned()));
        }
        self.sshd.clone().map(Some)
    }

    fn keeps_clock(&self) -> Option<bool> {
        self.keeps_clock
    }
}

/// A machine on which alice, who may become root, is enrolled.
fn planted() -> Planted {
    let lines = "@include common-auth\nauth required pam_otp.so\n@include common-account\n";
    Planted::new()
        .with(
            "/etc/passwd",
            "root:x:0:0::/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n\
             alice:x:1000:1000::/home/alice:/bin/bash\nbobby:x:1001:1001::/home/bobby:/bin/bash\n",
        )
        .with("/etc/shadow", "root:*:::::::\nalice:$y$x:::::::\nbobby:$y$x:::::::\n")
        .with("/etc/group", "sudo:x:27:alice\nstaff:x:50:alice\nempty:x:60:\n")
        .with("/etc/nsswitch.conf", "passwd: files systemd\ngroup: files\n")
        .with("/etc/sudoers", "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n")
        .with("/etc/sudoers.d/README", "# nothing\n")
        .service("sudo", lines)
        .with("/var/lib/pam_otp/alice/credential.toml", "")
        .with("/var/lib/pam_otp/alice/state", "")
}

/// With the owners and modes of records.
fn tree(planted: &Planted) -> TempDir {
    let root = planted.tree();
    let place = root.path().join(RECORDS.trim_start_matches('/'));
    for (file, mode) in [
        ("", 0o2770),
        ("alice", 0o2770),
        ("alice/credential.toml", 0o640),
        ("alice/state", 0o660),
    ] {
        let path = place.join(file);
        if path.exists() {
            set_mode(&path, mode);
        }
    }
    root
}

fn report(planted: &Planted, root: &Path, said: &Said, services: &[&str]) -> Report {
    let files = Files::below(root);
    let machine = Machine {
        files: &files,
        policies: Ok(planted.policies.clone()),
        records: Path::new(RECORDS),
        outside: said,
        now: UnixTime::from_seconds(1_800_000_000),
    };
    let services: Vec<String> = services.iter().map(|one| (*one).to_owned()).collect();
    machine.examine(&services).unwrap()
}

fn ids(report: &Report) -> Vec<&'static str> {
    report.found.iter().map(|one| one.finding.id()).collect()
}

fn found(planted: &Planted, said: &Said) -> Vec<&'static str> {
    let root = tree(planted);
    ids(&report(planted, root.path(), said, &[]))
}

#[test]
fn a_machine_without_faults_gives_no_finding() {
    assert!(is_root(), "the records have to be root's");
    let planted = planted().service("cron", "@include common-auth\n");
    let root = tree(&planted);
    let report = report(&planted, root.path(), &Said::default(), &[]);
    assert_eq!(ids(&report), [""; 0]);
    assert_eq!(report.examined, ["sshd", "sudo"]);
    assert_eq!(report.unprotected, ["cron"]);
    assert!(report.unexamined.is_empty());
}

#[test]
fn sshds_configuration_is_examined_where_sshd_asks_for_codes() {
    let with = |old: &str, new: &str| Said {
        sshd: Ok(RIGHT_SSHD.replace(old, new)),
        ..Said::default()
    };
    let open = with("passwordauthentication no", "passwordauthentication yes");
    assert_eq!(found(&planted(), &open), ["sshd-password"]);
    let unprotected = planted().replaced("/etc/pam.d/sshd", "auth required pam_otp.so\n", "");
    assert_eq!(found(&unprotected, &open), [""; 0]);
    let keys = with("pubkeyauthentication no", "pubkeyauthentication yes");
    assert_eq!(found(&planted(), &keys), ["sshd-key-alone"]);
    let offering = planted()
        .policy("[enroll]\nat_login = \"offer\"\n")
        .replaced(
            "/etc/pam.d/sshd",
            "account required pam_nologin.so",
            "account required pam_otp.so",
        );
    let short = with("logingracetime 600", "logingracetime 120");
    assert_eq!(
        found(&offering, &short),
        ["login-grace-time", "enrol-not-here"]
    );
    // A key and a code, as in pam_otp-setup(7).
    let code_alone = planted().replaced("/etc/pam.d/sshd", "@include common-auth\n", "");
    assert_eq!(found(&code_alone, &Said::default()), ["code-alone"]);
    let demanding = with("methods any", "methods publickey,keyboard-interactive");
    assert_eq!(found(&code_alone, &demanding), [""; 0]);
}

#[test]
fn settings_under_a_match_line_are_examined_too() {
    let planted = planted()
        .with(
            "/etc/ssh/sshd_config",
            "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n",
        )
        .with(
            "/etc/ssh/sshd_config.d/20-old.conf",
            "Match User deploy\n PasswordAuthentication yes\n",
        );
    let said = Said {
        matched: Some((
            "user=deploy",
            "usepam yes\nkbdinteractiveauthentication yes\npasswordauthentication yes\nauthenticationmethods any\n",
        )),
        ..Said::default()
    };
    let root = tree(&planted);
    let report = report(&planted, root.path(), &said, &[]);
    let within = "Match User deploy".to_owned();
    let found: Vec<_> = report.found.iter().map(|one| &one.finding).collect();
    assert_eq!(found, [&Finding::SshdPassword { within }]);
}

#[test]
fn every_match_line_is_examined_wherever_it_is_and_one_that_cannot_be_is_reported() {
    for (file, criteria, part) in [
        ("sshd_config", "Address *,!10.0.0.0/8", "addr=1.1.1.1"),
        ("conf.d/deeper", "Address 10.*", "addr=10.1.1.1"),
    ] {
        let text = format!("Match {criteria}\n PasswordAuthentication yes\n");
        let planted = planted()
            .with("/etc/ssh/sshd_config", "Include \"conf.d/1?-*.conf\"\n")
            .with("/etc/ssh/conf.d/10-a.conf", "Include conf.d/deeper\n")
            .with(&format!("/etc/ssh/{file}"), &text);
        let said = Said {
            matched: Some((
                part,
                "usepam yes\nkbdinteractiveauthentication yes\npasswordauthentication yes\nauthenticationmethods any\n",
            )),
            ..Said::default()
        };
        assert_eq!(found(&planted, &said), ["sshd-password"], "{criteria}");
    }
    let planted = planted().with(
        "/etc/ssh/sshd_config",
        "Match RDomain x\nMatch Group nobodys\nMatch User !root\n",
    );
    let root = tree(&planted);
    let report = report(&planted, root.path(), &Said::default(), &[]);
    let what: Vec<_> = report.unexamined.iter().map(|(what, _)| what).collect();
    assert_eq!(what, ["Match RDomain x"]);
}

#[test]
fn thousands_of_users_are_read() {
    let many = |line: fn(usize) -> String| (0..5000).map(line).collect::<String>();
    let planted = planted()
        .policy("[enforce]\nexempt_users = [\"alice\"]\n")
        .with(
            "/etc/passwd",
            &(many(|at| format!("user{at}:x:{}:100::/home/user{at}:/bin/bash\n", 2000 + at))
                + "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"),
        )
        .with(
            "/etc/shadow",
            &(many(|at| format!("user{at}:$y$x:::::::\n")) + "root:*:::::::\nalice:$y$x:::::::\n"),
        );
    assert_eq!(found(&planted, &Said::default()), [""; 0]);
}

/// Without limits, either takes longer than anybody waits.
#[test]
fn files_that_never_end_are_given_up() {
    let code_first = "auth required pam_otp.so\n".to_owned()
        + &"auth required pam_env.so\n".repeat(700)
        + "@include common-auth\n";
    let mut planted = planted()
        .service("cron", "@include empty0\n")
        .service("empty15", "#\n")
        .service("sshd", &code_first);
    for at in 0..15 {
        let next = format!("@include empty{}\n", at + 1);
        planted = planted.service(&format!("empty{at}"), &next.repeat(40));
    }
    let root = tree(&planted);
    let report = report(&planted, root.path(), &Said::default(), &["cron", "sshd"]);
    let what: Vec<_> = report.unexamined.iter().map(|(what, _)| &**what).collect();
    assert!(
        what.contains(&"cron") && !what.contains(&"sshd"),
        "{what:?}"
    );
}

#[test]
fn a_pipe_without_a_writer_is_not_waited_for() {
    let planted = planted().service("cron", "@include waits\n");
    let root = tree(&planted);
    let waits = root.path().join("etc/pam.d/waits");
    nix::unistd::mkfifo(&waits, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let report = report(&planted, root.path(), &Said::default(), &[]);
    let what: Vec<_> = report.unexamined.iter().map(|(what, _)| what).collect();
    assert_eq!(what, ["cron"]);
}

#[test]
fn a_service_or_program_that_cannot_be_examined_is_reported() {
    let said = Said {
        sshd: Err("no hostkeys available".to_owned().into()),
        ..Said::default()
    };
    let planted = planted();
    let root = tree(&planted);
    // A loop of files, which libpam would not follow either.
    symlink("sudo", root.path().join("etc/pam.d/other-name")).unwrap();
    fs::write(root.path().join("etc/pam.d/endless"), "@include endless\n").unwrap();
    let report = report(&planted, root.path(), &said, &[]);
    let what: Vec<_> = report
        .unexamined
        .iter()
        .map(|(what, _)| what.as_str())
        .collect();
    assert_eq!(what, ["endless", "sshd -T"]);
}

#[test]
fn a_policy_that_cannot_be_used_is_found() {
    let planted = planted();
    let root = tree(&planted);
    let files = Files::below(root.path());
    let machine = Machine {
        files: &files,
        policies: Err(
            crate::policy::parse("/etc/security/pam_otp.conf", b"nonsense = 1\n").unwrap_err(),
        ),
        records: Path::new(RECORDS),
        outside: &Said::default(),
        now: UnixTime::from_seconds(1_800_000_000),
    };
    let report = machine.examine(&[]).unwrap();
    assert_eq!(ids(&report), ["policy-unusable"]);
}

#[test]
fn a_policy_that_does_not_mean_what_it_says_is_found() {
    for (policy, expected) in [
        ("[enforce]\ngroups = [\"staf\"]\n", "group-unknown"),
        (
            "[enforce]\nexempt_groups = [\"robots\"]\n",
            "exempt-group-unknown",
        ),
        ("[enforce]\ngroups = [\"empty\"]\n", "groups-empty"),
        (
            "[enforce]\nexempt_users = [\"backup\"]\n",
            "exempt-user-unknown",
        ),
        (
            "[helper]\ntrusted_callers = [\"postgres\"]\n",
            "caller-unknown",
        ),
        ("[trust]\nnetworks = [\"127.0.0.0/8\"]\n", "trusts-loopback"),
        ("[trust]\nnetworks = [\"::1/128\"]\n", "trusts-loopback"),
        ("[trust]\nnetworks = [\"0.0.0.0/0\"]\n", "trusts-everybody"),
    ] {
        assert_eq!(
            found(&planted().policy(policy), &Said::default()),
            [expected],
            "{policy}"
        );
    }
    for policy in [
        "[enforce]\ngroups = [\"staff\"]\nexempt_groups = [\"empty\"]\nexempt_users = [\"bobby\"]\n",
        "[trust]\nnetworks = [\"10.0.0.0/8\"]\n",
        "[enforce]\ngroups = []\n",
    ] {
        assert_eq!(
            found(&planted().policy(policy), &Said::default()),
            [""; 0],
            "{policy}"
        );
    }
    // A directory may know them.
    let directory = planted()
        .with(
            "/etc/nsswitch.conf",
            "passwd: files sss\ngroup: files sss\n",
        )
        .policy("[enforce]\ngroups = [\"empty\"]\nexempt_users = [\"backup\"]\n");
    assert_eq!(found(&directory, &Said::default()), [""; 0]);
}

#[test]
fn a_clock_that_no_service_keeps_right_is_found() {
    let said = |keeps_clock| Said {
        keeps_clock,
        ..Said::default()
    };
    assert_eq!(found(&planted(), &said(Some(false))), ["clock-adrift"]);
    assert_eq!(found(&planted(), &said(None)), [""; 0]);
}

#[test]
fn records_with_a_wrong_owner_or_mode_or_without_a_state_are_found() {
    let with = |change: &dyn Fn(&Path)| {
        let planted = planted();
        let root = tree(&planted);
        change(&root.path().join("var/lib/pam_otp"));
        ids(&report(&planted, root.path(), &Said::default(), &[]))
    };
    let remove = |path: &Path| fs::remove_file(path).unwrap();
    assert_eq!(with(&|records| set_mode(records, 0o2775)), ["record-mode"]);
    assert_eq!(
        with(&|records| set_mode(&records.join("alice/credential.toml"), 0o644)),
        ["record-mode"]
    );
    assert_eq!(
        with(&|records| chown(records, Some(1001), None).unwrap()),
        ["record-owner"]
    );
    assert_eq!(
        with(&|records| chown(records.join("alice/state"), Some(1001), None).unwrap()),
        ["record-owner"]
    );
    assert_eq!(
        with(&|records| chown(records.join("alice/state"), None, Some(1001)).unwrap()),
        ["record-owner"]
    );
    // The user owns what the helper made.
    assert_eq!(
        with(&|records| chown(records.join("alice/state"), Some(1000), None).unwrap()),
        [""; 0]
    );
    assert_eq!(
        with(&|records| remove(&records.join("alice/state"))),
        ["state-missing"]
    );
}

#[test]
fn missing_records_are_found() {
    let mut planted = planted();
    let paths: Vec<String> = planted.files.keys().cloned().collect();
    for path in paths.iter().filter(|path| path.starts_with(RECORDS)) {
        planted.files.remove(path);
    }
    // A way in for root that takes no code: this test is only about the records.
    let planted = planted.policy("[enforce]\nexempt_users = [\"alice\"]\n");
    assert_eq!(found(&planted, &Said::default()), ["records-missing"]);
    let planted = planted.with("/etc/security/pam_otp.enrolled", "");
    assert_eq!(found(&planted, &Said::default()), ["records-gone"]);
}

#[test]
fn an_selinux_label_that_stops_logins_is_found() {
    let planted = planted().with("/sys/fs/selinux/enforce", "1");
    let root = tree(&planted);
    let records = root.path().join("var/lib/pam_otp");
    let set = |label: &[u8]| {
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(&records, "security.selinux", label, flags).unwrap();
        ids(&report(&planted, root.path(), &Said::default(), &[]))
    };
    assert_eq!(set(b"system_u:object_r:var_lib_t:s0\0"), ["record-label"]);
    assert_eq!(set(b"system_u:object_r:var_auth_t:s0\0"), [""; 0]);
}

#[test]
fn a_program_that_apparmor_confines_without_our_rules_is_found() {
    let planted = planted()
        .service(
            "cups",
            "@include common-auth\nauth required pam_otp.so\n@include common-account\n",
        )
        .with(
            "/sys/kernel/security/apparmor/profiles",
            "/usr/sbin/cupsd (enforce)\n/usr/sbin/sshd (complain)\n",
        );
    assert_eq!(found(&planted, &Said::default()), ["apparmor-rules"]);
    let planted = planted.with("/etc/apparmor.d/abstractions/authentication.d/pam_otp", "");
    assert_eq!(found(&planted, &Said::default()), [""; 0]);
}

#[test]
fn a_machine_on_which_nobody_can_become_root_any_more_is_found() {
    let not_enrolled = || {
        let mut planted = planted();
        for file in ["credential.toml", "state"] {
            let text = planted
                .files
                .remove(&format!("{RECORDS}/alice/{file}"))
                .unwrap();
            planted = planted.with(&format!("{RECORDS}/bobby/{file}"), &text);
        }
        planted
    };
    let modes_and = |planted: &Planted, said: &Said| {
        let root = tree(planted);
        let records = root.path().join("var/lib/pam_otp/bobby");
        set_mode(&records, 0o2770);
        set_mode(&records.join("credential.toml"), 0o640);
        set_mode(&records.join("state"), 0o660);
        ids(&report(planted, root.path(), said, &[]))
    };
    let modes = |planted: &Planted| modes_and(planted, &Said::default());
    assert_eq!(modes(&not_enrolled()), ["nobody-becomes-root"]);
    let keyed = not_enrolled().with("/root/.ssh/authorized_keys", "ssh-ed25519 AAAA root\n");
    assert_eq!(modes(&keyed), ["nobody-becomes-root"]);
    let said = Said {
        sshd: Ok(RIGHT_SSHD.replace("permitrootlogin no", "permitrootlogin prohibit-password")),
        ..Said::default()
    };
    assert_eq!(modes_and(&keyed, &said), [""; 0]);
    // Each of these is a way to become root.
    let ways = [
        not_enrolled().policy("[enforce]\ngroups = [\"empty\", \"sudo\"]\nfrom = \"2030-01-01\"\n"),
        not_enrolled().policy("[enforce]\nexempt_users = [\"alice\"]\n"),
        not_enrolled().replaced("/etc/group", "sudo:x:27:alice", "sudo:x:27:alice,bobby"),
        not_enrolled().replaced("/etc/pam.d/sudo", "auth required pam_otp.so\n", ""),
        not_enrolled().with("/etc/sudoers.d/deploy", "deploy ALL=(ALL) NOPASSWD: ALL\n"),
        not_enrolled()
            .replaced("/etc/shadow", "root:*", "root:$y$x")
            .service("login", "@include common-auth\n"),
        not_enrolled().with("/etc/doas.conf", "permit :staff\n"),
    ];
    for (at, way) in ways.iter().enumerate() {
        assert_eq!(modes(way), [""; 0], "{at}");
    }
    let asking = not_enrolled()
        .replaced("/etc/shadow", "root:*", "root:$y$x")
        .service(
            "login",
            "@include common-auth\nauth required pam_otp.so\n@include common-account\n",
        );
    assert_eq!(modes(&asking), ["nobody-becomes-root"]);
}
