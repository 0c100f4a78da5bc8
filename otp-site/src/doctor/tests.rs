//! Mistakes planted one at a time into the files of a machine without faults.

use super::*;
use otp_core::messages::doctor::{Finding, Weight};
use otp_core::record::Policies;
use std::collections::BTreeMap;
use std::fs;
use tempfile::TempDir;

mod machine;

/// The files of Debian 12, word for word except for comments.
const COMMON_AUTH: &str = "auth\t[success=1 default=ignore]\tpam_unix.so nullok\n\
    auth\trequisite\t\t\tpam_deny.so\nauth\trequired\t\t\tpam_permit.so\n";
const COMMON_ACCOUNT: &str = "account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so\n\
    account\trequisite\t\t\tpam_deny.so\naccount\trequired\t\t\tpam_permit.so\n";
const COMMON_PASSWORD: &str = "password\t[success=1 default=ignore]\tpam_unix.so obscure yescrypt\n\
    password\trequisite\t\t\tpam_deny.so\npassword\trequired\t\t\tpam_permit.so\n";
const COMMON_SESSION: &str = "session\t[default=1]\t\t\tpam_permit.so\nsession\trequisite\t\t\tpam_deny.so\n\
    session\trequired\t\t\tpam_permit.so\nsession\trequired\tpam_unix.so\n";
/// As pam-auth-update writes it with the package's profile.
const COMMON_AUTH_WITH_PROFILE: &str = "auth\t[success=1 default=ignore]\tpam_unix.so nullok\n\
    auth\trequisite\t\t\tpam_deny.so\nauth\trequired\t\t\tpam_permit.so\n\
    auth\t[success=1 default=ignore]\tpam_succeed_if.so quiet service in otp-enroll:otp-portal\nauth\trequired\tpam_otp.so\n";
const SSHD: &str = "@include common-auth\nauth required pam_otp.so\naccount required pam_nologin.so\n\
    @include common-account\nsession [success=ok ignore=ignore module_unknown=ignore default=bad] pam_selinux.so close\n\
    session required pam_loginuid.so\nsession optional pam_keyinit.so force revoke\n@include common-session\n\
    session optional pam_motd.so motd=/run/motd.dynamic\nsession required pam_limits.so\n@include common-password\n";
const ONE_PROMPT: &str = "auth required pam_otp.so split\nauth requisite pam_unix.so try_first_pass\n\
    auth required pam_otp.so\n@include common-account\n";

/// A machine without faults, to plant a mistake into.
pub(super) struct Planted {
    files: BTreeMap<String, String>,
    pub(super) policies: Policies,
    demands_key: bool,
    everybody_enrolled: bool,
}

impl Planted {
    pub(super) fn new() -> Self {
        let planted = Self {
            files: BTreeMap::new(),
            policies: Policies::default(),
            demands_key: false,
            everybody_enrolled: false,
        };
        planted
            .with("/etc/pam.d/common-auth", COMMON_AUTH)
            .with("/etc/pam.d/common-account", COMMON_ACCOUNT)
            .with("/etc/pam.d/common-password", COMMON_PASSWORD)
            .with("/etc/pam.d/common-session", COMMON_SESSION)
            .with("/etc/pam.d/common-session-noninteractive", COMMON_SESSION)
            .with("/etc/pam.d/sshd", SSHD)
            .with(
                "/etc/passwd",
                "root:x:0:0::/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n",
            )
    }

    pub(super) fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    pub(super) fn service(self, name: &str, text: &str) -> Self {
        self.with(&format!("/etc/pam.d/{name}"), text)
    }

    pub(super) fn replaced(mut self, path: &str, old: &str, new: &str) -> Self {
        let text = self.files.get_mut(path).unwrap();
        assert!(text.contains(old), "{path}: {old}");
        *text = text.replace(old, new);
        self
    }

    pub(super) fn policy(mut self, text: &str) -> Self {
        self.policies = crate::policy::parse("policy", text.as_bytes()).unwrap();
        self
    }

    /// All modules except these exist on the machine.
    fn without_modules(mut self, missing: &[&str]) -> Self {
        let all = [
            "pam_unix.so",
            "pam_deny.so",
            "pam_permit.so",
            "pam_otp.so",
            "pam_nologin.so",
        ];
        for one in all.iter().filter(|one| !missing.contains(one)) {
            self = self.with(&format!("/lib/x86_64-linux-gnu/security/{one}"), "");
        }
        self
    }

