use super::lines::ONE_REPLY;
use super::*;
use std::fs;
use tempfile::TempDir;

const COMMON_AUTH: &str = "auth\t[success=1 default=ignore]\tpam_unix.so nullok\nauth\trequisite\t\t\tpam_deny.so\n\
                           auth\trequired\t\t\tpam_permit.so\nauth\toptional\t\t\tpam_cap.so \n";
const PROFILE: &str = "auth\t[success=1 default=ignore]\tpam_succeed_if.so quiet service in otp-enroll:otp-portal\nauth\trequired\t\t\tpam_otp.so\n";
const DEBIAN: &str = "@include common-auth\n@include common-account\n";
const SYSTEM_AUTH: &str = "auth required pam_env.so\nauth required pam_faildelay.so delay=2000000\n\
                           auth sufficient pam_unix.so nullok\nauth required pam_deny.so\n";
const FEDORA: &str = "#%PAM-1.0\nauth       substack     password-auth\nauth       include      postlogin\n\
                      account    include      password-auth\n";

/// A machine in a directory, with these files.
fn made(files: &[(&str, &str)]) -> (TempDir, Machine) {
    let directory = tempfile::tempdir().unwrap();
    let machine = Machine::below(directory.path());
    put(&machine, crate::doctor::service::HELPER, "");
    for (path, text) in files {
        put(&machine, path, text);
    }
    (directory, machine)
}

fn put(machine: &Machine, path: &str, text: &str) {
    let place = machine.place(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, text).unwrap();
}

fn debian(files: &[(&str, &str)]) -> (TempDir, Machine) {
    let common = [
        ("/etc/pam.d/common-auth", COMMON_AUTH),
        (
            "/etc/pam.d/common-account",
            "account required pam_unix.so\n",
        ),
    ];
    made(&[&common[..], files].concat())
}

fn fedora(files: &[(&str, &str)]) -> (TempDir, Machine) {
    let common = [
        ("/etc/pam.d/system-auth", SYSTEM_AUTH),
        ("/etc/pam.d/password-auth", SYSTEM_AUTH),
        ("/etc/pam.d/postlogin", ""),
    ];
    made(&[&common[..], files].concat())
}

fn plan(machine: &Machine, program: Program) -> Plan {
    match machine.protect(program, true) {
        Ok(plan) => plan,
        Err(stop) => panic!("{program:?}: {stop:?}"),
    }
}

fn refused(machine: &Machine, program: Program) -> Refusal {
    match machine.protect(program, true) {
        Err(Stop::Refused(refusal)) => refusal,
        other => panic!("{program:?}: {other:?}"),
    }
}

/// Carries out a plan.
fn carry_out(machine: &Machine, plan: &Plan) {
    for edit in &plan.edits {
        let place = machine.place(&edit.path);
        assert_eq!(fs::read_to_string(&place).ok(), edit.before);
        match &edit.after {
            Some(text) => put(machine, &edit.path, text),
            None => fs::remove_file(place).unwrap(),
        }
    }
}

/// All files of a machine.
fn everything(machine: &Machine) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for directory in [OWN, VENDORS, "/etc/ssh/sshd_config.d"] {
        for entry in fs::read_dir(machine.place(directory)).into_iter().flatten() {
            let path = entry.unwrap().path();
            found.push((
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            ));
        }
    }
    found.sort();
    found
}

/// Returns the problems that `otp-admin doctor` finds in the files, except those about accounts and other services.
fn found_by_the_doctor(machine: &Machine, program: Program) -> Vec<String> {
    let files = crate::doctor::Files::below(&machine.place("/"));
    let policies = otp_core::record::Policies::default();
    let of = crate::doctor::Circumstances {
        files: &files,
        policies: &policies,
        demands_key: false,
        everybody_enrolled: false,
    };
    let there = files.services().unwrap();
    let services = program.services().iter();
    let found = services
        .filter(|name| there.iter().any(|one| one == *name))
        .flat_map(|name| crate::doctor::examine(&of, name).unwrap())
        .filter(|one| one.finding.weight() == otp_core::messages::doctor::Weight::Problem)
        .map(|one| format!("{:?} {}", one.service, one.finding.id()));
    found.collect()
}

