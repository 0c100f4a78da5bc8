"""The commands of otp-admin policy."""

import pathlib
import shlex
import shutil
import subprocess
import unicodedata

import pytest
from machine import TARGET

DEFAULT = pathlib.Path("/etc/security/pam_otp.conf")


def check(machine, *arguments, caller="daemon", **options):
    """Runs `otp-admin policy check` as `caller` through sudo."""
    return machine.admin("policy", "check", *arguments, environment={"SUDO_USER": caller}, **options)


def findings(machine, *arguments, **options):
    """The findings: the output without its last line."""
    *found, last = check(machine, *arguments, **options).stdout.splitlines()
    assert last.startswith(f"{machine.conf}: can be used")
    assert last.endswith(f"look at the lines above: {len(found)}") if found else last.endswith("can be used")
    return found


def show(machine, user, *arguments, **options):
    """The verdict, and the rows by their labels; of several rows with one label, the last one."""
    verdict, empty, *rows = machine.admin("policy", "show", user, *arguments, **options).stdout.splitlines()
    assert empty == ""
    return verdict, dict(row.split("  ", 1) for row in rows)


def column_of(line, text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line[: line.index(text)])


@pytest.fixture
def services(machine):
    """Runs otp-admin where /etc/pam.d has exactly these files, and /etc/security is empty."""

    def run(files, *arguments, status=0, caller="daemon"):
        directory = machine.directory / "pam.d"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for name, text in files.items():
            (directory / name).write_text(text)
        script = f"""
            mount --bind {shlex.quote(str(directory))} /etc/pam.d && mount -t tmpfs tmpfs /etc/security && exec "$@"
        """
        words = machine.words("otp-admin", *arguments)
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *words],
            capture_output=True, text=True, env=machine.environment(SUDO_USER=caller), timeout=60,
        )
        assert done.returncode == status, done
        return done.stdout

    return run


# -------------------------------------------------------------------------------------------------------------- check


def test_policy_without_findings_can_be_used(machine, enrolled):
    machine.policy('[enforce]\ngroups = ["daemon", "1"]\nexempt_users = ["nobody"]\nfrom = "2020-01-01"\n')
    assert check(machine).stdout == f"{machine.conf}: can be used\n"


@pytest.mark.parametrize(
    "policy, found",
    [
        ('[enforce]\ngroups = ["no-such-group"]',
         "[enforce] groups: group no-such-group cannot be looked up, so everybody counts as a member"),
        ('[enforce]\ngroups = ["4294967290"]',
         "[enforce] groups: group 4294967290 cannot be looked up, so everybody counts as a member"),
        ('[enforce]\nexempt_groups = ["no-such-group"]',
         "[enforce] exempt_groups: group no-such-group cannot be looked up, so it exempts nobody"),
        ('[enforce]\nexempt_users = ["no-such-user"]', "[enforce] exempt_users: no user is called 'no-such-user'"),
        ('[helper]\ntrusted_callers = ["no-such-user"]', "[helper] trusted_callers: no user is called 'no-such-user'"),
        ('[hooks]\nevents = ["lock"]', "[hooks] run: no program is named, so no event is handed on"),
        ('[fleet]\nverifiers = ["v1"]\nca = "/etc/passwd"\ncertificate = "/etc/passwd"\nkey = "/etc/passwd"',
         "[fleet] key: /etc/passwd must be there, belong to root and be writable only by root (key: readable only by root and "
         "the group pam_otp), so users of the fleet are refused"),
        ('[trust]\nnetworks = ["0.0.0.0/0"]',
         "[trust] networks: 0.0.0.0/0 includes every address of its kind, so no code is asked for"),
        ('[trust]\nnetworks = ["::/0"]',
         "[trust] networks: ::/0 includes every address of its kind, so no code is asked for"),
        ("[recovery]\nemail = true", "[recovery] email: needs [mail] address, which is not set, so no code is mailed to anybody"),
        ("[enroll]\nverify_email = true",
         "[enroll] verify_email: needs [mail] address, which is not set, so no code is mailed to anybody"),
        ('[recovery]\nemail = true\n[mail]\naddress = "{user}@example.org"\nsendmail = "/nowhere/sendmail"',
         "[mail] sendmail: /nowhere/sendmail must be there, belong to root and be writable only by root (credentials: also "
         "readable only by root), so no mail is sent"),
        ('[recovery]\nemail = true\n[mail]\naddress = "/nowhere/address"\nsmtp = "smtp://localhost"',
         "[mail] address: /nowhere/address must be there, belong to root and be writable only by root (credentials: also "
         "readable only by root), so no mail is sent"),
        ('[enroll]\nat_login = "offer"\n[enforce]\ngroups = []',
         "[enroll] at_login: nobody must have an authenticator ([enforce] groups = []), so no login sets one up"),
    ],
)
def test_finding_names_its_key_and_is_no_error(machine, enrolled, policy, found):
    machine.policy(policy + "\n")
    assert findings(machine) == [found]