    pub(super) fn tree(&self) -> TempDir {
        let root = TempDir::new().unwrap();
        for (path, text) in &self.files {
            let place = root.path().join(path.trim_start_matches('/'));
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        }
        root
    }

    fn examine(&self, service: &str) -> Vec<Diagnosis> {
        let root = self.tree();
        let files = Files::below(root.path());
        let of = Circumstances {
            files: &files,
            policies: &self.policies,
            demands_key: self.demands_key,
            everybody_enrolled: self.everybody_enrolled,
        };
        examine(&of, service).unwrap()
    }

    fn ids(&self, service: &str) -> Vec<&'static str> {
        let found = self.examine(service);
        assert!(
            found
                .iter()
                .all(|one| one.service.as_deref() == Some(service))
        );
        found.iter().map(|one| one.finding.id()).collect()
    }
}

fn sshd(old: &str, new: &str) -> Vec<&'static str> {
    Planted::new()
        .replaced("/etc/pam.d/sshd", old, new)
        .ids("sshd")
}

const INCLUDE_AND_OURS: &str = "@include common-auth\nauth required pam_otp.so\n";

#[test]
fn each_kind_of_finding_is_planted_somewhere() {
    let planted = [
        include_str!("tests.rs"),
        include_str!("tests/machine.rs"),
        include_str!("sshd.rs"),
    ]
    .concat();
    let missing: Vec<_> = Finding::IDS
        .into_iter()
        .filter(|id| !planted.contains(&format!("\"{id}\"")))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn the_lines_of_the_readme_give_no_finding() {
    let planted = Planted::new()
        .service(
            "sudo",
            "session required pam_limits.so\n@include common-auth\nauth required pam_otp.so\n\
             @include common-account\n@include common-session-noninteractive\n",
        )
        .service(
            "su",
            "auth sufficient pam_rootok.so\nsession required pam_env.so readenv=1\n@include common-auth\n\
             auth required pam_otp.so\n@include common-account\n@include common-session\n",
        )
        .service("i3lock", ONE_PROMPT)
        .with("/usr/libexec/pam_otp/otp-helper", "")
        .service(
            "otp-enroll",
            "@include common-auth\nauth required pam_otp.so\n@include common-account\n",
        );
    for service in ["sshd", "sudo", "su", "i3lock", "otp-enroll"] {
        assert_eq!(planted.ids(service), [""; 0], "{service}");
    }
}

#[test]
fn the_profile_of_pam_auth_update_gives_no_finding() {
    let planted = Planted::new()
        .service("common-auth", COMMON_AUTH_WITH_PROFILE)
        .replaced("/etc/pam.d/sshd", "auth required pam_otp.so\n", "")
        .service(
            "otp-enroll",
            "@include common-auth\nauth required pam_otp.so\n@include common-account\n",
        );
    for service in ["sshd", "otp-enroll"] {
        assert_eq!(planted.ids(service), [""; 0], "{service}");
    }
}

#[test]
fn an_account_line_above_the_systems_own_is_right() {
    let found = sshd(
        "account required pam_nologin.so\n",
        "account required pam_nologin.so\naccount required pam_otp.so\n",
    );
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_line_that_lets_users_in_before_ours_is_found() {
    for line in [
        "auth sufficient pam_unix.so",
        "auth sufficient pam_permit.so",
        "auth sufficient pam_fprintd.so",
        "auth sufficient pam_wheel.so trust use_uid",
        "auth [success=done default=ignore] pam_x.so",
        // sshd runs as root for every user.
        "auth sufficient pam_rootok.so",
    ] {
        let above = format!("{line}\n{INCLUDE_AND_OURS}auth required pam_env.so\n");
        let found = sshd(INCLUDE_AND_OURS, &above);
        assert_eq!(found, ["way-in"], "{line}");
    }
    let exempt = "@include common-auth\nauth [success=1 default=ignore] pam_succeed_if.so user ingroup nocode\n\
        auth required pam_otp.so\nauth optional pam_env.so\n";
    assert_eq!(sshd(INCLUDE_AND_OURS, exempt), ["way-in"]);
    // As on Fedora, below a line that ends the stack.
    let below = "auth required pam_env.so\nauth sufficient pam_unix.so\nauth required pam_deny.so\nauth required pam_otp.so\n";
    assert_eq!(
        sshd(INCLUDE_AND_OURS, below),
        ["way-in", "locks-after-refusal"]
    );
}

#[test]
fn a_way_in_is_reported_with_the_answers_that_lead_to_it() {
    let planted = Planted::new().replaced(
        "/etc/pam.d/sshd",
        INCLUDE_AND_OURS,
        "auth sufficient pam_wheel.so trust\n@include common-auth\nauth required pam_otp.so\n",
    );
    let [found] = &planted.examine("sshd")[..] else {
        panic!("one finding")
    };
    assert_eq!(
        found.finding,
        Finding::WayIn {
            line: "/etc/pam.d/sshd:1".to_owned(),
            module: "pam_wheel.so".to_owned(),
            answer: "success".to_owned(),
        }
    );
    assert_eq!(
        found.when,
        [Given {
            line: "/etc/pam.d/sshd:1".to_owned(),
            module: "pam_wheel.so".to_owned(),
            answer: "success",
        }]
    );
}

#[test]
fn a_refusal_that_does_not_count_is_found() {
    for ours in [
        "auth optional pam_otp.so",
        "auth sufficient pam_otp.so",
        "auth [success=ok default=ignore] pam_otp.so",
        "auth [success=ok maxtries=ignore default=bad] pam_otp.so",
    ] {
        let lines = format!("@include common-auth\n{ours}\n");
        assert_eq!(sshd(INCLUDE_AND_OURS, &lines), ["refusal-undone"], "{ours}");
    }
}

#[test]
fn a_code_that_is_cut_off_but_never_checked_is_found() {
    let found = Planted::new()
        .service(
            "vsftpd",
            "auth required pam_otp.so split\nauth requisite pam_unix.so try_first_pass\n@include common-account\n",
        )
        .ids("vsftpd");
    assert_eq!(found, ["never-checked"]);
}

#[test]
fn a_stack_that_asks_for_a_code_alone_is_found_unless_sshd_demands_a_key() {
    let mut planted = Planted::new().replaced(
        "/etc/pam.d/sshd",
        INCLUDE_AND_OURS,
        "auth required pam_otp.so\n",
    );
    assert_eq!(planted.ids("sshd"), ["code-alone"]);
    planted.demands_key = true;
    assert_eq!(planted.ids("sshd"), [""; 0]);
}

#[test]
fn a_stack_that_asks_excused_users_for_nothing_is_found() {
    let lines = "auth required pam_otp.so\nauth required pam_permit.so\n";
    assert_eq!(
        sshd(INCLUDE_AND_OURS, lines),
        ["code-alone", "nothing-asked"]
    );
}

#[test]
fn a_stack_that_refuses_everybody_is_found() {
    for lines in [
        "@include common-auth\nauth required pam_otp.so\nauth required pam_deny.so\n",
        "@include common-auth\nauth [success=bad default=bad] pam_otp.so\n",
        "@include common-auth\nauth requird pam_otp.so\n",
    ] {
        assert_eq!(
            sshd(INCLUDE_AND_OURS, lines),
            ["refuses-everybody"],
            "{lines}"
        );
    }
}

#[test]
fn a_missing_module_is_found() {
    for missing in ["pam_otp.so", "pam_unix.so"] {
        let planted = Planted::new().without_modules(&[missing]).service(
            "sshd",
            "@include common-auth\nauth required pam_otp.so\n-auth optional pam_gnome_keyring.so\n\
             auth optional pam_cap.so\n@include common-account\n",
        );
        let expected: &[&str] = if missing == "pam_unix.so" {
            // It jumps if it says yes, and libpam treats it as a module that refuses.
            &["refuses-everybody"]
        } else {
            &["module-missing"]
        };
        assert_eq!(planted.ids("sshd"), expected, "{missing}");
    }
    let found = Planted::new()
        .without_modules(&[])
        .service(
            "sshd",
            "auth required pam_gone.so\n@include common-auth\nauth required pam_otp.so\n@include common-account\n",
        )
        .ids("sshd");
    assert_eq!(found, ["module-missing"]);
}

#[test]
fn a_missing_file_is_found() {
    for lines in [
        "@include common-auht\nauth required pam_otp.so\n",
        "auth include common-auht\nauth required pam_otp.so\n",
        "auth substack common-auht\nauth required pam_otp.so\n",
    ] {
        let found = sshd(INCLUDE_AND_OURS, lines);
        assert_eq!(found[0], "file-missing", "{lines} {found:?}");
    }
    // libpam always reads the lines of `other`, and gives up.
    let found = Planted::new()
        .service("other", "@include common-auht\n")
        .ids("sshd");
    assert_eq!(found, ["file-missing"]);
}

#[test]
fn an_argument_that_is_wrong_or_names_nothing_is_found() {
    for (argument, expected) in [
        ("nulok", "bad-argument"),
        ("split forward_pass", "bad-argument"),
        ("conf=relative", "bad-argument"),
        ("conf=/etc/security/other.conf", "argument-names-nothing"),
        ("state_dir=/srv/codes", "argument-names-nothing"),
    ] {
        let lines = format!("@include common-auth\nauth required pam_otp.so {argument}\n");
        let found = sshd(INCLUDE_AND_OURS, &lines);
        assert!(found.contains(&expected), "{argument}: {found:?}");
    }
}

#[test]
fn a_code_that_is_asked_for_before_the_password_is_found() {
    let above = "auth required pam_otp.so\n@include common-auth\n";
    assert_eq!(sshd(INCLUDE_AND_OURS, above), ["locks-above"]);
    let requisite = "auth requisite pam_otp.so\n@include common-auth\n";
    assert_eq!(sshd(INCLUDE_AND_OURS, requisite), ["locks-above"]);
    // The line of pam_otp-setup(7) for Fedora, where that file has no better position.
    let fedora = Planted::new()
        .service(
            "password-auth",
            "auth required pam_env.so\nauth required pam_faildelay.so delay=2000000\n\
             auth sufficient pam_unix.so nullok\nauth required pam_deny.so\naccount required pam_unix.so\n",
        )
        .service(
            "sshd",
            "auth required pam_otp.so\nauth substack password-auth\nauth include postlogin\n\
             account include password-auth\n",
        )
        .service("postlogin", "session optional pam_umask.so silent\n");
    let found = fedora.examine("sshd");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].finding.id(), "code-first");
    assert_eq!(found[0].finding.weight(), Weight::Note);
}

