use super::*;
use otp_core::record::Language;
use std::fs;
use tempfile::TempDir;

/// `/etc/pam.d` and `/usr/lib/pam.d`, with these files.
fn stacks(files: &[(&str, &str)]) -> (TempDir, Stacks) {
    let root = TempDir::new().unwrap();
    let directories = ["etc", "vendor"].map(|name| root.path().join(name));
    for directory in &directories {
        fs::create_dir(directory).unwrap();
    }
    for (name, text) in files {
        fs::write(root.path().join(name), text).unwrap();
    }
    (root, Stacks::in_directories(directories))
}

fn line(text: &str) -> AccountLine {
    let common = "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n\
        account requisite pam_deny.so\naccount required pam_permit.so\n";
    let files = [
        ("etc/sshd", text),
        ("etc/common-account", common),
        ("etc/ours", "account required pam_otp.so\n"),
        (
            "etc/ours-last",
            "account sufficient pam_unix.so\naccount required pam_otp.so\n",
        ),
        ("etc/loop", "@include loop\n"),
    ];
    let (_root, stacks) = stacks(&files);
    stacks.account_line("sshd").unwrap()
}

#[test]
fn a_line_that_nothing_bypasses_is_sure() {
    for text in [
        "account required pam_otp.so",
        "account\trequisite\t/usr/lib/security/pam_otp.so nullok",
        "-account required pam_otp.so",
        "Account Required pam_otp.so",
        "account required pam_nologin.so\naccount required pam_otp.so\n@include common-account",
        "account requisite pam_nologin.so\naccount optional pam_echo.so\naccount required pam_otp.so",
        "account [success=ok default=bad] pam_otp.so",
        "[account] required pam_otp.so",
        "[-account]required [pam_otp.so] nullok",
        "account [required] pam_otp.so",
        "account [success=ok new_authtok_reqd=ok ignore=ignore default=die] pam_otp.so",
        "account [success=ok default=die] pam_unix.so\naccount required pam_otp.so",
        "auth sufficient pam_unix.so\naccount required pam_otp.so",
        "@include ours",
        "account include ours\naccount sufficient pam_unix.so",
        "account substack ours",
        "account substack common-account\naccount required pam_otp.so",
        "# account sufficient pam_unix.so\naccount required pam_otp.so # the code",
    ] {
        assert_eq!(line(text), AccountLine::Sure, "{text}");
    }
}

#[test]
fn a_line_that_can_be_bypassed_is_not_sure() {
    for text in [
        "account sufficient pam_unix.so\naccount required pam_otp.so",
        "account [success=1 default=ignore] pam_unix.so\naccount required pam_otp.so",
        "account [success=done default=ignore] pam_unix.so\naccount required pam_otp.so",
        "account [new_authtok_reqd=done default=bad] pam_unix.so\naccount required pam_otp.so",
        "account [success=nonsense] pam_unix.so\naccount required pam_otp.so",
        "@include common-account\naccount required pam_otp.so",
        "@Include common-account\naccount required pam_otp.so",
        "[account] sufficient pam_permit.so\naccount required pam_otp.so",
        "account include common-account\naccount required pam_otp.so",
        "account include ours-last",
        "account substack ours-last",
        "account optional pam_otp.so",
        "account sufficient pam_otp.so",
        "account [default=ignore] pam_otp.so",
        "account [success=ok] pam_otp.so",
        "account [default=bad perm_denied=ignore] pam_otp.so",
        "account required pam_otp.so\naccount [default=reset] pam_permit.so",
        "account required pam_otp.so\naccount [default = reset] pam_permit.so",
        "account required pam_otp.so\naccount [default=reset] pam_permit.so",
        "account [default=bad success=okperm_denied=ignore] pam_otp.so",
        "account [default=bad success=] pam_otp.so",
        "account [default=bad success=ok pam_otp.so] pam_otp.so",
        "account [[default=bad] pam_otp.so",
        "account required pam_otp.so\naccount required pam_permit.so # \0",
        "account include not-found\naccount required pam_otp.so",
        "account required \\\n  pam_otp.so",
        "account required pam_permit.so \\ # more\naccount sufficient pam_permit.so\naccount required pam_otp.so",
    ] {
        assert_eq!(line(text), AccountLine::LedAround, "{text}");
    }
}

#[test]
fn a_line_that_is_not_there_is_missing() {
    for text in [
        "",
        "auth required pam_otp.so",
        "account required pam_unix.so",
        "#account required pam_otp.so",
        "account required pam_otp.so.old",
        "account required",
        "account [success=ok pam_otp.so",
        "[account required pam_otp.so",
        "account required [pam_otp.so x]",
        "@include no-such-file",
        "account required pam_permit.so \\\n# a comment\naccount required pam_otp.so",
        "account required pam_permit.so \\\n\naccount required pam_otp.so",
    ] {
        assert_eq!(line(text), AccountLine::Missing, "{text}");
    }
}