IGNORES_HASH = (
    "[code] algorithm: some apps, such as Number Station 1.3.0, ignore {} and show wrong codes without a warning; see pam_otp-apps(7)"
)
IGNORES_PERIOD = (
    "[code] period: some apps, such as cotp 1.9.2, ignore {} and show wrong codes without a warning{}; see pam_otp-apps(7)"
)


@pytest.mark.parametrize(
    "policy, found",
    [
        ('[code]\nalgorithm = "SHA1"\ndigits = 8\nperiod = 30', []),
        ('[code]\nalgorithm = "SHA256"', [IGNORES_HASH.format("SHA256")]),
        ('[code]\nalgorithm = "SHA512"', [IGNORES_HASH.format("SHA512")]),
        ("[code]\ndigits = 7",
         ["[code] digits: some apps, such as url-otpauth 2.0.0, refuse 7 digits; see pam_otp-apps(7)"]),
        ("[code]\nperiod = 15", [IGNORES_PERIOD.format(15, "")]),
        ("[code]\nperiod = 60", [IGNORES_PERIOD.format(60, "")]),
        ("[code]\nperiod = 61", [IGNORES_PERIOD.format(61, ", and KeePassXC 2.7.4 counts in steps of 60")]),
        ('issuer = "R&D + Ops"', ['issuer: some apps, such as pyotp 2.9.0, accept no QR code or URI with "&+" in it; see pam_otp-apps(7)']),
        ('issuer = "Who? #1"', ['issuer: some apps, such as pyotp 2.9.0, accept no QR code or URI with "#?" in it; see pam_otp-apps(7)']),
        ('issuer = "예시 회사 (Ops) @ a.b_c~d-e"', []),
    ],
)
def test_finding_about_apps_names_them_and_is_no_error(machine, enrolled, policy, found):
    machine.policy(policy + "\n")
    assert findings(machine) == found


@pytest.mark.parametrize("arguments", [[], ["--force"]])
def test_colon_in_the_issuer_is_refused_by_its_line(machine, enrolled, arguments):
    machine.policy('\nissuer = "Dept: Ops"\n')
    done = check(machine, *arguments, status=2)
    assert done.stdout == "" and done.stderr.splitlines()[0] == (
        f"otp-admin: {machine.conf}, line 2: must not have a colon: many authenticator apps refuse it, or show another "
        "account name"
    )
    # How the sentence about a login goes on.
    assert show(machine, "daemon")[0] == "daemon would be asked for a code"


@pytest.fixture
def without_the_user(machine):
    """The finding if the user as whom hooks run does not exist."""
    made = subprocess.run(["getent", "passwd", "otp-notify"], capture_output=True, check=False).returncode == 0
    said = ("[hooks] run: the program runs as the user otp-notify, who does not exist: useradd --system --shell "
            "/usr/sbin/nologin otp-notify")
    return [] if made else [said]


def test_hook_without_events_or_that_others_may_write_is_found(machine, enrolled, without_the_user, tmp_path):
    machine.policy('[hooks]\nrun = "/usr/bin/true"\nevents = ["lock"]\n')
    assert findings(machine) == without_the_user
    machine.policy('[hooks]\nrun = "/usr/bin/true"\n')
    assert findings(machine) == ["[hooks] events: none is named, so the program gets nothing", *without_the_user]
    program = tmp_path / "hook"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path, reason in ((program, "others than root may write /tmp"), ("/etc/passwd", "is no program"), ("/no/hook", "No such file")):
        machine.policy(f'[hooks]\nrun = "{path}"\nevents = ["lock"]\n')
        first, *others = findings(machine)
        assert first.startswith(f"[hooks] run: {path} is not started: ") and reason in first and others == without_the_user


def test_everything_is_found_at_once(machine, enrolled):
    machine.policy(
        '[enforce]\ngroups = ["g1", "daemon", "g2"]\nexempt_groups = ["g1"]\nexempt_users = ["u1", "root"]\n'
        '[trust]\nnetworks = ["10.0.0.0/8", "::/0"]\n[helper]\ntrusted_callers = ["u2", "www-data"]\n'
    )
    found = findings(machine)
    assert [line.split(":")[0] for line in found] == [
        "[enforce] groups", "[enforce] exempt_groups", "[enforce] groups", "[enforce] exempt_users", "[trust] networks",
        "[helper] trusted_callers",
    ]