#[test]
fn a_code_that_is_asked_for_after_a_wrong_password_is_found() {
    // As in Debian's Cockpit.
    let substack = "auth substack common-auth\nauth required pam_otp.so\n";
    assert_eq!(sshd(INCLUDE_AND_OURS, substack), ["locks-after-substack"]);
    let required = "auth required pam_unix.so\nauth required pam_otp.so\n";
    assert_eq!(sshd(INCLUDE_AND_OURS, required), ["locks-after-refusal"]);
    let found = Planted::new()
        .service(
            "vsftpd",
            &ONE_PROMPT.replace("requisite pam_unix", "required pam_unix"),
        )
        .ids("vsftpd");
    assert_eq!(found, ["locks-after-refusal"]);
}

#[test]
fn a_wrong_code_that_counts_as_a_wrong_password_is_found() {
    let found = Planted::new()
        .service(
            "common-auth",
            "auth required pam_faillock.so preauth\nauth [success=2 default=ignore] pam_unix.so\n\
             auth [default=die] pam_faillock.so authfail\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
        )
        .ids("sshd");
    assert_eq!(found, [""; 0]);
    let lines = "auth required pam_faillock.so preauth\nauth requisite pam_unix.so\nauth [success=1 default=ignore] pam_otp.so\n\
        auth [default=die] pam_faillock.so authfail\nauth required pam_permit.so\n";
    assert_eq!(sshd(INCLUDE_AND_OURS, lines), ["counted-twice"]);
}