#[test]
fn the_files_are_those_that_libpam_reads() {
    let (_root, stacks) = stacks(&[
        ("vendor/vendored", "account required pam_otp.so"),
        ("vendor/overruled", "account required pam_otp.so"),
        ("etc/overruled", "account required pam_unix.so"),
        ("etc/only-auth", "auth required pam_otp.so"),
        ("etc/other", "account required pam_otp.so"),
    ]);
    for (service, found) in [
        ("vendored", AccountLine::Sure),
        ("overruled", AccountLine::Missing),
        ("only-auth", AccountLine::Sure),
        ("no-such-service", AccountLine::Sure),
    ] {
        assert_eq!(stacks.account_line(service).unwrap(), found, "{service}");
    }
}

/// libpam knows space, tab and line feed. Anything else that looks like a blank is part of a word, which names no type,
/// control or module.
#[test]
fn words_are_separated_exactly_as_libpam_separates_them() {
    for blank in [
        "\u{a0}", "\u{2003}", "\u{3000}", "\x0b", "\x0c", "\r", "\u{85}",
    ] {
        for text in [
            format!("account{blank}required{blank}pam_otp.so"),
            format!("account required{blank}pam_otp.so"),
            format!("{blank}account required pam_otp.so"),
            format!("account required pam_otp.so{blank}"),
        ] {
            assert_ne!(line(&text), AccountLine::Sure, "{text:?}");
        }
    }
    assert_eq!(
        line(" \taccount \t required\tpam_otp.so \t"),
        AccountLine::Sure
    );
}

#[test]
fn includes_that_multiply_are_an_error_before_they_take_long() {
    let names: Vec<String> = (0..15).map(|at| format!("etc/level{at}")).collect();
    let texts: Vec<String> = (1..16)
        .map(|next| format!("@include level{next}\n").repeat(9))
        .collect();
    let mut files = vec![("etc/level15", "account required pam_otp.so\n")];
    files.extend(
        names
            .iter()
            .map(String::as_str)
            .zip(texts.iter().map(String::as_str)),
    );
    let (_root, stacks) = stacks(&files);
    let error = stacks.account_line("level0").unwrap_err();
    assert!(
        error.to_string().contains("includes too many files"),
        "{error}"
    );
}

#[test]
fn an_include_without_end_is_an_error() {
    let (_root, stacks) = stacks(&[("etc/loop", "account include loop")]);
    assert!(stacks.account_line("loop").is_err());
}

#[test]
fn the_services_that_have_a_line_of_ours_are_found() {
    let (_root, stacks) = stacks(&[
        ("etc/sshd", "@include code\naccount required pam_otp.so"),
        ("etc/code", "auth required pam_otp.so"),
        ("etc/common-auth", "auth required pam_otp.so"),
        ("etc/password-auth", "auth required pam_otp.so"),
        ("etc/system-login", "auth required pam_otp.so"),
        (
            "etc/su",
            "auth required pam_unix.so\naccount required pam_unix.so",
        ),
        ("etc/sudo.dpkg-old", "auth required pam_otp.so"),
        ("etc/sudo~", "auth required pam_otp.so"),
        (
            "etc/login",
            "auth required pam_unix.so\naccount optional pam_otp.so",
        ),
    ]);
    let found = stacks.services().unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|one| {
            let name = one.name.as_str();
            (name, one.asks, one.account_line, one.proves_identity)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("code", true, AccountLine::Missing, false),
            ("login", false, AccountLine::LedAround, true),
            ("sshd", true, AccountLine::Sure, false),
        ]
    );
}

#[test]
fn password_and_session_lines_of_ours_are_found() {
    let (_root, stacks) = stacks(&[
        ("etc/passwd", "@include common-password"),
        ("etc/common-password", "password required pam_otp.so"),
        (
            "etc/su",
            "auth required pam_otp.so\n-session optional pam_otp.so",
        ),
        (
            "etc/login",
            "password required pam_unix.so\nsession required pam_unix.so # pam_otp.so",
        ),
    ]);
    let found = stacks.services().unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|one| {
            (
                one.name.as_str(),
                one.has_password_line,
                one.has_session_line,
            )
        })
        .collect();
    assert_eq!(found, [("passwd", true, false), ("su", false, true)]);
}

#[test]
fn a_service_excuses_users_without_an_authenticator_if_all_its_lines_have_nullok() {
    let account = "account required pam_otp.so";
    for (lines, expected) in [
        ("auth required pam_otp.so nullok".to_owned(), [true, false]),
        (
            format!("auth required pam_otp.so nullok\n{account} nullok"),
            [true, true],
        ),
        (
            format!("auth required pam_otp.so nullok\n{account}"),
            [false, false],
        ),
        (
            format!("auth required pam_otp.so\n{account} nullok"),
            [false, true],
        ),
        (
            "auth optional pam_otp.so nullok\nauth required pam_otp.so".to_owned(),
            [false, false],
        ),
        (format!("auth required pam_otp.so\n{account}"), [false; 2]),
    ] {
        let found = stacks(&[("etc/sshd", &lines)]).1.services().unwrap();
        assert_eq!(
            [found[0].excuses, found[0].account_excuses],
            expected,
            "{lines}"
        );
    }
}