MISSING = (
    '/etc/pam.d: no line "account required pam_otp.so" in su, so nobody sets up an authenticator there; it belongs '
    "where people log in, and not into sudo and cron"
)
ELSEWHERE = (
    "/etc/pam.d: nobody sets up an authenticator in sudo, whose programs may keep what they show; only in doas, greetd, login, "
    "sshd, su, su-l: enrol over ssh, or with otp-enroll"
)
LED_AROUND = (
    "/etc/pam.d/sshd: its account line of pam_otp.so can be bypassed, so no login there sets up an authenticator; "
    'make it "account required pam_otp.so", above the other account lines'
)
SERVICES = {
    "common-account": "account sufficient pam_unix.so\n",
    "cron": "auth required pam_unix.so\n@include common-account\n",
    "login": "auth required pam_unix.so\nauth required pam_otp.so\naccount required pam_otp.so\n@include common-account\n",
    "other": "auth required pam_deny.so\naccount required pam_deny.so\n",
    "sshd": "auth required pam_otp.so\n@include common-account\naccount required pam_otp.so\n",
    "su": "auth required pam_otp.so\n@include common-account\n",
    "sudo": "auth required pam_otp.so\n@include common-account\n",
}


def test_services_whose_logins_cannot_set_up_an_authenticator_are_found(machine, enrolled, services):
    machine.policy('[enroll]\nat_login = "require"\n')
    found = services(SERVICES, "policy", "check").splitlines()
    assert found == [LED_AROUND, MISSING, ELSEWHERE, f"{machine.conf}: can be used, but look at the lines above: 3"]


def test_service_where_no_other_module_identifies_the_user_is_found(machine, enrolled, services):
    machine.policy('[enroll]\nat_login = "require"\n')
    login = SERVICES["login"].replace("auth required pam_unix.so", "auth required pam_faillock.so preauth")
    found = services({**SERVICES, "login": login}, "policy", "check").splitlines()
    assert found[0].startswith("/etc/pam.d/login: no module but pam_otp.so is known to find out who the user is"), found


def test_account_lines_do_not_matter_where_no_login_sets_up_an_authenticator(machine, enrolled, services):
    assert services(SERVICES, "policy", "check") == f"{machine.conf}: can be used\n"


@pytest.mark.parametrize("at_login", ["off", "offer"])
def test_nullok_missing_on_the_account_line_is_found(machine, enrolled, services, at_login):
    machine.policy(f'[enroll]\nat_login = "{at_login}"\n')
    login = SERVICES["login"].replace("auth required pam_otp.so", "auth required pam_otp.so nullok")
    files = {"login": login, "common-account": SERVICES["common-account"]}
    found = services(files, "policy", "check").splitlines()
    assert found[0].startswith('/etc/pam.d/login: "nullok" is an argument of the auth line and not of the account line'), found
    assert len(found) == 2


def test_password_and_session_lines_are_found(machine, enrolled, services):
    files = {"passwd": "@include common-password\n", "common-password": "password required pam_otp.so\n",
             "su": "auth required pam_otp.so\nsession optional pam_otp.so\n"}
    assert services(files, "policy", "check").splitlines()[:-1] == [
        '/etc/pam.d: passwd(1) runs a line of pam_otp.so in passwd, which changes nothing and only logs otp.policy; take it out: '
        'pam_otp.so is for "auth" and "account" lines alone',
        '/etc/pam.d: a "session" line of pam_otp.so in su, which does nothing; take it out',
    ]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("command, status", [("check", 1), ("show daemon", 0)], ids=str)
def test_no_output_looks_like_a_question_for_a_password(machine, services, language, command, status):
    """sshpass takes any text with "assword" in it for a question, answers with the password, and gives up at the second one."""
    machine.policy(f'language = "{language}"\n[enroll]\nat_login = "offer"\n[trust]\nnetworks = ["192.0.2.0/24"]\n')
    files = {"passwd": "password required pam_otp.so\n", "sshd": "auth required pam_otp.so split\n"}
    said = services(files, "policy", *command.split(), status=status)
    assert "pam_otp.so" in said and "assword" not in said.lower()


def test_services_that_cannot_be_read_are_found(machine, enrolled, services):
    machine.policy('[enroll]\nat_login = "offer"\n')
    found = services({"sshd": "@include sshd\n"}, "policy", "check").splitlines()
    assert found[0].startswith("the services could not be examined: /etc/pam.d/sshd: ") and len(found) == 2


@pytest.mark.parametrize(
    "policy, line, reason",
    [
        ('language = "en"\nnonsense = 1\n', 2, "unknown key"),
        ('[enforce]\ngrace = "soon"\n', 2, "must be a number and a unit"),
        ('\n[enforce]\nfrom = "2027-02-30"\n', 3, ""),
        ('[trust]\nnetworks = ["10.1.2.3/8"]\n', 2, "host bits"),
        ('[fleet]\nca = "/nowhere/ca.pem"\n', 1, "need 'verifiers' as well"),
        ("[fleet]\nverifiers = []\n", 2, "must name a verifier"),
        ("[code\n", 1, ""),
    ],
)
def test_error_is_reported_with_file_and_line(machine, enrolled, policy, line, reason):
    machine.policy(policy)
    done = check(machine, status=2)
    first = done.stderr.splitlines()[0]
    assert done.stdout == "" and first.startswith(f"otp-admin: {machine.conf}, line {line}: ") and reason in first