#[test]
fn a_stack_that_asks_for_two_codes_is_found() {
    let twice = "@include common-auth\nauth required pam_otp.so\nauth required pam_otp.so\n";
    assert_eq!(sshd(INCLUDE_AND_OURS, twice), ["two-codes"]);
    let found = Planted::new()
        .service("common-auth", COMMON_AUTH_WITH_PROFILE)
        .ids("sshd");
    assert_eq!(found, ["profile-and-line"]);
}

#[test]
fn a_program_that_asks_once_needs_split() {
    let found = Planted::new()
        .service("vsftpd", "@include common-auth\nauth required pam_otp.so\n")
        .ids("vsftpd");
    assert_eq!(found, ["needs-split"]);
    let found = Planted::new()
        .service("vsftpd", &ONE_PROMPT.replace(" try_first_pass", ""))
        .ids("vsftpd");
    assert_eq!(found, ["asked-again"]);
    let found = Planted::new()
        .service("vsftpd", &ONE_PROMPT.replace("requisite", "sufficient"))
        .ids("vsftpd");
    assert!(found.contains(&"way-in"), "{found:?}");
    // It is unknown which of the service's programs this is.
    let found = Planted::new()
        .service(
            "openvpn",
            "@include common-auth\nauth required pam_otp.so\n",
        )
        .ids("openvpn");
    assert_eq!(found, [""; 0]);
}