/// Protects and unprotects a service, twice: each time it has its old files again.
fn there_and_back(machine: &Machine, program: Program) -> Vec<String> {
    let before = everything(machine);
    let there = plan(machine, program);
    assert!(!there.edits.is_empty(), "{program:?}");
    carry_out(machine, &there);
    assert_eq!(
        found_by_the_doctor(machine, program),
        [""; 0],
        "{program:?}"
    );
    assert_eq!(
        plan(machine, program),
        Plan::default(),
        "{program:?}, once more"
    );
    let back = machine.unprotect(program, |_| None).unwrap();
    carry_out(machine, &back);
    assert_eq!(everything(machine), before, "{program:?}");
    assert_eq!(
        machine.unprotect(program, |_| None).unwrap(),
        Plan::default(),
        "{program:?}, once more"
    );
    there.edits.into_iter().map(|edit| edit.path).collect()
}

#[test]
fn every_program_is_protected_and_unprotected_again_on_both_kinds_of_machine() {
    for program in Program::ALL {
        let path = format!("{OWN}/{}", program.name());
        let files: &[_] = if program.brings_no_file() {
            &[]
        } else {
            &[(path.as_str(), DEBIAN)]
        };
        let (_directory, debian) = debian(files);
        assert_eq!(there_and_back(&debian, program), [path.as_str()]);
        let files: &[_] = if program.brings_no_file() {
            &[]
        } else {
            &[(path.as_str(), FEDORA)]
        };
        let (_directory, fedora) = fedora(files);
        assert_eq!(there_and_back(&fedora, program), [path]);
    }
}

#[test]
fn the_second_service_of_a_program_is_protected_too_if_it_has_its_own_lines() {
    let files = [("/etc/pam.d/sudo", DEBIAN), ("/etc/pam.d/sudo-i", DEBIAN)];
    let (_directory, both) = debian(&files);
    assert_eq!(
        there_and_back(&both, Program::Sudo),
        ["/etc/pam.d/sudo", "/etc/pam.d/sudo-i"]
    );
    let files = [
        ("/etc/pam.d/su", DEBIAN),
        (
            "/etc/pam.d/su-l",
            "auth\t\tinclude\t\tsu\naccount\t\tinclude\t\tsu\n",
        ),
    ];
    let (_directory, one) = debian(&files);
    assert_eq!(there_and_back(&one, Program::Su), ["/etc/pam.d/su"]);
}

#[test]
fn a_vendors_file_is_copied_and_the_copy_is_removed_again() {
    let (_directory, machine) = debian(&[("/usr/lib/pam.d/polkit-1", DEBIAN)]);
    assert_eq!(
        there_and_back(&machine, Program::Polkit),
        ["/etc/pam.d/polkit-1"]
    );
    let plan = plan(&machine, Program::Polkit);
    assert!(matches!(plan.notes.as_slice(), [Note::VendorCopied { .. }]));
    // Lines that somebody has added to the copy stay.
    carry_out(&machine, &plan);
    let text = plan.edits[0].after.clone().unwrap() + "session optional pam_x.so\n";
    put(&machine, "/etc/pam.d/polkit-1", &text);
    let back = machine.unprotect(Program::Polkit, |_| None).unwrap();
    assert_eq!(
        back.edits[0].after.as_deref(),
        Some(format!("{DEBIAN}session optional pam_x.so\n").as_str())
    );
}

#[test]
fn sshd_gets_its_drop_in_first_and_loses_it_last() {
    let (_directory, machine) = debian(&[("/etc/pam.d/sshd", DEBIAN)]);
    let paths =
        |plan: &Plan| -> Vec<String> { plan.edits.iter().map(|one| one.path.clone()).collect() };
    let there = machine.protect(Program::Sshd, false).unwrap();
    assert_eq!(paths(&there), [DROP_IN, "/etc/pam.d/sshd"]);
    carry_out(&machine, &there);
    assert_eq!(
        machine.protect(Program::Sshd, false).unwrap(),
        Plan::default()
    );
    let back = machine.unprotect(Program::Sshd, |_| None).unwrap();
    assert_eq!(paths(&back), ["/etc/pam.d/sshd", DROP_IN]);
    put(&machine, DROP_IN, &(sshd::text() + "LoginGraceTime 600\n"));
    let back = machine.unprotect(Program::Sshd, |_| None).unwrap();
    assert_eq!(paths(&back), ["/etc/pam.d/sshd"]);
    assert!(matches!(back.notes.as_slice(), [Note::DropInStays { .. }]));
    put(&machine, DROP_IN, "PasswordAuthentication yes\n");
    let stop = machine.protect(Program::Sshd, false);
    assert!(
        matches!(stop, Err(Stop::Refused(Refusal::DropInThere { .. }))),
        "{stop:?}"
    );
}