def test_missing_file_or_one_that_others_can_write_is_an_error(machine, enrolled):
    machine.conf.chmod(0o666)
    assert "mode 0666" in check(machine, status=2).stderr
    machine.conf.unlink()
    assert "missing" in check(machine, status=2).stderr


def test_new_file_can_be_checked_while_the_policy_is_broken(machine, enrolled):
    machine.policy("nonsense = 1\n")
    new = machine.directory / "new.conf"
    new.write_text('[enforce]\nexempt_users = ["no-such-user"]\n')
    found = check(machine, new).stdout.splitlines()
    assert "no-such-user" in found[0] and found[1] == f"{new}: can be used, but look at the lines above: 1"
    assert "line 1" in check(machine, status=2).stderr


def test_broken_file_is_reported_by_its_own_name(machine, enrolled):
    new = machine.directory / "new.conf"
    new.write_text("\nnonsense = 1\n")
    assert f"{new}, line 2: " in check(machine, new, status=2).stderr


@pytest.mark.parametrize(
    "text, said",
    [
        ("[code]\ndigits = 9\n", ", 2번째 줄: digits 값은 6, 7, 8 중 하나여야 합니다.\n"),
        ("[code]\nx = 1\n", ", 2번째 줄: 알 수 없는 키입니다. 사용할 수 있는 키: algorithm, digits, period, window\n"),
        ("[code\n", ", 1번째 줄: 올바른 TOML이 아니거나 같은 키가 두 번 있습니다.\n"),
        ('[lockout]\nunlock_after = "soon"\n', "처럼 숫자와 단위여야 합니다.\n"),
    ],
)
def test_reasons_are_in_korean(machine, text, said):
    new = machine.directory / "new.conf"
    new.write_text(text)
    done = check(machine, new, "--lang", "ko", status=2)
    assert said in done.stderr and "해결 방법: 그 줄을 바로잡으세요." in done.stderr


def test_file_is_described_in_the_language_of_the_site(machine, enrolled):
    new = machine.directory / "new.conf"
    new.write_text('language = "ko"\n')
    assert "can be used" in check(machine, new).stdout
    machine.policy('language = "ko"\n')
    new.write_text('language = "en"\n')
    assert "사용할 수 있는 정책" in check(machine, new).stdout
    assert "can be used" in check(machine, new, "--lang", "en").stdout


def test_site_without_a_policy_file_has_the_defaults_and_is_told_so(machine, enrolled, services):
    said = services({}, "policy", "check", DEFAULT).splitlines()
    usable = f"{DEFAULT}: can be used, but look at the lines above: 1"
    assert said == [f"{DEFAULT}: is not there, so every key has its default", usable]


# ------------------------------------------------------------------------------------- the administrator who runs it


def test_policy_that_would_refuse_its_administrator_is_refused(machine):
    done = check(machine, status=1)
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"otp-admin: {machine.conf}: demands a second factor of daemon, who runs this and has no authenticator",
        "hint: enrol first with 'otp-enroll --user daemon', or add '--force'",
    ]


@pytest.mark.parametrize(
    "enforce, status",
    [
        ("", 1),
        ('from = "2099-01-01"', 1),
        ('grace = "30d"', 1),
        ('groups = ["daemon"]', 1),
        ('groups = ["no-such-group"]', 1),
        ('exempt_groups = ["no-such-group"]', 1),
        ('groups = []', 0),
        ('groups = ["root"]', 0),
        ('exempt_users = ["daemon"]', 0),
        ('exempt_groups = ["daemon"]', 0),
    ],
)
def test_demand_on_the_administrator_counts_now_or_later(machine, enforce, status):
    machine.policy(f"[enforce]\n{enforce}\n")
    assert check(machine, status=status).returncode == status


def test_force_accepts_the_policy_and_says_whom_it_would_refuse(machine):
    found = findings(machine, "--force")
    assert found == ["[enforce]: a second factor is demanded of daemon, who runs this and has no usable authenticator"]


def test_findings_are_printed_before_a_refusal(machine):
    machine.policy('[enforce]\nexempt_users = ["no-such-user"]\n')
    assert "no-such-user" in check(machine, status=1).stdout


def test_refusal_holds_if_the_findings_cannot_be_printed(machine):
    machine.policy('[enforce]\nexempt_users = ["no-such-user"]\n')
    with open("/dev/full", "w") as full:
        assert "enrol first" in check(machine, status=1, stdout=full).stderr


def test_administrator_is_named_by_sudo_or_else_by_the_login_or_else_is_root(machine, enrolled):
    check(machine, caller="daemon")
    assert "of www-data, who" in check(machine, caller="www-data", status=1).stderr
    login = pathlib.Path("/proc/self/loginuid")
    uid = login.read_text().strip() if login.exists() else "4294967295"
    name = subprocess.run(["id", "-un", uid], capture_output=True, text=True).stdout.strip() or "root"
    for caller in ("no-such-user", "", "../daemon", "a\x1bb"):
        assert f"of {name}, who" in check(machine, caller=caller, status=1).stderr
    assert f"of {name}, who" in machine.admin("policy", "check", status=1).stderr