#[test]
fn nullok_that_the_account_line_lacks_is_found() {
    let forgets = |text: &str| {
        let files = [
            ("etc/sshd", text),
            ("etc/code", "auth required pam_otp.so nullok"),
        ];
        let found = stacks(&files).1.services();
        let found = found.unwrap().into_iter().find(|one| one.name == "sshd");
        found.unwrap().forgets_nullok
    };
    let account = "account required pam_otp.so";
    for (lines, expected) in [
        (format!("auth required pam_otp.so nullok\n{account}"), true),
        (
            format!("auth required pam_otp.so debug nullok # both\n{account} debug"),
            true,
        ),
        (format!("@include code\n{account}"), true),
        (format!("auth substack code\n{account}"), true),
        (
            format!("auth required pam_otp.so nullok\n{account} nullok"),
            false,
        ),
        (format!("auth required pam_otp.so\n{account}"), false),
        (format!("auth required pam_otp.so\n{account} nullok"), false),
        ("auth required pam_otp.so nullok".to_owned(), false),
        (
            format!("auth required pam_unix.so nullok\n{account}"),
            false,
        ),
    ] {
        assert_eq!(forgets(&lines), expected, "{lines}");
    }
}

#[test]
fn only_a_few_modules_prove_the_identity_of_the_user() {
    let (_root, stacks) = stacks(&[
        (
            "etc/key-and-code",
            "auth required pam_otp.so\n@include empty\naccount required pam_unix.so",
        ),
        (
            "etc/split",
            "auth required pam_otp.so split\nauth required pam_otp.so",
        ),
        (
            "etc/faillock",
            "auth required pam_faillock.so preauth\nauth required pam_otp.so",
        ),
        (
            "etc/permit",
            "auth required pam_permit.so\nauth required pam_otp.so",
        ),
        ("etc/empty", "#auth required pam_unix.so"),
        (
            "etc/password",
            "auth required pam_otp.so\nauth substack common",
        ),
        (
            "etc/common",
            "auth [success=1 default=ignore] /lib/security/pam_unix.so",
        ),
    ]);
    for (service, proven) in [
        ("key-and-code", false),
        ("split", false),
        ("faillock", false),
        ("permit", false),
        ("password", true),
    ] {
        assert_eq!(
            stacks.proves_identity(service).unwrap(),
            proven,
            "{service}"
        );
    }
}

/// An enrolment shows the key. So no service is listed before a login through it was searched for what its program
/// keeps.
#[test]
fn every_service_that_enrols_is_proven_to_keep_nothing() {
    let proof = "../../../tests/behaviour/enrolments/test_login_enrolment_services.py";
    let scenario =
        include_str!("../../../tests/behaviour/enrolments/test_login_enrolment_services.py");
    let (_, programs) = scenario.split_once("@pytest.fixture(params=[").unwrap();
    let (programs, _) = programs.split_once("])\ndef program(").unwrap();
    let mut proven: Vec<&str> = programs
        .split(", ")
        .map(|name| name.trim_matches('"'))
        .collect();
    // Its greeter belongs to the test, so it has its own scenario.
    assert!(
        scenario.contains("def test_greetd_keeps_nothing_of_what_it_shows("),
        "{proof}"
    );
    proven.push("greetd");
    proven.sort_unstable();
    assert_eq!(proven, ENROLLING, "{proof}");
}

/// The manual and the advice to administrators come from the table of programs, which must say the same of enrolments.
#[test]
fn services_that_enrol_are_those_of_the_table_of_programs() {
    let text = include_str!("../../../conf/programs.toml");
    let table = toml::de::DeTable::parse(text).unwrap().into_inner();
    let programs = table["program"].get_ref().as_array().unwrap();
    let rows = || programs.iter().map(|row| row.get_ref().as_table().unwrap());
    let services = |enrols: bool| {
        let mut found: Vec<&str> = rows()
            .filter(|row| row["enrols"].get_ref().as_bool().unwrap() == enrols)
            .flat_map(|row| row["services"].get_ref().as_array().unwrap().iter())
            .map(|service| service.get_ref().as_str().unwrap())
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    assert_eq!(services(true), ENROLLING, "conf/programs.toml");
    for service in services(false) {
        assert!(
            !ENROLLING.contains(&service),
            "{service} is of a program that enrols nobody, too"
        );
    }
}

#[test]
fn a_service_file_that_is_a_fifo_or_too_large_is_told_in_every_language() {
    let root = TempDir::new().unwrap();
    let at = |name: &str| root.path().join(name);
    nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::write(at("large"), "too much").unwrap();
    for (name, english) in [("fifo", "is a fifo"), ("large", "file too large")] {
        let error = read_up_to(&at(name), 4).unwrap_err();
        let [in_english, korean] = Language::ALL.map(|one| otp_file::told(&error, one));
        assert_eq!(in_english, english);
        assert!(!korean.contains(english) && !korean.is_ascii(), "{korean}");
    }
}