#[test]
fn a_service_covered_by_a_profile_is_left_alone() {
    let common = COMMON_AUTH.to_owned() + PROFILE;
    let files = [
        ("/etc/pam.d/common-auth", common.as_str()),
        ("/etc/pam.d/sudo", DEBIAN),
        ("/etc/pam.d/dovecot", DEBIAN),
    ];
    let (_directory, machine) = debian(&files);
    let covered = Refusal::CoveredBy {
        service: "sudo".to_owned(),
        path: "/etc/pam.d/common-auth".to_owned(),
    };
    assert_eq!(refused(&machine, Program::Sudo), covered);
    let stop = machine.unprotect(Program::Sudo, |_| None);
    assert!(matches!(stop, Err(Stop::Refused(refusal)) if refusal == covered));
    // A program that asks once needs its three lines even more.
    there_and_back_of_one_reply(&machine);
    let system = format!("auth required pam_otp.so\n{SYSTEM_AUTH}");
    let files = [
        ("/etc/pam.d/password-auth", system.as_str()),
        ("/etc/pam.d/sshd", FEDORA),
    ];
    let (_directory, machine) = fedora(&files);
    assert!(matches!(
        refused(&machine, Program::Sshd),
        Refusal::CoveredBy { .. }
    ));
}

fn there_and_back_of_one_reply(machine: &Machine) {
    let there = plan(machine, Program::Dovecot);
    carry_out(machine, &there);
    let back = machine.unprotect(Program::Dovecot, |_| None).unwrap();
    assert_eq!(back.edits[0].after, there.edits[0].before);
}

#[test]
fn a_common_file_that_can_bypass_the_code_is_refused() {
    let line = |text: &str| (text.lines().count(), text.to_owned());
    for (number, text) in [
        line("auth required pam_env.so\nauth sufficient pam_unix.so\n"),
        line("auth [success=done default=die] pam_unix.so\n"),
        line("auth [success=1 default=ignore] pam_unix.so\n"),
        line("auth optional pam_x.so\nauth [success=2 default=ignore] pam_unix.so\n"),
    ] {
        let files = [
            ("/etc/pam.d/common-auth", text.as_str()),
            ("/etc/pam.d/sudo", DEBIAN),
        ];
        let (_directory, machine) = debian(&files);
        let path = "/etc/pam.d/common-auth".to_owned();
        assert_eq!(
            refused(&machine, Program::Sudo),
            Refusal::LedAround { path, line: number },
            "{text}"
        );
    }
}

#[test]
fn the_lines_for_one_reply_leave_out_no_module_that_matters() {
    for module in [
        "pam_sss.so",
        "pam_krb5.so",
        "pam_faillock.so",
        "pam_access.so",
        "pam_succeed_if.so",
    ] {
        let common = format!("auth required {module}\n{COMMON_AUTH}");
        let files = [
            ("/etc/pam.d/common-auth", common.as_str()),
            ("/etc/pam.d/dovecot", DEBIAN),
            ("/etc/pam.d/login", DEBIAN),
            ("/etc/pam.d/i3lock", "auth include login\n"),
        ];
        let (_directory, machine) = debian(&files);
        for program in [Program::Dovecot, Program::I3lock, Program::PostgreSql] {
            let path = "/etc/pam.d/common-auth".to_owned();
            assert_eq!(
                refused(&machine, program),
                Refusal::OtherModules {
                    path,
                    module: module.to_owned()
                }
            );
        }
    }
    // Lines of the service's own file stay in it.
    let own = format!("auth required pam_listfile.so item=user\n{DEBIAN}");
    let (_directory, machine) = debian(&[("/etc/pam.d/vsftpd", own.as_str())]);
    there_and_back(&machine, Program::Vsftpd);
}