def test_damaged_record_of_the_administrator_does_not_count_as_an_authenticator(machine, enrolled):
    (machine.records / "daemon" / "state").write_bytes(b"\0" * 4096)
    assert str(machine.records / "daemon") in check(machine, status=2).stderr
    assert len(findings(machine, "--force")) == 1


def test_missing_records_are_not_taken_for_an_empty_store(machine):
    machine.records.rmdir()
    assert "missing" in check(machine, status=2).stderr
    assert "missing" in machine.admin("policy", "show", "daemon", status=2).stderr


# --------------------------------------------------------------------------------------------------------------- show


def test_user_with_an_authenticator_is_asked_whether_exempt_or_not(machine, enrolled):
    for enforce, demanded in [
        ("", "a second factor now (everybody)"),
        ('exempt_users = ["daemon"]', "nothing (exempt user)"),
        ('grace = "7d"', "a second factor now (everybody)"),
        ('from = "2027-02-01"', "a second factor from 2027-02-01 00:00 UTC on, 17 days left (everybody)"),
    ]:
        machine.policy(f"[enforce]\n{enforce}\n")
        verdict, rows = show(machine, "daemon")
        assert verdict == "daemon would be asked for a code"
        assert rows["policy demands"].strip() == demanded and "grace" not in rows
        assert "phone, enrolled 2027-01-15 08:00 UTC" in rows["authenticator"] and rows["standing"].strip() == "open"


def test_locked_user_is_refused(machine, enrolled):
    for _ in range(5):
        machine.try_code("daemon", machine.wrong_code(enrolled["secret"]))
    verdict, rows = show(machine, "daemon")
    assert verdict == "daemon would be refused: locked until 2027-01-15 08:16 UTC"
    assert "15 minutes from now" in rows["standing"] and "a recovery code lets the user in" in rows["a login"]


@pytest.mark.parametrize(
    "enforce, why",
    [
        ('exempt_users = ["daemon"]', "exempt user"),
        ('exempt_groups = ["kmem", "daemon"]', "exempt group daemon"),
        ('groups = ["root"]', "in no group that must"),
        ("groups = []", "in no group that must"),
    ],
)
def test_user_who_needs_no_authenticator_is_admitted(machine, enforce, why):
    machine.policy(f"[enforce]\n{enforce}\n")
    verdict, rows = show(machine, "daemon")
    assert verdict == f"daemon would be let in without a code ({why})"
    assert rows["authenticator"].strip() == "none" and rows["policy demands"].strip() == f"nothing ({why})"


@pytest.mark.parametrize(
    "enforce, rule",
    [
        ("", "everybody"),
        ('groups = ["daemon"]', "group daemon"),
        ('groups = ["1"]', "group 1"),
        ('groups = ["no-such-group"]', "group no-such-group cannot be looked up"),
        ('groups = ["no-such-group", "daemon"]', "group daemon"),
        ('from = "2027-01-15T08:00:00Z"', "everybody"),
    ],
)
def test_user_without_a_demanded_authenticator_is_refused_by_a_named_rule(machine, enforce, rule):
    machine.policy(f"[enforce]\n{enforce}\n")
    verdict, rows = show(machine, "daemon")
    assert verdict == f"daemon would be refused: no authenticator, and one is demanded ({rule})"
    assert rows["policy demands"].strip() == f"a second factor now ({rule})"
    assert 'at_login = "off"' in rows["a login"]
    assert ("problem" in rows) == ("no-such-group" in enforce)


def test_login_before_the_deadline_is_admitted(machine):
    machine.policy('[enforce]\nfrom = "2027-02-01"\n')
    verdict, rows = show(machine, "daemon")
    assert verdict == "daemon would be let in without a code until 2027-02-01 00:00 UTC (17 days left)"
    assert "otp-enroll" in rows["a login"] and "grace" not in rows


def test_grace_is_shown_with_its_beginning(machine):
    machine.policy('[enforce]\ngrace = "7d"\n')
    verdict, rows = show(machine, "daemon")
    assert verdict == "daemon would be let in without a code until 2027-01-22 08:00 UTC (7 days left)"
    assert rows["grace"].strip() == "7 days, not begun yet: the first login without a code begins it"
    directory = machine.records / "daemon"
    directory.mkdir(mode=0o700)
    first = directory / "first-login"
    first.write_text(f"version = 1\nuid = 1\nfirst_login = {machine.now - 2 * 86400}\n")
    first.chmod(0o600)
    verdict, rows = show(machine, "daemon")
    assert "until 2027-01-20 08:00 UTC (5 days left)" in verdict
    assert rows["grace"].strip() == "7 days, begun 2027-01-13 08:00 UTC"
    machine.now += 6 * 86400
    assert show(machine, "daemon")[0] == "daemon would be refused: no authenticator, and one is demanded (everybody)"
    machine.now -= 60 * 86400
    assert "not begun yet" in show(machine, "daemon")[1]["grace"]


