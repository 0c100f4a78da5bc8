use super::*;
use otp_core::event::Event;
use otp_core::mail::{Address, AddressSource, Pattern, Route, Server};
use otp_core::record::{FleetPolicy, HooksPolicy, MailPolicy, SealPolicy, Verifier};
use shipped::{one_key, shipped_keys};

mod file;
mod shipped;

/// The policy for services that the file does not name.
fn taken(text: &str) -> Policy {
    policies(text).where_nothing_is_said().clone()
}

fn policies(text: &str) -> Policies {
    parse("pam_otp.conf", text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Why a policy is refused: the part of the error after the name of the file.
fn refusal(text: &str) -> String {
    let error = parse("pam_otp.conf", text.as_bytes()).expect_err(text);
    let told = error.to_string();
    told.strip_prefix("pam_otp.conf, ")
        .unwrap_or(&told)
        .to_owned()
}

#[test]
fn an_empty_policy_is_the_default() {
    for text in [
        "",
        "\n# nothing\n",
        "[code]\n[lockout]\n[recovery]\n[enroll]\n[helper]\n",
    ] {
        assert_eq!(taken(text), Policy::default());
    }
}

/// Each key with another value than its default.
const EVERY_KEY: &str = r#"
        language = "ko"
        issuer = "예시 회사"
        [code]
        algorithm = "SHA512"
        digits = 8
        period = 60
        window = 2
        [lockout]
        failures = 3
        unlock_after = "90s"
        unlock_after_max = "30d"
        disable_after = 50
        [recovery]
        codes = 16
        opens_lock = false
        email = true
        [enroll]
        at_login = "require"
        qr = "ascii"
        max_authenticators = 4
        verify_email = true
        [enforce]
        groups = ["staff", "100"]
        exempt_groups = ["on leave"]
        exempt_users = ["backup"]
        from = "2027-02-01T09:00:00+09:00"
        grace = "7d"
        [trust]
        networks = ["10.0.0.0/8", "2001:db8::/32"]
        remember = "8h"
        [mail]
        sendmail = "/usr/bin/msmtp"
        smtp = "smtps://mail.example.org"
        ca = "/etc/ssl/mail.pem"
        credentials = "/etc/security/pam_otp.mail"
        from = "otp@example.org"
        address = "{user}@example.org"
        [helper]
        trusted_callers = ["postgres", "www-data"]
        [hooks]
        run = "/usr/local/libexec/otp-hook"
        events = ["lock", "unlock"]
        [fleet]
        verifiers = ["v1.example.org", "[2001:db8::1]:7000"]
        ca = "/etc/pam_otp/ca.pem"
        certificate = "/etc/pam_otp/machine.pem"
        key = "/etc/pam_otp/machine.key"
        local_users = ["root", "console"]
        [seal]
        key = "/run/pam_otp/seal"
        "#;

#[test]
fn every_key_reaches_the_policy() {
    let text = EVERY_KEY;
    let policy = taken(text);
    let acted_on = shipped_keys()
        .into_iter()
        .filter(|(_, key, _)| !key.is_empty());
    for (section, key, default) in acted_on {
        let line = |line: &&str| line.trim().starts_with(&format!("{key} = "));
        let line = text.lines().find(line);
        let differs = line.is_some_and(|line| !line.ends_with(&format!("= {default}")));
        assert!(differs, "[{section}] {key}: {line:?}");
    }
    let seconds = Duration::from_secs;
    let expected = Policy {
        language: Language::Korean,
        issuer: "예시 회사".to_owned(),
        code: CodePolicy {
            algorithm: Algorithm::Sha512,
            digits: Digits::new(8).unwrap(),
            period: Period::new(60).unwrap(),
            window: 2,
        },
        lockout: LockoutPolicy::new(
            3,
            Unlock::After(seconds(90)),
            seconds(30 * 86_400),
            Some(50),
        )
        .unwrap(),
        recovery: RecoveryPolicy {
            codes: 16,
            opens_lock: false,
            email: true,
        },
        enroll: EnrollPolicy {
            at_login: AtLogin::Require,
            is_for_service: false,
            qr: Style::Ascii,
            max_authenticators: 4,
            verify_email: true,
        },
        enforce: EnforcePolicy {
            groups: Groups::Named(vec!["staff".to_owned(), "100".to_owned()]),
            exempt_groups: vec!["on leave".to_owned()],
            exempt_users: vec!["backup".to_owned()],
            from: Some(UnixTime::from_seconds(1_801_440_000)),
            grace: seconds(7 * 86_400),
        },
        trust: TrustPolicy {
            networks: ["10.0.0.0/8", "2001:db8::/32"]
                .map(|text| Network::parse(text).unwrap())
                .into(),
            remember: seconds(8 * 3600),
        },
        mail: MailPolicy {
            route: Route::Smtp(Server::parse("smtps://mail.example.org:465").unwrap()),
            ca: Some("/etc/ssl/mail.pem".into()),
            credentials: Some("/etc/security/pam_otp.mail".into()),
            from: Some(Address::parse("otp@example.org").unwrap()),
            address: AddressSource::Pattern(Pattern::parse("{user}@example.org").unwrap()),
        },
        helper: HelperPolicy {
            trusted_callers: vec!["postgres".to_owned(), "www-data".to_owned()],
        },
        hooks: HooksPolicy {
            run: "/usr/local/libexec/otp-hook".to_owned(),
            events: vec![Event::Lock, Event::Unlock],
        },
        fleet: FleetPolicy {
            verifiers: ["v1.example.org:6238", "[2001:db8::1]:7000"]
                .map(|text| Verifier::parse(text).unwrap())
                .into(),
            ca: Some("/etc/pam_otp/ca.pem".into()),
            certificate: Some("/etc/pam_otp/machine.pem".into()),
            key: Some("/etc/pam_otp/machine.key".into()),
            local_users: vec!["root".to_owned(), "console".to_owned()],
        },
        seal: SealPolicy {
            key: "/run/pam_otp/seal".to_owned(),
        },
    };
    assert_eq!(policy, expected);
}

#[test]
fn each_key_alone_leaves_the_others_at_their_defaults() {
    let default = Policy::default();
    let mut only_digits = default.clone();
    only_digits.code.digits = Digits::new(7).unwrap();
    assert_eq!(taken("[code]\ndigits = 7"), only_digits);
    assert_eq!(taken("code.digits = 7"), only_digits);
    let mut only_codes = default.clone();
    only_codes.recovery.codes = 5;
    assert_eq!(taken("[recovery]\ncodes = 5"), only_codes);
    let failures = taken("[lockout]\nfailures = 9").lockout;
    assert_eq!(failures.failures(), 9);
    assert_eq!(failures.unlock(), default.lockout.unlock());
    assert_eq!(failures.disable_after(), default.lockout.disable_after());
}

#[test]
fn every_value_is_valid_up_to_its_limits() {
    let longest_issuer = format!("issuer = \"{}\"", "가".repeat(64));
    for text in [
        "language = \"en\"",
        &longest_issuer,
        "[code]\nalgorithm = \"SHA1\"",
        "[code]\nalgorithm = \"SHA256\"",
        "[code]\ndigits = 6",
        "[code]\ndigits = 8",
        "[code]\nperiod = 15",
        "[code]\nperiod = 120",
        "[code]\nwindow = 0",
        "[code]\nwindow = 10",
        "[lockout]\nfailures = 1",
        "[lockout]\nfailures = 100",
        "[lockout]\ndisable_after = 5",
        "[lockout]\nunlock_after = \"1s\"",
        "[lockout]\nunlock_after = \"24h\"",
        "[lockout]\nunlock_after_max = \"15m\"",
        "[lockout]\nunlock_after_max = \"3660d\"",
        "[recovery]\ncodes = 0",
        "[recovery]\ncodes = 32",
        "[enroll]\nmax_authenticators = 1",
        "[enroll]\nmax_authenticators = 4",
        "[enforce]\ngroups = [\"*\"]",
        "[enforce]\ngroups = []",
        "[enforce]\ngrace = \"0\"",
        "[enforce]\ngrace = \"36500d\"",
        "[trust]\nremember = \"0s\"",
        "[trust]\nnetworks = [\"0.0.0.0/0\", \"::/0\"]",
    ] {
        taken(text);
    }
}

/// Earlier versions accepted it, so it must not refuse a login.
#[test]
fn a_colon_in_the_issuer_is_refused_with_its_line_but_only_for_enrolment() {
    let text = "language = \"en\"\nissuer = \"Dept: Ops\"\n";
    assert_eq!(taken(text).issuer, "Dept: Ops");
    let error = parse_for(Use::Enrolling, "pam_otp.conf", text.as_bytes()).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "pam_otp.conf, line 2: must not have a colon: many authenticator apps refuse it, or show another account name"
    );
    for fit in ["issuer = \"Dept Ops\"", "issuer = \"\"", ""] {
        let policy = parse_for(Use::Enrolling, "pam_otp.conf", fit.as_bytes());
        assert!(policy.is_ok(), "{fit}");
    }
}

#[test]
fn every_value_beyond_its_limits_is_refused() {
    let long_issuer = format!("issuer = \"{}\"", "가".repeat(65));
    let issuer = "line 1: must have at most 64 characters, on one line";
    let languages = Language::ALL.map(|one| format!("\"{}\"", one.tag()));
    let language = format!("line 1: must be {}", languages.join(" or "));
    let language = language.as_str();
    let algorithm = "line 2: must be \"SHA1\", \"SHA256\" or \"SHA512\"";
    let disable = "line 1: disable_after must be at least failures and at most 100, or 0 for never";
    let unlock = "line 1: unlock_after must be more than zero and at most unlock_after_max";
    let number = "line 2: must be a whole number, zero or more";
    for (text, reason) in [
        ("language = \"EN\"", language),
        ("language = \"de\"", language),
        ("language = \"\"", language),
        (&long_issuer, issuer),
        ("issuer = \"a\\nb\"", issuer),
        ("[code]\nalgorithm = \"sha1\"", algorithm),
        ("[code]\nalgorithm = \"MD5\"", algorithm),
        ("[code]\ndigits = 5", "line 2: digits must be 6, 7 or 8"),
        ("[code]\ndigits = 9", "line 2: digits must be 6, 7 or 8"),
        ("[code]\ndigits = 262", "line 2: digits must be 6, 7 or 8"),
        (
            "[code]\nperiod = 14",
            "line 2: period must be 15 to 120 seconds",
        ),
        (
            "[code]\nperiod = 121",
            "line 2: period must be 15 to 120 seconds",
        ),
        ("[code]\nwindow = 11", "line 2: must be 0 to 10 steps"),
        ("[code]\nwindow = 256", "line 2: must be 0 to 10 steps"),
        ("[code]\nwindow = -1", number),
        (
            "[lockout]\nfailures = 0",
            "line 1: failures must be 1 to 100",
        ),
        (
            "[lockout]\nfailures = 101",
            "line 1: failures must be 1 to 100",
        ),
        ("[lockout]\nfailures = -1", number),
        ("[lockout]\nfailures = 4294967296", "line 2: is too large"),
        ("[lockout]\ndisable_after = 4", disable),
        ("[lockout]\ndisable_after = 101", disable),
        (
            "[lockout]\ndisable_after = 4294967296",
            "line 2: is too large",
        ),
        ("[lockout]\nunlock_after = \"0s\"", unlock),
        ("[lockout]\nunlock_after = \"86401s\"", unlock),
        ("[lockout]\nunlock_after_max = \"14m\"", unlock),
        (
            "[lockout]\nunlock_after_max = \"3661d\"",
            "line 1: unlock_after_max must be at most ten years",
        ),
        ("[recovery]\ncodes = 33", "line 2: must be 0 to 32"),
        ("[enroll]\nmax_authenticators = 0", "line 2: must be 1 to 4"),
        ("[enroll]\nmax_authenticators = 5", "line 2: must be 1 to 4"),
    ] {
        assert_eq!(refusal(text), reason, "{text}");
    }
}

#[test]
fn a_value_that_names_nothing_is_refused() {
    let at_login = "line 2: must be \"off\", \"offer\" or \"require\"";
    let qr = "line 2: must be \"unicode\", \"ascii\" or \"none\"";
    let groups = "line 2: must be names or numbers of groups, or \"*\" for everybody";
    let exempt_groups = "line 2: must be names or numbers of groups";
    let users = "line 2: must be names of users";
    let form = "line 2: must be a number and a unit: \"90s\", \"15m\", \"24h\", \"30d\"";
    let networks =
        "line 2: must be networks in numbers, such as \"192.0.2.0/24\" or \"2001:db8::/32\"";
    for (text, reason) in [
        ("[enroll]\nat_login = \"on\"", at_login),
        ("[enroll]\nat_login = \"Require\"", at_login),
        ("[enroll]\nat_login = \"\"", at_login),
        ("[enroll]\nqr = \"utf8\"", qr),
        ("[enforce]\ngroups = [\"\"]", groups),
        ("[enforce]\ngroups = [\"staff \"]", groups),
        ("[enforce]\ngroups = [\"a/b\"]", groups),
        ("[enforce]\nexempt_groups = [\"*\"]", exempt_groups),
        ("[enforce]\nexempt_users = [\"*\"]", users),
        ("[enforce]\nexempt_users = [\"a\\nb\"]", users),
        ("[enforce]\ngrace = \"7\"", form),
        ("[trust]\nremember = \"\"", form),
        ("[trust]\nnetworks = [\"localhost\"]", networks),
        ("[trust]\nnetworks = [\"\"]", networks),
        (
            "[trust]\nnetworks = [\"10.0.0.0/8\", \"10.1.2.3/8\"]",
            "line 2: must have no host bits set: 10.0.0.0/8 and not 10.1.2.3/8",
        ),
    ] {
        assert_eq!(refusal(text), reason, "{text}");
    }
}

#[test]
fn disable_after_zero_means_never() {
    let lockout = taken("[lockout]\ndisable_after = 0").lockout;
    assert_eq!(lockout.disable_after(), None);
}

#[test]
fn unlock_after_never_waits_for_an_administrator() {
    let lockout = taken("[lockout]\nunlock_after = \"never\"").lockout;
    assert_eq!(lockout.unlock(), Unlock::Never);
    let form = "line 2: must be a number and a unit: \"90s\", \"15m\", \"24h\", \"30d\"";
    assert_eq!(refusal("[lockout]\nunlock_after = \"Never\""), form);
    assert_eq!(refusal("[lockout]\nunlock_after_max = \"never\""), form);
}

#[test]
fn a_duration_is_a_number_and_a_unit() {
    for (text, seconds) in [
        ("0s", 0),
        ("90s", 90),
        ("15m", 900),
        ("24h", 86_400),
        ("30d", 2_592_000),
        ("007s", 7),
        ("18446744073709551615s", u64::MAX),
    ] {
        assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
    }
    for text in [
        "", "s", "15", "15 m", " 15m", "15m ", "-15m", "+15m", "1.5h", "15M", "15min", "1h30m",
        "0x5s", "１５m", "15分",
    ] {
        assert_eq!(duration(text), Err(Unfit::NoDuration), "{text}");
    }
    for text in [
        "18446744073709551616s",
        "18446744073709551615m",
        "99999999999999999999d",
    ] {
        assert_eq!(duration(text), Err(Unfit::TooLong), "{text}");
    }
}

#[test]
fn a_moment_is_a_date_or_a_date_and_time() {
    // 2027-02-01 00:00:00 UTC.
    let midnight = 1_801_440_000;
    for (text, seconds) in [
        ("2027-02-01", midnight),
        ("2027-02-01T00:00:00Z", midnight),
        ("2027-02-01 00:00:00", midnight),
        ("2027-02-01T09:00:00+09:00", midnight),
        ("2027-01-31T19:00:00-05:00", midnight),
        ("2027-02-01T09:30:15Z", midnight + 9 * 3600 + 30 * 60 + 15),
        ("2028-02-29", midnight + (365 + 28) * 86_400),
    ] {
        let expected = Some(UnixTime::from_seconds(seconds));
        for written in [format!("\"{text}\""), text.to_owned()] {
            let policy = taken(&format!(
                "[enforce]
from = {written}"
            ));
            assert_eq!(policy.enforce.from, expected, "{written}");
        }
    }
    for text in [
        "2027-02-29",
        "2027-13-01",
        "2027-2-1",
        "01.02.2027",
        "09:00:00",
        "tomorrow",
        "1969-12-31",
        "1970-01-01T00:00:00+09:00",
        "2027-02-01T24:00:00Z",
        "2027-02-01T",
        " 2027-02-01",
    ] {
        assert_eq!(
            refusal(&format!(
                "[enforce]
from = \"{text}\""
            )),
            format!("line 2: {NO_MOMENT}")
        );
    }
    assert_eq!(taken("[enforce]\nfrom = \"\"").enforce.from, None);
}

#[test]
fn a_star_among_the_groups_is_everybody() {
    for text in ["[\"*\"]", "[\"staff\", \"*\"]"] {
        let groups = taken(&format!("[enforce]\ngroups = {text}")).enforce.groups;
        assert_eq!(groups, Groups::Everybody);
    }
}

#[test]
fn every_key_has_one_type() {
    for (section, key, right) in shipped_keys() {
        let truth = matches!(right, "true" | "false");
        for wrong in [
            "\"\\u0000\"",
            "17.5",
            "-3",
            "true",
            "2026-11-20",
            "[5]",
            "[[]]",
            "{}",
            "{ a = 1 }",
        ] {
            // A value that is right for this key is not a wrong one.
            if (truth && wrong == "true")
                || (section, key, wrong) == ("enforce", "from", "2026-11-20")
            {
                continue;
            }
            let (text, line) = one_key(section, key, wrong);
            let told = refusal(&text);
            assert!(
                told.starts_with(&format!("line {line}: ")),
                "{text}: {told}"
            );
        }
    }
}

#[test]
fn mail_goes_through_sendmail_unless_a_server_is_named() {
    let mail = |text: &str| taken(&format!("[mail]\n{text}")).mail;
    let sendmail = |path: &str| Route::Sendmail(path.into());
    assert_eq!(mail("").route, sendmail("/usr/sbin/sendmail"));
    assert_eq!(
        mail("sendmail = \"/usr/bin/msmtp\"").route,
        sendmail("/usr/bin/msmtp")
    );
    assert_eq!(mail("smtp = \"\"").route, sendmail("/usr/sbin/sendmail"));
    let both = "sendmail = \"/usr/bin/msmtp\"\nsmtp = \"smtp://localhost\"";
    let server = Server::parse("smtp://localhost:25").unwrap();
    assert_eq!(mail(both).route, Route::Smtp(server));
    let command = AddressSource::Command("/usr/local/bin/address".into());
    assert_eq!(
        mail("address = \"/usr/local/bin/address\"").address,
        command
    );
}

#[test]
fn codes_are_mailed_only_if_policy_allows_it_and_there_are_addresses() {
    let both = "[recovery]\nemail = true\n[mail]\naddress = \"{user}@example.org\"";
    assert!(taken(both).mails_codes());
    assert!(!taken("[recovery]\nemail = true").mails_codes());
    assert!(!taken("[mail]\naddress = \"{user}@example.org\"").mails_codes());
}

#[test]
fn an_invalid_address_path_or_server_is_refused() {
    for (key, value, reason) in [
        ("sendmail", "", "must be an absolute path"),
        ("sendmail", "msmtp", "must be an absolute path"),
        ("sendmail", "/usr/bin/a\\nb", "must be an absolute path"),
        (
            "smtp",
            "mail.example.org",
            "must be \"smtp://HOST:PORT\" or \"smtps://HOST:PORT\"",
        ),
        ("ca", "mail.pem", "must be an absolute path"),
        ("credentials", "mail", "must be an absolute path"),
        (
            "from",
            "root",
            "must be an address of plain letters, \"name@example.org\"",
        ),
        (
            "from",
            "a@b.example\\nBcc: c@d.example",
            "must be an address of plain letters, \"name@example.org\"",
        ),
        (
            "address",
            "postmaster@example.org",
            "must be a pattern, \"{user}@example.org\", or the absolute path of a command",
        ),
    ] {
        let told = refusal(&format!("[mail]\n{key} = \"{value}\""));
        assert_eq!(told, format!("line 2: {reason}"), "{key} {value}");
    }
}

#[test]
fn a_hook_is_a_path_and_its_events_are_those_that_can_be_handed_on() {
    let hooks = |lines: &str| taken(&format!("[hooks]\n{lines}")).hooks;
    assert_eq!(hooks("run = \"/bin/true\"").run, "/bin/true");
    assert_eq!(hooks("run = \"\"\nevents = []"), HooksPolicy::default());
    let all = Event::ALL.into_iter().filter(|one| one.can_be_handed_on());
    let words: Vec<_> = all.clone().map(Event::word).collect();
    let taken = hooks(&format!("events = {words:?}")).events;
    assert_eq!(taken, all.collect::<Vec<_>>());
    for run in ["\"bin/true\"", "\"true\"", "\"/bin/a\\u0000b\"", "[]", "1"] {
        let reason = refusal(&format!("[hooks]\nrun = {run}"));
        assert!(reason.starts_with("line 2: must be "), "{run}: {reason}");
    }
    for events in [
        "[\"otp.lock\"]",
        "[\"Lock\"]",
        "[\"*\"]",
        "[\"debug\"]",
        "[\"reset\"]",
        "\"lock\"",
        "[1]",
    ] {
        let reason = refusal(&format!("[hooks]\nevents = {events}"));
        assert!(reason.starts_with("line 2: must be "), "{events}: {reason}");
    }
}

/// If the verifiers and this machine cannot know each other, every single login would be refused: the policy says it at
/// once.
#[test]
fn verifiers_need_the_files_that_identify_both_sides() {
    let files = [
        "ca = \"/x/ca.pem\"",
        "certificate = \"/x/machine.pem\"",
        "key = \"/x/key\"",
    ];
    let all = format!("[fleet]\nverifiers = [\"v1\"]\n{}", files.join("\n"));
    assert!(taken(&all).fleet.is_used());
    for file in files {
        for without in ["", &format!("{} = \"\"", file.split_once(' ').unwrap().0)] {
            let told = refusal(&all.replace(file, without));
            let reason = "line 1: verifiers need the files 'ca', 'certificate' and 'key' as well";
            assert_eq!(told, reason);
        }
    }
    // Files alone, or an empty list of verifiers, do not mean "no fleet": every user would be let in with records of
    // this machine.
    for file in files {
        let told = refusal(&format!("[fleet]\n{file}"));
        assert_eq!(
            told,
            "line 1: 'ca', 'certificate' and 'key' need 'verifiers' as well"
        );
    }
    assert!(
        !taken("[fleet]\nca = \"\"\nlocal_users = [\"console\"]")
            .fleet
            .is_used()
    );
    for (key, value, reason) in [
        ("verifiers", "\"v1\"", "must be a list of strings"),
        (
            "verifiers",
            "[]",
            "must name a verifier; without a fleet leave this key out",
        ),
        ("verifiers", "[\"v1:0\"]", "must be names of verifiers"),
        ("verifiers", "[\"v1\", \"\"]", "must be names of verifiers"),
        (
            "verifiers",
            &format!("{:?}", ["v"; 9]),
            "must name at most 8 verifiers",
        ),
        ("ca", "\"ca.pem\"", "must be an absolute path"),
        ("certificate", "\"a\"", "must be an absolute path"),
        ("key", "\"../key\"", "must be an absolute path"),
        ("local_users", "[\"a b \"]", "must be names of users"),
        ("local_users", "\"root\"", "must be a list of strings"),
    ] {
        let told = refusal(&format!("[fleet]\n{key} = {value}"));
        assert!(told.starts_with(&format!("line 2: {reason}")), "{told}");
    }
    let eight = format!("{:?}", ["v"; 8]);
    assert_eq!(
        taken(&all.replace("[\"v1\"]", &eight))
            .fleet
            .verifiers
            .len(),
        8
    );
}

#[test]
fn a_sealing_key_is_named_by_an_absolute_path_or_not_at_all() {
    let key = |value: &str| taken(&format!("[seal]\nkey = {value}")).seal.key;
    assert_eq!(key("\"/run/pam_otp/seal\""), "/run/pam_otp/seal");
    assert_eq!(key("\"\""), "");
    for value in ["\"seal\"", "\"/run/\"", "\"/a\\nb\"", "\"/\""] {
        let told = refusal(&format!("[seal]\nkey = {value}"));
        assert_eq!(told, "line 2: must be an absolute path", "{value}");
    }
    assert_eq!(refusal("[seal]\nkey = 5"), "line 2: must be a string");
}

#[test]
fn an_unknown_key_is_reported_by_its_line_and_never_quoted() {
    for (text, reason) in [
        (
            "\n\nhunter2hunter2 = 1",
            "line 3: unknown key; known here are language, issuer, code, lockout, recovery, enroll, enforce, \
             trust, mail, helper, hooks, fleet, seal, service",
        ),
        (
            "[hunter2hunter2]",
            "line 1: unknown key; known here are language, issuer, code, lockout, recovery, enroll, enforce, \
             trust, mail, helper, hooks, fleet, seal, service",
        ),
        (
            "digits = 6",
            "line 1: unknown key; known here are language, issuer, code, lockout, recovery, enroll, enforce, \
             trust, mail, helper, hooks, fleet, seal, service",
        ),
        (
            "[code]\ndigits = 6\nhunter2hunter2 = \"hunter2hunter2\"",
            "line 3: unknown key; known here are algorithm, digits, period, window",
        ),
        (
            "[code]\nDigits = 6",
            "line 2: unknown key; known here are algorithm, digits, period, window",
        ),
        (
            "[lockout]\nfail = 5",
            "line 2: unknown key; known here are failures, unlock_after, unlock_after_max, disable_after",
        ),
        (
            "[recovery]\nx = 5",
            "line 2: unknown key; known here are codes, opens_lock, email",
        ),
        (
            "[enroll]\nx = 5",
            "line 2: unknown key; known here are at_login, qr, verify_email, max_authenticators",
        ),
        (
            "[enforce]\nx = 5",
            "line 2: unknown key; known here are groups, exempt_groups, exempt_users, from, grace",
        ),
        (
            "[trust]\nx = 5",
            "line 2: unknown key; known here are networks, remember",
        ),
        (
            "[mail]\nx = 5",
            "line 2: unknown key; known here are sendmail, smtp, ca, credentials, from, address",
        ),
        (
            "[hooks]\nx = 5",
            "line 2: unknown key; known here are run, events",
        ),
        (
            "[helper]\nx = 5",
            "line 2: unknown key; known here are trusted_callers",
        ),
        (
            "[fleet]\nx = 5",
            "line 2: unknown key; known here are verifiers, ca, certificate, key, local_users",
        ),
        ("[seal]\nx = 5", "line 2: unknown key; known here are key"),
        (
            "[service.sshd]\nqr = \"none\"\n\ndigits = 8",
            "line 4: unknown key; known here are language, at_login, qr, exempt_groups, networks, remember",
        ),
        (
            "[service.sshd]\n[service.sshd.trust]\nremember = \"8h\"",
            "line 2: unknown key; known here are language, at_login, qr, exempt_groups, networks, remember",
        ),
    ] {
        assert_eq!(refusal(text), reason, "{text}");
    }
}

#[test]
fn a_section_must_be_a_table() {
    for (text, reason) in [
        ("code = 6", "line 1: must be a table"),
        ("[[code]]\ndigits = 6", "line 1: must be a table"),
        ("[language]", "line 1: must be a string"),
    ] {
        assert_eq!(refusal(text), reason, "{text}");
    }
}

#[test]
fn invalid_toml_is_refused_with_its_line() {
    let reason = "not valid TOML, or a key given twice";
    for (text, line) in [
        ("[code]\ndigits = 6\ndigits = 6", 3),
        ("[code]\n[lockout]\n[code]", 3),
        ("[code\n", 1),
        ("\n\ndigits: 6", 3),
        ("language = en", 1),
        ("language = \"en", 1),
    ] {
        assert_eq!(refusal(text), format!("line {line}: {reason}"), "{text}");
    }
    let error = parse("pam_otp.conf", b"[code]\n# \xFF").unwrap_err();
    assert_eq!(error.to_string(), "pam_otp.conf, line 2: not UTF-8");
}

#[test]
fn every_key_of_a_service_reaches_its_policy_and_no_other() {
    let text = r#"
        [service.sshd]
        language = "ko"
        at_login = "require"
        qr = "ascii"
        exempt_groups = ["on leave"]
        networks = ["10.0.0.0/8"]
        remember = "8h"
        [service."gdm-password"]
        qr = "none"
        "#;
    let mut sshd = Policy {
        language: Language::Korean,
        ..Policy::default()
    };
    sshd.enroll.at_login = AtLogin::Require;
    sshd.enroll.is_for_service = true;
    sshd.enroll.qr = Style::Ascii;
    sshd.enforce.exempt_groups = vec!["on leave".to_owned()];
    sshd.trust.networks = vec![Network::parse("10.0.0.0/8").unwrap()];
    sshd.trust.remember = Duration::from_secs(8 * 3600);
    let mut gdm = Policy::default();
    gdm.enroll.qr = Style::None;
    let policies = policies(text);
    assert_eq!(policies.clone().for_service("sshd"), sshd);
    assert_eq!(policies.clone().for_service("gdm-password"), gdm);
    for other in ["", "ssh", "su", "gdm", "service"] {
        assert_eq!(policies.clone().for_service(other), Policy::default());
    }
}

#[test]
fn a_service_takes_the_values_that_the_policy_takes_and_refuses_the_others() {
    for (key, good, bad) in [
        ("language", "\"ko\"", "\"fr\""),
        ("at_login", "\"offer\"", "\"on\""),
        ("qr", "\"none\"", "\"off\""),
        ("exempt_groups", "[\"staff\"]", "[\"*\"]"),
        ("exempt_groups", "[]", "\"staff\""),
        ("networks", "[\"::1\"]", "[\"10.1.2.3/8\"]"),
        ("remember", "\"0\"", "0"),
    ] {
        let section = match key {
            "language" => "",
            "at_login" | "qr" => "[enroll]",
            "exempt_groups" => "[enforce]",
            _ => "[trust]",
        };
        let of_service = |value| format!("[service.su]\n{key} = {value}");
        let of_all = |value| format!("{section}\n{key} = {value}");
        policies(&of_service(good));
        assert_eq!(refusal(&of_service(bad)), refusal(&of_all(bad)), "{key}");
    }
}

#[test]
fn a_service_is_named_as_pam_names_it() {
    for text in [
        "[service.sshd]",
        "[service.\"su-l\"]",
        "[service]",
        "[service]\nsu = { qr = \"none\" }",
        "service.su.qr = \"none\"",
        "[service.su]\n[service.sudo]",
    ] {
        assert_eq!(taken(text), Policy::default(), "{text}");
    }
    let name = "must be the name of a service in /etc/pam.d: small letters, digits and \"._-+@\"";
    for (text, line, reason) in [
        ("[service.NAME]", 1, name),
        ("\n[service.\"\"]", 2, name),
        ("[service.\"/etc/pam.d/sshd\"]", 1, name),
        ("[service.\"..\"]", 1, name),
        ("[service.su]\n[service.\"s u\"]", 2, name),
        ("[service]\nqr = \"none\"", 2, "must be a table"),
        ("[[service]]\nqr = \"none\"", 1, "must be a table"),
        ("[[service.su]]\nqr = \"none\"", 1, "must be a table"),
        (
            "[service.su]\n[service.su]",
            2,
            "not valid TOML, or a key given twice",
        ),
    ] {
        assert_eq!(refusal(text), format!("line {line}: {reason}"), "{text}");
    }
}