#[test]
fn nullok_is_reported_by_its_effect() {
    let planted = |policy: &str| {
        Planted::new()
            .replaced(
                "/etc/pam.d/sshd",
                "auth required pam_otp.so",
                "auth required pam_otp.so nullok",
            )
            .policy(policy)
    };
    assert_eq!(planted("").ids("sshd"), ["nullok"]);
    let demanding = "[enforce]\ngroups = [\"staff\"]\n";
    assert_eq!(planted(demanding).ids("sshd"), ["nullok-overrules"]);
    let mut late = planted("");
    late.everybody_enrolled = true;
    assert_eq!(late.ids("sshd"), ["nullok-left"]);
}

#[test]
fn a_service_without_our_line_is_reported_only_on_request() {
    let planted = Planted::new().service("cups", "@include common-auth\n@include common-account\n");
    assert_eq!(planted.ids("cups"), ["not-protected"]);
    assert_eq!(planted.ids("nonsense"), ["no-such-service"]);
}

#[test]
fn a_file_without_effect_is_found() {
    let planted = Planted::new()
        .with("/usr/lib/pam.d/polkit-1", INCLUDE_AND_OURS)
        .service("polkit-1", "@include common-auth\n");
    assert_eq!(planted.ids("polkit-1"), ["shadowed"]);
    let planted = Planted::new().with("/usr/lib/pam.d/polkit-1", INCLUDE_AND_OURS);
    assert_eq!(planted.ids("polkit-1"), ["in-vendor-file"]);
    let planted = Planted::new()
        .replaced("/etc/pam.d/sshd", "auth required pam_otp.so\n", "")
        .with("/etc/pam.conf", "sshd auth required pam_otp.so\n");
    assert_eq!(planted.ids("sshd"), ["in-pam-conf"]);
}

#[test]
fn pam_conf_counts_if_there_is_no_directory() {
    let root = TempDir::new().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let lines = "# all of them\nsshd auth requisite pam_unix.so\nSSHD auth required pam_otp.so\nother auth required pam_deny.so\n\
        sudo auth sufficient pam_unix.so\nsudo auth required pam_otp.so\n";
    fs::write(root.path().join("etc/pam.conf"), lines).unwrap();
    let files = Files::below(root.path());
    assert_eq!(files.services().unwrap(), ["sshd", "sudo"]);
    let policies = Policies::default();
    let of = Circumstances {
        files: &files,
        policies: &policies,
        demands_key: false,
        everybody_enrolled: false,
    };
    let ids = |service| -> Vec<_> {
        let found = examine(&of, service).unwrap();
        found.iter().map(|one| one.finding.id()).collect()
    };
    assert_eq!(ids("sshd"), [""; 0]);
    assert_eq!(ids("sudo")[0], "way-in");
}

#[test]
fn another_way_to_the_same_rights_is_found() {
    let common = "@include common-auth\n@include common-account\n";
    let ours = &format!("{INCLUDE_AND_OURS}@include common-account\n");
    let planted = || Planted::new().service("sudo", ours);
    assert_eq!(
        planted().service("sudo-i", common).ids("sudo"),
        ["sibling-open"]
    );
    assert_eq!(planted().service("sudo-i", ours).ids("sudo"), [""; 0]);
    let planted = planted().with("/usr/lib/pam.d/polkit-1", common);
    assert_eq!(planted.ids("sudo"), ["polkit-open"]);
}