@pytest.mark.parametrize(
    "at_login, enforce, verdict, does",
    [
        ("offer", 'from = "2027-02-01"',
         "be offered to set up an authenticator in the login, and could put it off until 2027-02-01 00:00 UTC (17 days left)",
         '"later" lets the user in without one'),
        ("require", 'from = "2027-02-01"', "set up an authenticator in the login", 'there is no "later"'),
        ("offer", "", "set up an authenticator in the login", 'there is no "later"'),
        ("require", "", "set up an authenticator in the login", 'there is no "later"'),
    ],
)
def test_verdict_says_where_logins_set_up_authenticators(machine, services, at_login, enforce, verdict, does):
    machine.policy(f'[enroll]\nat_login = "{at_login}"\n[enforce]\n{enforce}\n')
    said = services(SERVICES, "policy", "show", "daemon").splitlines()
    assert said[0] == f"daemon would {verdict}"
    assert does in next(line for line in said if line.startswith("a login"))
    assert [line.removeprefix("problem").strip() for line in said if line.startswith("problem")] == [LED_AROUND, MISSING, ELSEWHERE]


def test_login_is_refused_where_no_service_can_set_up_an_authenticator(machine, services):
    machine.policy('[enroll]\nat_login = "require"\n')
    files = {name: text for name, text in SERVICES.items() if name != "login"}
    said = services(files, "policy", "show", "daemon")
    assert said.startswith("daemon would be refused: no authenticator, and one is demanded (everybody)\n")
    assert "no service has an account line that sets up an authenticator" in said


def test_trust_is_shown_where_there_is_any(machine, enrolled):
    assert not {"trusted networks", "remembered"} & set(show(machine, "daemon")[1])
    machine.policy('[trust]\nnetworks = ["10.0.0.0/8", "2001:db8::/32"]\nremember = "8h"\n')
    rows = show(machine, "daemon")[1]
    assert rows["trusted networks"].strip().startswith("10.0.0.0/8, 2001:db8::/32: logins from there need no code")
    assert "for 8 hours after a code" in rows["remembered"]


# ----------------------------------------------------------------------------------------------------------- services

KIOSK = '[enforce]\n{}\n[service.login]\nexempt_groups = ["daemon"]\n[service.sshd]\nnetworks = []\nremember = "8h"\n'


def rows_at(said, service, label="at"):
    """The values of the rows about a service."""
    rows = (line.split("  ", 1) for line in said.splitlines()[2:])
    return [value.strip() for name, value in rows if name == f"{label} {service}"]


def test_differences_at_a_service_have_lines_of_their_own(machine, services):
    machine.policy('[trust]\nnetworks = ["10.0.0.0/8"]\n' + KIOSK.format(""))
    said = services(SERVICES, "policy", "show", "daemon")
    refused = "daemon would be refused: no authenticator, and one is demanded (everybody)"
    assert said.splitlines()[0] == refused
    assert rows_at(said, "login") == ["daemon would be let in without a code (exempt group daemon)"]
    assert rows_at(said, "sshd") == [
        refused, "no network is trusted",
        "for 8 hours after a code, the same service asks for no other from the same address",
    ]
    assert rows_at(said, "su") == []


def test_named_service_is_described_alone(machine, services):
    machine.policy(KIOSK.format(""))
    show = lambda service: services(SERVICES, "policy", "show", "daemon", "--service", service).splitlines()  # noqa: E731
    assert show("login")[0] == "daemon would be let in without a code (exempt group daemon)"
    assert show("sshd")[0] == show("su")[0] == "daemon would be refused: no authenticator, and one is demanded (everybody)"
    assert not [line for line in show("login") + show("su") if line.startswith(("at ", "problem"))]
    assert [line for line in show("sshd") if line.startswith("remembered  ")]


def test_verdict_about_a_service_that_sets_up_authenticators_is_its_own(machine, services):
    machine.policy('[service.login]\nat_login = "offer"\n')
    said = services(SERVICES, "policy", "show", "daemon")
    assert said.startswith("daemon would be refused: ")
    assert rows_at(said, "login") == ["daemon would set up an authenticator in the login"]
    machine.policy('[enroll]\nat_login = "require"\n[service.login]\nat_login = "off"\n')
    said = services(SERVICES, "policy", "show", "daemon", "--service", "login").splitlines()
    assert said[0] == "daemon would be refused: no authenticator, and one is demanded (everybody)"