#[test]
fn a_file_that_is_missing_or_not_understood_is_refused() {
    let (_directory, machine) = debian(&[
        ("/etc/pam.d/login", "auth required pam_unix.so\n"),
        (
            "/etc/pam.d/cockpit",
            "@include common-auth\nauth required pam_otp.so nullok\n",
        ),
    ]);
    assert!(matches!(
        refused(&machine, Program::Sudo),
        Refusal::NoFile { .. }
    ));
    assert!(matches!(
        refused(&machine, Program::Login),
        Refusal::NoPlace { .. }
    ));
    assert!(matches!(
        refused(&machine, Program::Cockpit),
        Refusal::OursOtherwise { line: 2, .. }
    ));
    let (_directory, bare) = made(&[("/etc/pam.d/other", "auth required pam_deny.so\n")]);
    assert_eq!(
        refused(&bare, Program::PostgreSql),
        Refusal::UnknownDistribution
    );
    std::os::unix::fs::symlink(
        machine.place("/etc/pam.d/cockpit"),
        machine.place("/etc/pam.d/su"),
    )
    .unwrap();
    assert!(matches!(
        refused(&machine, Program::Su),
        Refusal::Link { .. }
    ));
    put(&machine, "/etc/pam.d/sudo", DEBIAN);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::set_permissions(machine.place("/etc/pam.d/sudo"), open).unwrap();
    let stop = machine.protect(Program::Sudo, true);
    assert!(
        matches!(stop, Err(Stop::Site(Error::Unsafe { .. }))),
        "{stop:?}"
    );
    fs::write(
        machine.place("/etc/pam.d/xscreensaver"),
        b"# \xff\n@include common-auth\n",
    )
    .unwrap();
    assert!(matches!(
        refused(&machine, Program::Xscreensaver),
        Refusal::Unreadable { .. }
    ));
}

#[test]
fn a_line_without_which_everybody_would_get_in_is_not_taken_out() {
    // Key and code: PAM asks only for the code.
    let (_directory, machine) = debian(&[(
        "/etc/pam.d/sshd",
        "#@include common-auth\nauth required pam_otp.so\n",
    )]);
    let stop = machine.unprotect(Program::Sshd, |_| None);
    assert!(
        matches!(stop, Err(Stop::Refused(Refusal::NobodyChecks { .. }))),
        "{stop:?}"
    );
    // The other files that it includes find out nobody's identity.
    put(&machine, "/etc/pam.d/extra", "auth required pam_env.so\n");
    put(
        &machine,
        "/etc/pam.d/sshd",
        "auth required pam_otp.so\n@include extra\n@include common-account\n",
    );
    let stop = machine.unprotect(Program::Sshd, |_| None);
    assert!(
        matches!(stop, Err(Stop::Refused(Refusal::NobodyChecks { .. }))),
        "{stop:?}"
    );
    put(&machine, "/etc/pam.d/extra", "@include common-auth\n");
    assert!(machine.unprotect(Program::Sshd, |_| None).is_ok());
    // Three lines, and nothing shows what they replaced.
    let three = ONE_REPLY.join("\n") + "\n";
    put(&machine, "/etc/pam.d/dovecot", &three);
    let stop = machine.unprotect(Program::Dovecot, |_| None);
    assert!(
        matches!(stop, Err(Stop::Refused(Refusal::NothingToPutBack { .. }))),
        "{stop:?}"
    );
    let back = machine.unprotect(Program::Dovecot, |path| {
        assert_eq!(path, "/etc/pam.d/dovecot");
        Some(DEBIAN.to_owned())
    });
    assert_eq!(
        back.unwrap().edits[0].after.as_deref(),
        Some("@include common-auth\n")
    );
    // A file that was made here and that somebody has changed.
    let made = plan(&machine, Program::OpenVpn).edits[0]
        .after
        .clone()
        .unwrap();
    put(
        &machine,
        "/etc/pam.d/openvpn",
        &(made + "auth required pam_x.so\n"),
    );
    let stop = machine.unprotect(Program::OpenVpn, |_| None);
    assert!(
        matches!(stop, Err(Stop::Refused(Refusal::NothingToPutBack { .. }))),
        "{stop:?}"
    );
}