#[test]
fn account_lines_without_their_intended_effect_are_found() {
    let above = |line: &str| {
        let include = "@include common-account";
        sshd(include, &format!("{line}\n{include}"))
    };
    assert_eq!(
        above("account sufficient pam_localuser.so\naccount required pam_otp.so"),
        ["account-led-around"]
    );
    assert_eq!(above("account optional pam_otp.so"), ["account-led-around"]);
    let planted = Planted::new()
        .replaced(
            "/etc/pam.d/sshd",
            "auth required pam_otp.so",
            "auth required pam_otp.so nullok",
        )
        .replaced(
            "/etc/pam.d/sshd",
            "@include common-account",
            "account required pam_otp.so\n@include common-account",
        );
    assert_eq!(planted.ids("sshd"), ["nullok", "account-forgets-nullok"]);
    let planted = Planted::new()
        .replaced("/etc/pam.d/sshd", "auth required pam_otp.so\n", "")
        .replaced(
            "/etc/pam.d/sshd",
            "@include common-account",
            "account required pam_otp.so\n@include common-account",
        );
    assert_eq!(planted.ids("sshd"), ["account-without-auth"]);
    let planted = Planted::new()
        .service(
            "common-account",
            &format!("account required pam_otp.so\n{COMMON_ACCOUNT}"),
        )
        .service("cron", "@include common-auth\n@include common-account\n");
    assert_eq!(planted.ids("cron"), ["account-of-jobs"]);
}

#[test]
fn lines_in_other_phases_are_found() {
    assert_eq!(
        sshd(
            "@include common-password",
            "password required pam_otp.so\n@include common-password"
        ),
        ["line-for-changes"]
    );
    assert_eq!(
        sshd(
            "session required pam_limits.so",
            "session optional pam_otp.so"
        ),
        ["session-line"]
    );
}

#[test]
fn logins_that_should_enrol_and_cannot_are_found() {
    let offering = "[enroll]\nat_login = \"offer\"\n";
    let planted = || Planted::new().policy(offering);
    assert_eq!(planted().ids("sshd"), ["enrol-no-account-line"]);
    let ours = &format!("{INCLUDE_AND_OURS}account required pam_otp.so\n@include common-account\n");
    assert_eq!(
        planted().service("sudo", ours).ids("sudo"),
        ["enrol-not-here"]
    );
    assert_eq!(
        planted().service("login", ours).ids("login"),
        ["login-timeout"]
    );
    let planted_login = |text: &str| {
        planted()
            .service("login", ours)
            .with("/etc/login.defs", text)
    };
    assert_eq!(
        planted_login("LOGIN_TIMEOUT\t\t60\n").ids("login"),
        ["login-timeout"]
    );
    assert_eq!(planted_login("LOGIN_TIMEOUT 600\n").ids("login"), [""; 0]);
    assert_eq!(planted_login("LOGIN_TIMEOUT 0\n").ids("login"), [""; 0]);
    let mut unproven = planted().replaced(
        "/etc/pam.d/sshd",
        INCLUDE_AND_OURS,
        "auth required pam_otp.so\naccount required pam_otp.so\n",
    );
    unproven.demands_key = true;
    assert_eq!(unproven.ids("sshd"), ["enrol-unproven"]);
}

#[test]
fn a_program_that_is_not_root_needs_the_helper_and_its_trust() {
    let planted = |policy: &str| {
        Planted::new()
            .service("nginx", ONE_PROMPT)
            .with("/usr/libexec/pam_otp/otp-helper", "")
            .policy(policy)
    };
    assert_eq!(planted("").ids("nginx"), ["untrusted-caller"]);
    let trusting = "[helper]\ntrusted_callers = [\"www-data\"]\n";
    assert_eq!(planted(trusting).ids("nginx"), [""; 0]);
    let mut planted = planted(trusting);
    planted.files.remove("/usr/libexec/pam_otp/otp-helper");
    assert_eq!(planted.ids("nginx"), ["helper-unusable"]);
}