def test_service_without_our_line_is_a_problem_in_show(machine, services):
    said = services(SERVICES, "policy", "show", "daemon", "--service", "ssh", "--lang", "en").splitlines()
    assert [line.removeprefix("problem").strip() for line in said if line.startswith("problem")] == [
        "/etc/pam.d: no service called ssh has a line of pam_otp.so, so it asks nobody for a code"
    ]


@pytest.mark.parametrize("name", ["", "SSHD", "/etc/pam.d/sshd", "a b"])
def test_invalid_name_of_a_service_is_a_usage_error(machine, name):
    words = machine.words("otp-admin", "policy", "show", "daemon", "--service", name)
    done = subprocess.run(words, capture_output=True, text=True, env=machine.environment())
    assert done.returncode == 2 and done.stdout == "" and "--service" in done.stderr and "small letters" in done.stderr


def test_differences_at_a_service_are_shown_in_korean(machine, services):
    machine.policy(KIOSK.format("") + '[service.su]\nremember = "0"\n')
    said = services(SERVICES, "policy", "show", "daemon", "--lang", "ko").splitlines()
    rows = [line for line in said if line.startswith(("login 서비스", "sshd 서비스", "su 서비스"))]
    assert len(rows) == 6, rows
    for row, words in zip(rows, ["daemon 그룹", "로그인할 수 없습니다", "신뢰 네트워크가 없음", "8시간", "로그인할 수 없습니다", "로그인할 때마다 인증 코드를 요구함"]):
        assert words in row, row


def test_mistakes_in_a_section_are_found_under_its_name(machine, enrolled, services):
    machine.policy(
        '[service.ssh]\nqr = "none"\n[service.sshd]\nexempt_groups = ["no-such-group", "no-such-group"]\n'
        'networks = ["0.0.0.0/0", "10.0.0.0/8"]\n[service."a.b"]\nlanguage = "ko"\n'
    )
    unused = "no service of that name has a line of pam_otp.so in /etc/pam.d, so the section changes nothing"
    assert services(SERVICES, "policy", "check").splitlines()[:-1] == [
        f'[service."a.b"]: {unused}',
        f"[service.ssh]: {unused}",
        "[service.sshd] exempt_groups: group no-such-group cannot be looked up, so it exempts nobody",
        "[service.sshd] networks: 0.0.0.0/0 includes every address of its kind, so no code is asked for",
    ]
    korean = services(SERVICES, "policy", "check", "--lang", "ko").splitlines()
    assert [line.split(": ")[0] for line in korean] == [
        '[service."a.b"]', "[service.ssh]", "[service.sshd] exempt_groups", "[service.sshd] networks", str(machine.conf),
    ]


def test_section_of_a_service_that_includes_another_or_is_included_is_used(machine, enrolled, services):
    """xsecurelock starts PAM with the service common-auth itself."""
    files = {"su-l": "@include su\n", "su": "auth required pam_otp.so\n", "common-auth": "auth required pam_otp.so\n"}
    machine.policy("[service.su-l]\n[service.common-auth]\n")
    assert services(files, "policy", "check") == f"{machine.conf}: can be used\n"


def test_account_lines_are_checked_where_a_section_lets_logins_set_up_authenticators(machine, enrolled, services):
    machine.policy('[service.su]\nat_login = "offer"\n')
    assert services(SERVICES, "policy", "check").splitlines()[:-1] == [MISSING]
    machine.policy('[enroll]\nat_login = "offer"\n[service.su]\nat_login = "off"\n')
    assert services(SERVICES, "policy", "check").splitlines()[:-1] == [LED_AROUND, ELSEWHERE]


@pytest.mark.parametrize("at_login", ["off", "offer", "require"])
def test_service_that_enrols_by_its_section_is_found_unless_its_program_is_proven(machine, enrolled, services, at_login):
    machine.policy("".join(f'[service.{name}]\nat_login = "{at_login}"\n' for name in ("login", "sudo", "otp-portal")))
    sudo = SERVICES["login"]
    files = {**SERVICES, "sudo": sudo, "otp-portal": sudo}
    found = services(files, "policy", "check").splitlines()[:-1]
    assert [line.split(":")[0] for line in found] == (["[service.sudo] at_login"] if at_login != "off" else [])
    assert not found or "the key, the URI and the recovery codes" in found[0] and "reset" in found[0]
    korean = services(files, "policy", "check", "--lang", "ko").splitlines()[:-1]
    assert len(korean) == len(found) and (not found or "복구 코드" in korean[0])


def test_verdict_about_a_service_that_enrols_by_its_section_is_its_own(machine, services):
    machine.policy('[service.sudo]\nat_login = "require"\n')
    files = {"sudo": "auth required pam_unix.so\nauth required pam_otp.so\naccount required pam_otp.so\n"}
    said = services(files, "policy", "show", "daemon", "--service", "sudo")
    assert said.startswith("daemon would set up an authenticator in the login\n")
    machine.policy('[enroll]\nat_login = "require"\n[service.sudo]\nqr = "none"\n')
    said = services(files, "policy", "show", "daemon", "--service", "sudo")
    assert said.startswith("daemon would be refused: no authenticator, and one is demanded (everybody)\n")


@pytest.mark.parametrize(
    "exempt, status",
    [
        ("", 0),
        ('[service.su]\nexempt_groups = ["daemon", "kmem"]\n', 0),
        ('[service.su]\nexempt_groups = []\n', 1),
        ('[service.su]\nlanguage = "ko"\n', 0),
    ],
)
def test_section_that_would_refuse_its_administrator_is_refused(machine, exempt, status):
    machine.policy('[enforce]\nexempt_groups = ["daemon"]\n' + exempt)
    check(machine, status=status)


def test_columns_line_up_in_both_languages(machine, enrolled):
    machine.policy('[trust]\nnetworks = ["10.0.0.0/8"]\nremember = "8h"\n')
    for language, values in [
        ("en", {"a login": "asks", "authenticator": "phone", "standing": "open", "trusted networks": "10.0.0.0/8"}),
        ("ko", {"로그인": "인증 코드를", "인증 수단": "phone", "상태": "정상", "신뢰 네트워크": "10.0.0.0/8"}),
    ]:
        lines = machine.admin("policy", "show", "daemon", "--lang", language).stdout.splitlines()[2:]
        columns = [column_of(line, values[label]) for line in lines for label in values if line.startswith(label + "  ")]
        assert len(columns) == 4 and len(set(columns)) == 1, lines


def test_verdict_and_rows_are_in_korean(machine, services):
    machine.policy('language = "ko"\n[enroll]\nat_login = "offer"\n[enforce]\nfrom = "2027-02-01"\n')
    said = services(SERVICES, "policy", "show", "daemon")
    assert said.startswith(
        "daemon 계정은 로그인할 때 인증 수단을 등록하거나 2027-02-01 00:00 UTC까지(17일 남음) 미룰 수 있습니다.\n"
    )
    assert "17일 남음, 모든 사용자)" in said and "\"account required pam_otp.so\" 줄이 없어" in said


def test_refusal_is_in_korean(machine):
    done = check(machine, "--lang", "ko", status=1)
    assert "이 명령을 실행한 daemon 계정" in done.stderr and "otp-enroll --user daemon" in done.stderr
    assert "위의 1개 항목을 확인하세요" in check(machine, "--lang", "ko", "--force").stdout


def test_unknown_user_is_refused(machine):
    for name in ("no-such-user", "../daemon", "", "a\x1bb"):
        done = machine.admin("policy", "show", name, status=1)
        assert done.stdout == "" and "no user is called" in done.stderr


def test_damaged_record_is_explained(machine, enrolled):
    (machine.records / "daemon" / "state").unlink()
    done = machine.admin("policy", "show", "daemon", status=2)
    assert done.stdout == "" and "otp-admin reset daemon" in done.stderr


def test_broken_policy_is_reported_by_show_too(machine):
    machine.policy("nonsense = 1\n")
    assert "line 1" in machine.admin("policy", "show", "daemon", status=2).stderr


# ------------------------------------------------------------------------------------------------------ the interface


def test_no_secret_is_shown_and_nothing_is_changed(machine, enrolled):
    machine.policy('[enforce]\nexempt_users = ["no-such-user"]\ngrace = "7d"\n[trust]\nremember = "8h"\n')
    before = machine.files()
    said = "".join(done.stdout + done.stderr for done in (
        check(machine), check(machine, "--force"), machine.admin("policy", "show", "daemon"),
        machine.admin("policy", "show", "www-data"), check(machine, caller="www-data", status=1),
    ))
    assert enrolled["secret"] not in said.replace(" ", "")
    assert not any(code in said for code in enrolled["recovery_codes"])
    assert machine.files() == before


@pytest.mark.parametrize("words", [["policy"], ["policy", "show"], ["policy", "check", "a", "b"], ["policy", "--force"]], ids=" ".join)
def test_meaningless_arguments_are_answered_with_the_usage(machine, words):
    done = subprocess.run(machine.words("otp-admin", *words), capture_output=True, text=True, env=machine.environment())
    assert done.returncode == 2 and done.stdout == "" and "Usage: otp-admin" in done.stderr


@pytest.mark.parametrize(
    "words, said",
    [
        (["policy"], ["check ", "show ", "Check a policy file before logins depend on it"]),
        (["policy", "check"], ["[FILE]", "--force", "Accept it even if it would refuse you", "names the line of an error"]),
        (["policy", "show"], ["<USER>", "by which rule", "no trusted network"]),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_help_says_what_each_command_does(words, said):
    done = subprocess.run([TARGET / "otp-admin", *words, "--help"], capture_output=True, text=True)
    text = " ".join(done.stdout.split())
    assert done.returncode == 0 and all(part in text for part in said), done.stdout
