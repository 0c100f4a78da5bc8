"""The privileged part of the portal, with a portal played by the test: real stacks, the real helper, and attacks by a subverted
portal."""

import contextlib
import grp
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import time

import pytest

import accounts
import codes
import login_part
from accounts import set_password
from clock import wait_until
from helper import message
from login_part import CONF, DIRECTORY, STATE, LoginPart, Matter, as_account, children_of, is_alive, kill
from notified import hook, notify, section  # noqa: F401 (fixtures among them)
from policy_file import policy  # noqa: F401 (a fixture)
from self_service import record

pytestmark = pytest.mark.promised_by("ours")

REFUSED = [b"no", b"refused"]
UNAVAILABLE = [b"no", b"unavailable"]
NOBODY_MUST = "[enforce]\ngroups = []\n"
SEVERAL = "[enroll]\nmax_authenticators = 4\n"
MOST = 64
MOST_FROM_ONE = 16
MOST_OF_ONE = 4


def in_by(part, account, clock):
    """Logs in, and advances the clock so that the next code is a different one."""
    token = part.let_in(account, account.password, account.codes.now())
    clock.advance(30)
    return token


def credential(account):
    """The account's record without its attempts."""
    kept = {name: text for name, text in record(account).items() if name != "state"}
    assert kept
    return kept


@pytest.fixture
def token(part, alice, clock):
    return in_by(part, alice, clock)


# Logging in.


def test_password_and_code_admit_with_the_words_of_pam(part, alice):
    with part.begin(alice.name) as matter:
        assert matter.hear() == [b"ask-hidden", b"Password: "]
        matter.reply(alice.password)
        assert matter.hear() == [b"ask-hidden", b"Verification code: "]
        matter.reply(alice.codes.now())
        word, user, _, token, enrolled, ends = matter.hear()
        assert matter.hear() == []
    assert (word, user.decode(), enrolled) == (b"in", alice.name, b"enrolled")
    assert int(ends) == 1_800_000_010 + 12 * 3600
    assert part.standing(token) == ["stands"]
    part.wait_until_alone()


def test_the_language_of_the_pages_is_that_of_the_login(part, alice):
    with part.begin(alice.name, language="ko") as matter:
        matter.hear()
        matter.reply(alice.password)
        assert matter.hear() == [b"ask-hidden", "인증 코드: ".encode()]
        matter.reply(alice.codes.wrong())
        assert matter.hear() == REFUSED and "맞지 않습니다" in matter.told[-1]


def test_the_log_has_the_address_of_the_browser(part, alice, journal):
    part.let_in(alice, alice.password, alice.codes.now(), address="2001:db8::7")
    (event,) = [one for one in journal.events(alice.name) if one["event"] == "otp.accept"]
    assert (event["service"], event["rhost"]) == ("otp-portal", "2001:db8::7")


def test_every_failure_is_refused_alike(part, alice, clock):
    stranger = accounts.stranger("nobod")
    for account, replies in (
        (alice, (accounts.random_password(),)),
        (alice, (alice.password, alice.codes.wrong())),
        (stranger, (stranger.password,)),
    ):
        assert part.log_in(account, *replies) == REFUSED
    for name in ("", "al ice", "../alice", "-h", "root\n", "\u00e4", "x" * 256):
        with part.begin(name) as matter:
            said = matter.hear()
            assert said in (REFUSED, [b"ask-hidden", b"Password: "]), name
            if said != REFUSED:
                matter.reply("x")
                assert matter.hear() == REFUSED, name


def test_refusal_of_an_unknown_name_comes_no_sooner(part, alice):
    """pam_unix computes a hash only for existing users."""
    for account in (alice, accounts.stranger("nobod")):
        with part.begin(account.name) as matter:
            matter.hear()
            begun = time.monotonic()
            matter.reply(accounts.random_password())
            assert matter.hear() == REFUSED
        assert time.monotonic() - begun >= 0.5


@contextlib.contextmanager
def traced(part, call):
    """strace's lines about a call of the login part, complete once its conversations have ended."""
    read, write = os.pipe()
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-e", f"trace={call}", "-e", "signal=none", "-o", f"/proc/self/fd/{write}", "-p", str(part.process.pid)],
        pass_fds=[write], stderr=subprocess.DEVNULL,
    )
    os.close(write)
    wait_until(lambda: f"TracerPid:\t{tracer.pid}\n" in pathlib.Path(f"/proc/{part.process.pid}/status").read_text(), "strace")
    lines = []
    yield lines
    part.wait_until_alone()
    tracer.send_signal(signal.SIGINT)
    with open(read) as trace:
        lines.extend(trace)
    tracer.wait(timeout=60)


def looked_up(part, name):
    """The files of accounts and of the login part that are opened before PAM is asked about a name, in order."""
    with traced(part, "openat") as lines, part.begin(name) as matter:
        assert matter.hear() == [b"ask-hidden", b"Password: "]
    opened = re.findall(r'openat\(AT_FDCWD, "(.*?)"', "".join(lines))
    own = [path for path in opened[: opened.index(str(login_part.SERVICE))] if path.startswith(("/etc/passwd", "/etc/shadow", str(STATE)))]
    return [re.sub(r"left\.\d+", "left.UID", path) for path in own]


def test_refusal_waits_once_and_as_long_as_the_modules_want(part, alice, under_test):
    """PAM itself would wait from the moment a module ends, so the time that a real user's password hash takes would show."""
    login_part.stack(under_test, "optional pam_faildelay.so delay=4000000", "requisite pam_unix.so", under_test.line())
    for account in (alice, accounts.stranger("nobod")):
        with traced(part, "clock_nanosleep,nanosleep,select,pselect6") as lines:
            begun = time.monotonic()
            assert part.log_in(account, accounts.random_password()) == REFUSED
            # PAM waits between half and one and a half times the delay that modules ask for.
            assert time.monotonic() - begun >= 2
        sleeps = [line for line in lines if re.search(r"(sleep|select|select6)\(", line)]
        assert len(sleeps) == 1, sleeps


def test_as_much_is_looked_up_for_an_unknown_name(part, alice):
    # The key is made at its first use.
    assert part.standing(b"x") == ["not-ours"]
    known = looked_up(part, alice.name)
    assert {"/etc/passwd", "/etc/shadow", f"{STATE}/left.UID"} <= set(known)
    assert looked_up(part, accounts.stranger("nobod").name) == known
    assert looked_up(part, "root") == known


def test_login_part_without_its_own_service_admits_nobody(part, alice, journal):
    login_part.SERVICE.unlink()
    pathlib.Path("/etc/pam.d/other").write_text("auth required pam_permit.so\naccount required pam_permit.so\n")
    before = len(journal.lines())
    assert part.log_in(alice) == UNAVAILABLE
    assert any("otp.unavailable" in line and "no PAM service" in line for line in journal.lines(before))


@pytest.mark.parametrize("lines", (
    ("required pam_permit.so", "required pam_permit.so"),
    ("requisite pam_unix.so nodelay", "required pam_permit.so"),
))
def test_root_is_refused_unless_the_configuration_allows_it(part, portal, under_test, lines, journal):
    root = accounts.Account("root", accounts.random_password())
    shadow = pathlib.Path("/etc/shadow").read_text()
    set_password(root)
    login_part.stack(under_test, lines[0], account=lines[1:])
    replies = [root.password] if "pam_unix" in lines[0] else []
    try:
        assert part.log_in(root, *replies) == REFUSED
        part.__exit__()
        with LoginPart(portal, "root = true\n") as other:
            other.let_in(root, *replies)
    finally:
        pathlib.Path("/etc/shadow").write_text(shadow)


def test_a_login_lasts_as_long_as_the_configuration_says(part, portal, alice, clock):
    part.__exit__()
    with LoginPart(portal, '[session]\nabsolute = "30h"\n') as other:
        said = other.log_in(alice, alice.password, alice.codes.now())
        assert said[0] == b"in" and int(said[5]) == 1_800_000_010 + 30 * 3600
        clock.advance(29 * 3600)
        assert other.standing(said[3]) == ["stands"]
        clock.advance(3600)
        assert other.standing(said[3]) == ["time"]


@pytest.mark.parametrize("wrong", ('root = "yes"\n', '[session]\nabsolute = "31d"\n', "colour = 1\n"))
def test_unusable_configuration_prevents_the_start(portal, wrong):
    DIRECTORY.mkdir(mode=0o755, exist_ok=True)
    CONF.write_text(f'url = "https://login.example.org"\n{wrong}')
    for how in ([], ["--check"]):
        done = subprocess.run([login_part.PROGRAM, "--conf", CONF, "--socket", login_part.SOCKET, "--account", portal.name, *how],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and f"{CONF}, line " in done.stderr, done


def checked():
    return subprocess.run([login_part.PROGRAM, "--conf", CONF, "--check"], capture_output=True, text=True, timeout=60)


def test_login_part_that_may_gain_no_privileges_says_so(part, portal, alice, journal, clock):
    assert (checked().returncode, checked().stderr) == (0, "")
    part.__exit__()
    before = len(journal.lines())
    with LoginPart(portal, before=("setpriv", "--no-new-privs")) as other:
        told = [line for line in journal.lines(before) if "otp.policy" in line]
        assert len(told) == 1 and "no_new_privs" in told[0] and "NoNewPrivileges" in told[0]
        done = checked()
        assert done.returncode == 1 and f"process {other.process.pid}" in done.stderr and "NoNewPrivileges" in done.stderr
        # The consequence: users are admitted, and cannot see their accounts.
        token = in_by(other, alice, clock)
        assert other.answer("status", token)[0] == b"unavailable"
    assert checked().returncode == 0


def test_login_by_a_second_name_is_the_same_users_and_ends_when_its_own_password_changes(part, alice, clock):
    ally = accounts.alias_of(alice)
    set_password(accounts.Account(ally.name, second := accounts.random_password()))
    token = part.let_in(ally, second, alice.codes.now())
    assert part.standing(token) == ["stands"] and part.answer("status", token)[0] == b"status"
    clock.advance(30)
    first = in_by(part, alice, clock)
    alice.password = accounts.random_password()
    set_password(alice)
    assert part.standing(token, first) == ["stands", "password-changed"]
    set_password(accounts.Account(ally.name, accounts.random_password()))
    assert part.standing(token) == ["password-changed"]


def test_removed_or_expired_second_name_ends_its_token(part, alice, clock):
    ally = accounts.alias_of(alice)
    for ends in (["usermod", "--expiredate", "2027-01-01"], ["userdel"]):
        token = part.let_in(ally, ally.password, alice.codes.now())
        clock.advance(30)
        subprocess.run([*ends, ally.name], check=True, capture_output=True)
        assert part.standing(token, in_by(part, alice, clock)) == ["account-gone", "stands"]
        subprocess.run(["usermod", "--expiredate", "", ally.name], check=False, capture_output=True)


def test_expired_password_is_changed_in_the_same_conversation(part, bobby, policy):
    policy(NOBODY_MUST)
    subprocess.run(["chage", "--lastday", "0", bobby.name], check=True)
    old, new = bobby.password, accounts.random_password()
    assert part.log_in(bobby, old, old, new, "another1") == REFUSED
    assert part.log_in(bobby, old, accounts.random_password()) == REFUSED
    token = part.let_in(bobby, old, old, new, new)
    assert part.standing(token) == ["stands"]
    assert part.log_in(bobby, old) == REFUSED
    bobby.password = new
    part.let_in(bobby, new)


@pytest.mark.parametrize("command", (["usermod", "--expiredate", "2027-01-01"], ["usermod", "--lock"]))
def test_expired_or_locked_account_is_refused(part, bobby, command, policy):
    policy(NOBODY_MUST)
    subprocess.run([*command, bobby.name], check=True)
    assert part.log_in(bobby, bobby.password) == REFUSED


def test_grace_begins_at_the_first_login(part, bobby, clock, policy, journal):
    policy('[enforce]\ngrace = "7d"\n')
    part.let_in(bobby, bobby.password)
    clock.advance(7 * 24 * 3600 - 1)
    part.let_in(bobby, bobby.password)
    clock.advance(1)
    with part.begin(bobby.name) as matter:
        matter.hear()
        matter.reply(bobby.password)
        assert matter.hear() == [b"ask-hidden", b"Verification code: "]


# The demands of policy on a user without an authenticator, which the pages show.

DAY = 24 * 3600
START = 1_800_000_010
# Three days later.
FROM = "2027-01-18T08:00:10+00:00"
DEADLINE = START + 3 * DAY


@pytest.fixture
def bobby_in(part, bobby, policy):
    """The token of a user without an authenticator, from a login at which none was demanded, so no grace has begun."""
    policy(NOBODY_MUST)
    return part.let_in(bobby, bobby.password)


@pytest.mark.parametrize("demands, wanted", [
    (NOBODY_MUST, ""),
    ("[enforce]\n", "now"),
    (f'[enforce]\nfrom = "{FROM}"\n', DEADLINE),
    ('[enforce]\nfrom = "2027-01-15T08:00:11+00:00"\n', START + 1),
    ('[enforce]\nfrom = "2027-01-15T08:00:10+00:00"\n', "now"),
    ('[enforce]\nfrom = "2020-01-01"\n', "now"),
    ('[enforce]\nexempt_users = ["USER"]\n', ""),
    ('[enforce]\nexempt_groups = ["GROUP"]\n', ""),
    ('[enforce]\ngroups = ["GROUP"]\n', "now"),
    ('[enforce]\ngroups = ["no-group-of-that-name"]\n', "now"),
    # An account is for all services: where one of them exempts the user, another still demands an authenticator.
    ('[enforce]\n[service.otp-portal]\nexempt_groups = ["GROUP"]\n', "now"),
])
def test_demand_of_policy_is_told_as_it_is_now(part, bobby, bobby_in, policy, demands, wanted):
    group = grp.getgrgid(pwd.getpwnam(bobby.name).pw_gid).gr_name
    policy(demands.replace("USER", bobby.name).replace("GROUP", group))
    assert part.answer("status", bobby_in) == [b"unenrolled", str(wanted).encode()]


def test_deadline_comes_while_the_user_is_logged_in(part, bobby_in, clock, policy):
    policy(f'[enforce]\nfrom = "{FROM}"\n')
    clock.advance(11 * 3600)
    assert part.answer("status", bobby_in) == [b"unenrolled", str(DEADLINE).encode()]
    policy('[enforce]\nfrom = "2027-01-15T19:00:11+00:00"\n')
    assert part.answer("status", bobby_in) == [b"unenrolled", str(START + 11 * 3600 + 1).encode()]
    clock.advance(1)
    assert part.answer("status", bobby_in) == [b"unenrolled", b"now"]


def test_end_of_a_grace_moves_on_until_it_begins(part, bobby, bobby_in, clock, policy):
    policy('[enforce]\ngrace = "7d"\n')

    def told(token):
        word, wanted = part.answer("status", token)
        assert word == b"unenrolled"
        return wanted.decode()

    # A grace begins with a login that it admits; a look at the account does not begin it.
    assert told(bobby_in) == str(START + 7 * DAY)
    clock.advance(3600)
    assert told(bobby_in) == str(START + 3600 + 7 * DAY)
    token = part.let_in(bobby, bobby.password)
    begun = START + 3600
    clock.advance(3600)
    assert told(bobby_in) == told(token) == str(begun + 7 * DAY)
    # The later of both counts.
    policy('[enforce]\ngrace = "7d"\nfrom = "2027-01-18T08:00:10+00:00"\n')
    assert told(token) == str(begun + 7 * DAY)
    policy('[enforce]\ngrace = "1h"\nfrom = "2027-01-18T08:00:10+00:00"\n')
    assert told(token) == str(DEADLINE)
    # The last second of the grace, and the next.
    policy('[enforce]\ngrace = "3601s"\n')
    assert told(token) == str(begun + 3601)
    clock.advance(1)
    assert told(token) == told(bobby_in) == "now"


# What ends a token.


def test_token_ends_at_its_time_and_not_before(part, token, clock):
    clock.advance(12 * 3600 - 31)
    assert part.standing(token) == ["stands"]
    clock.advance(1)
    assert part.standing(token) == ["time"]


def test_lock_ends_the_token(part, alice, token, clock):
    for _ in range(5):
        assert part.answer("try", token, alice.codes.wrong())[0].startswith(b"rejected")
    assert part.standing(token) == ["locked"]
    assert part.answer("status", token) == [b"ended", b"locked"]


def test_lock_that_has_come_and_gone_ends_the_token(part, alice, token, clock):
    """Nobody asked for the standing during the lock."""
    for _ in range(4):
        part.log_in(alice, alice.password, alice.codes.wrong())
    assert part.standing(token) == ["stands"]
    part.log_in(alice, alice.password, alice.codes.wrong())
    clock.advance(3600)
    assert part.standing(token) == ["locked"]
    assert part.answer("status", token) == [b"ended", b"locked"]


def test_lifted_lock_that_has_refused_a_code_ends_the_token(part, alice, token, under_test, clock):
    for _ in range(6):
        clock.advance(1)
        part.log_in(alice, alice.password, alice.codes.wrong())
    under_test.unlock(alice)
    assert part.standing(token) == ["locked"]
    assert part.standing(in_by(part, alice, clock)) == ["stands"]


def test_lock_before_a_login_that_did_not_reset_the_count_leaves_its_token(part, alice, clock, policy):
    for _ in range(5):
        part.log_in(alice, alice.password, alice.codes.wrong())
    clock.advance(3600)
    policy('[trust]\nnetworks = ["198.51.100.0/24"]\n')
    token = part.let_in(alice, alice.password, address="198.51.100.7")
    assert part.standing(token) == ["stands"]
    part.log_in(alice, alice.password, alice.codes.wrong())
    assert part.standing(token) == ["stands"]
    for _ in range(4):
        part.log_in(alice, alice.password, alice.codes.wrong())
    clock.advance(2 * 3600)
    assert part.standing(token) == ["locked"]


def test_reset_ends_the_token_and_a_new_authenticator_does_not_revive_it(part, alice, token, under_test):
    under_test.reset(alice)
    assert part.standing(token) == ["replaced"]
    under_test.enrol(alice)
    assert part.standing(token) == ["replaced"]


def test_changed_password_ends_the_token(part, alice, token):
    alice.password = accounts.random_password()
    set_password(alice)
    assert part.standing(token) == ["password-changed"]


def test_expired_removed_or_renumbered_account_ends_the_token(part, enrol, clock):
    for ends in (
        lambda name: subprocess.run(["usermod", "--expiredate", "2027-01-01", name], check=True),
        lambda name: subprocess.run(["userdel", "--remove", name], check=True, capture_output=True),
        lambda name: accounts.give_another_number(accounts.Account(name, "")),
    ):
        account = enrol("frank")
        token = in_by(part, account, clock)
        ends(account.name)
        assert part.standing(token) == ["account-gone"]


def test_leaving_everywhere_ends_all_tokens_of_that_user_alone(part, alice, carol, clock):
    tokens = [in_by(part, account, clock) for account in (alice, alice, carol)]
    assert part.answer("leave-everywhere", tokens[0]) == [b"done"]
    assert part.standing(*tokens) == ["left-everywhere", "left-everywhere", "stands"]
    assert part.answer("leave-everywhere", tokens[1]) == [b"ended", b"left-everywhere"]
    assert part.standing(in_by(part, alice, clock)) == ["stands"]


def test_administrator_can_log_a_user_out_everywhere(part, portal, alice, carol, clock):
    tokens = [in_by(part, account, clock) for account in (alice, alice, carol)]
    log_out = [login_part.PROGRAM, "--log-out"]
    assert subprocess.run([*log_out, "nobody-of-that-name"], capture_output=True, text=True).returncode == 1
    assert subprocess.run(portal.running(*map(str, log_out), carol.name), capture_output=True).returncode == 1
    assert part.standing(*tokens) == ["stands"] * 3
    subprocess.run([*log_out, alice.name], check=True)
    assert part.standing(*tokens) == ["left-everywhere", "left-everywhere", "stands"]
    assert part.standing(in_by(part, alice, clock)) == ["stands"]


def test_administrator_can_log_a_user_out_despite_a_broken_configuration(part, alice, token):
    login_part.CONF.write_text("nonsense\n")
    subprocess.run([login_part.PROGRAM, "--conf", login_part.CONF, "--log-out", alice.name], check=True)
    assert part.standing(token) == ["left-everywhere"]


def changes_told(account, journal):
    """The changes of an account that the login part has logged, and who has written them."""
    ours = [line for line in journal.lines() if re.search(r"otp-portal-login\[\d+\]: otp\.change ", line)]
    told = [(dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', line)), journal.writer(line)) for line in ours]
    return [(values, writer) for values, writer in told if values["user"] == account.name]


@contextlib.contextmanager
def syslog(journal):
    """Writes the journal into a file of syslog, from which the login part reads it here."""
    log = pathlib.Path("/var/log/auth.log")
    lines = [re.sub(r"^<\d+>(?:\w{3} [\d ]\d [\d:]{8} )?", "Jan 15 08:00:10 web1 ", line) for line in journal.lines()]
    log.write_text("\n".join(lines) + "\n")
    yield
    log.unlink()


def test_logout_by_an_administrator_is_logged(part, portal, alice, carol, clock, journal, policy, hook):
    policy(section(["change"]))
    log_out = [login_part.PROGRAM, "--log-out"]
    assert subprocess.run([*log_out, "nobody-of-that-name"], capture_output=True).returncode == 1
    assert subprocess.run(portal.running(*map(str, log_out), alice.name), capture_output=True).returncode == 1
    assert changes_told(alice, journal) == []
    subprocess.run([*log_out, alice.name], check=True, env={"SUDO_UID": "4711"})
    ((values, writer),) = changes_told(alice, journal)
    assert (values["verb"], values["env_sudo_uid"], writer) == ("log-out", "4711", 0)
    # The user can read the event, and no other user can.
    with syslog(journal):
        for account, expected in ((alice, ["provision", "log-out"]), (carol, ["provision"])):
            with part.ask("events", in_by(part, account, clock)) as matter:
                assert matter.hear() == [b"done"]
            told = map(json.loads, matter.told)
            assert [event["values"]["verb"] for event in told if event["event"] == "otp.change"] == expected
        read = subprocess.run([login_part.BINARIES / "otp-admin", "events", "--user", alice.name], capture_output=True, text=True, check=True)
        assert "an administrator has ended all logins to the portal" in read.stdout
    notify()
    assert [event["keys"]["verb"] for event in hook.events() if event["account"] == alice.name] == ["log-out"]


def test_logout_works_without_a_usable_policy(part, token, alice, journal, policy):
    policy("[hooks\n")
    subprocess.run([login_part.PROGRAM, "--log-out", alice.name], check=True)
    assert [values["verb"] for values, _ in changes_told(alice, journal)] == ["log-out"]
    assert any("otp.policy" in line and "no hook is told" in line for line in journal.lines())
    policy("")
    assert part.standing(token) == ["left-everywhere"]


def test_token_from_before_the_first_authenticator_ends_when_there_is_one(part, bobby, under_test, policy):
    policy(NOBODY_MUST)
    token = part.let_in(bobby, bobby.password)
    assert part.standing(token) == ["stands"]
    under_test.enrol(bobby)
    assert part.standing(token) == ["replaced"]


def test_new_key_ends_all_tokens(part, token):
    (STATE / "key").unlink()
    assert part.standing(token) == ["not-ours"]


def test_standings_can_be_asked_for_again_on_one_connection(part, alice, token, under_test):
    with part.ask("standing", token, b"x" * 40, token) as matter:
        assert matter.hear() == [b"standings", b"stands", b"not-ours", b"stands"]
        under_test.reset(alice)
        matter.say("standing", token)
        assert matter.hear() == [b"standings", b"replaced"]
        matter.say("status", token)
        assert matter.hear() == []


def test_unknown_standing_admits_nobody(part, alice, token, policy):
    policy("no such key")
    assert part.standing(token) == ["unknown"]
    assert part.answer("status", token)[0] == b"unavailable"
    assert part.log_in(alice, alice.password) in (REFUSED, UNAVAILABLE)


def test_removed_authenticator_ends_every_token_but_the_changes_own(part, alice, token, clock, policy):
    """The authenticator may be a stolen one, with which somebody has logged in."""
    policy(SEVERAL, NOBODY_MUST)
    with part.ask("change", token, "en", "add", "tablet") as matter:
        added = matter.change(alice, clock)[2]
    clock.advance(30)
    other = in_by(part, alice, clock)
    with part.ask("change", added, "en", "remove", "tablet") as matter:
        said = matter.change(alice, clock)
    assert said[0] == b"changed", said
    assert part.standing(token, added, other, said[2]) == ["stands", "replaced", "replaced", "stands"]


# What users ask for.


def test_status_and_tries_are_about_the_user(part, alice, token):
    said = part.answer("status", token)
    assert said[0] == b"status" and said[1] == str(len(alice.recovery_codes)).encode()
    assert part.answer("try", token, alice.codes.wrong()) == [b"rejected", b"4"]
    assert part.answer("try", token, alice.codes.now())[0] == b"accepted"
    assert part.answer("try", token, alice.codes.now())[0] == b"replayed"


def test_events_are_those_of_the_user_alone(part, alice, carol, token, journal):
    part.log_in(carol, carol.password, carol.codes.wrong())
    with syslog(journal), part.ask("events", token) as matter:
        assert matter.hear() == [b"done"]
        assert matter.told and all(f'"user":"{alice.name}"' in line for line in matter.told)
        assert any('"otp.accept"' in line for line in matter.told)


def test_first_authenticator_can_be_enrolled_after_the_login(part, bobby, clock, policy):
    policy(NOBODY_MUST)
    token = part.let_in(bobby, bobby.password)
    with part.ask("change", token, "en", "enrol", "phone") as matter:
        said = matter.change(bobby, clock)
    assert said[:2] == [b"changed", b"enrolled"]
    assert part.standing(token, said[2]) == ["replaced", "stands"]
    clock.advance(30)
    part.let_in(bobby, bobby.password, matter.device.now())


def test_first_authenticator_takes_a_recent_login(part, bobby, clock, policy):
    policy(NOBODY_MUST)
    token = part.let_in(bobby, bobby.password)
    clock.advance(15 * 60 + 1)
    assert part.standing(token) == ["stands"]
    with part.ask("change", token, "en", "enrol", "phone") as matter:
        assert matter.hear() == [b"ended", b"login-too-old"]
    token = part.let_in(bobby, bobby.password)
    with part.ask("change", token, "en", "enrol", "phone") as matter:
        assert matter.change(bobby, clock)[:2] == [b"changed", b"enrolled"]


def test_first_authenticator_can_be_enrolled_inside_the_login(part, bobby, clock, policy):
    policy('[enroll]\nqr = "none"\n[service.otp-portal]\nat_login = "require"\n')
    with part.begin(bobby.name) as matter:
        matter.hear()
        matter.reply(bobby.password)
        matter.hear()
        matter.reply("")
        matter.hear()
        secret = re.search(r"[?&]secret=([A-Z2-7]+)", "\n".join(matter.told))[1]
        device = codes.Codes(secret, clock)
        matter.reply(device.now())
        matter.hear()
        matter.reply("kept")
        said = matter.hear()
    assert said[0] == b"in" and said[4] == b"enrolled"
    assert part.standing(said[3]) == ["stands"]
    assert part.answer("status", said[3])[0] == b"status"


@pytest.mark.parametrize("stop_at", (0, 1, 2, 3))
def test_leaving_during_the_login_saves_nothing(part, bobby, clock, policy, under_test, stop_at):
    policy('[enroll]\nqr = "none"\n[service.otp-portal]\nat_login = "require"\n')
    with part.begin(bobby.name) as matter:
        for number in range(stop_at + 1):
            said = matter.hear()
            assert said[0].startswith(b"ask"), said
            if number == stop_at:
                break
            if number == 2:
                secret = re.search(r"[?&]secret=([A-Z2-7]+)", "\n".join(matter.told))[1]
                matter.reply(codes.Codes(secret, clock).now())
            else:
                matter.reply(bobby.password if number == 0 else "")
    part.wait_until_alone()
    assert record(bobby) == {}


CHANGES = {
    "add": ("add", "tablet"),
    "replace": ("enrol", "phone"),
    "remove": ("remove", ""),
    "recovery-codes": ("recovery-codes", ""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_takes_the_password_and_a_code_and_gives_a_new_token(part, alice, token, clock, policy, change):
    policy(SEVERAL, NOBODY_MUST)
    with part.ask("change", token, "en", *CHANGES[change]) as matter:
        said = matter.change(alice, clock)
    assert said[0] == b"changed", said
    assert part.standing(said[2]) == ["stands"]
    assert part.standing(token) == ["stands" if change in ("add", "recovery-codes") else "replaced"]


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_changes_without_password_and_code(part, alice, token, clock, policy, change, under_test):
    policy(SEVERAL, NOBODY_MUST)
    kept = credential(alice)
    for how in ({"password": accounts.random_password()}, {"code": alice.codes.wrong()}):
        with part.ask("change", token, "en", *CHANGES[change]) as matter:
            assert matter.change(alice, clock, **how) == [b"not-authenticated"]
    with part.ask("change", token, "en", *CHANGES[change]) as matter:
        matter.change(alice, clock, stop_at=1)
    part.wait_until_alone()
    assert credential(alice) == kept


@pytest.mark.parametrize("ended", ("left-everywhere", "password-changed"))
def test_change_does_not_outlive_its_login(part, alice, token, clock, policy, ended):
    """The login part checks this itself, in case the portal overlooks the end of the login."""
    policy(SEVERAL, NOBODY_MUST)
    kept = credential(alice)
    with part.ask("change", token, "en", "add", "tablet") as matter:
        assert matter.change(alice, clock, stop_at=4)[0] == b"codes"
        if ended == "left-everywhere":
            subprocess.run([login_part.PROGRAM, "--log-out", alice.name], check=True)
        else:
            alice.password = accounts.random_password()
            set_password(alice)
        matter.say("keep")
        assert matter.hear() == [b"ended", ended.encode()]
    part.wait_until_alone()
    assert credential(alice) == kept


def test_questions_of_a_change_are_in_the_language_of_the_pages(part, alice, token, policy):
    policy(SEVERAL, NOBODY_MUST)
    with part.ask("change", token, "ko", "add", "tablet") as matter:
        assert matter.hear() == [b"ask-hidden", b"Password: "]
        matter.reply(alice.password)
        assert matter.hear() == [b"ask-hidden", "인증 코드: ".encode()]


def test_helper_runs_as_the_user_and_inherits_nothing_of_roots(part, alice, token, policy):
    policy(SEVERAL, NOBODY_MUST)
    uid, gid = pwd.getpwnam(alice.name)[2:4]
    with part.ask("change", token, "en", "add", "tablet") as matter:
        assert matter.hear()[0] == b"ask-hidden"
        helpers = [pid for pid in part.children() if pathlib.Path(f"/proc/{pid}/comm").read_text() == "otp-helper\n"]
        assert helpers
        for pid in helpers:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            assert re.search(rf"^Uid:\t{uid}\t{uid}\t{uid}\t{uid}$", status, re.M), status
            assert re.search(rf"^Gid:\t{gid}\t", status, re.M) and re.search(rf"^Groups:\t{gid} ?$", status, re.M), status
            assert re.search(r"^CapEff:\t0+$", status, re.M) and re.search(r"^CapPrm:\t0+$", status, re.M)
            assert pathlib.Path(f"/proc/{pid}/environ").read_bytes().strip(b"\0") in (b"", b"PAM_OTP_LANG=en")
            ends = {os.readlink(entry) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
            # The connection, /dev/null, what the helper has opened with its own group, and the pipe to its own child.
            own = ("socket:", "/dev/null", "pipe:", "/var/lib/pam_otp")
            assert all(end.startswith(own) and not end.startswith(str(STATE)) for end in ends), ends


# Attempts of a subverted portal.


def test_token_cannot_be_forged(part, alice, token):
    for at in range(0, len(token) * 8, 11):
        forged = bytearray(token)
        forged[at // 8] ^= 1 << (at % 8)
        with part.ask("status", bytes(forged)) as matter:
            assert matter.hear() == [b"ended", b"not-ours"]
    for forged in (token[:-1], token + b"\0", b"\0" * len(token), b"x"):
        assert part.answer("change", forged, "en", "remove", "") == [b"ended", b"not-ours"]


@pytest.mark.parametrize("fields", (
    (), ("",), ("begin",), ("status",), ("status", ""), ("reset", "T"), ("unlock", "T"), ("check", "alice", "", "123456"),
    ("change", "T", "en", "begin-grace", ""), ("change", "T", "en", "check", "x"), ("begin", "alice", "localhost", "en"),
    ("begin", "alice", "192.0.2.1", "en", "sshd"), ("standing",), ("standing", *"TTTTTTTTT"), ("status", "T" * 513),
))
def test_invalid_matter_gets_no_answer(part, fields, journal):
    before = len(journal.lines())
    assert part.answer(*fields) == [] if fields else True
    if not fields:
        with part.ask() as matter:
            matter.say()
            assert matter.hear() == []
    part.wait_until_alone()
    assert any("otp.denied" in line for line in journal.lines(before))


@pytest.mark.parametrize("garbage", (b"", b"otp1", b"GET / HTTP/1.1\r\n\r\n", b"otp1\xff\xff" + b"x" * 70000, os.urandom(4096)))
def test_garbage_gets_no_answer(part, garbage, alice):
    connection = part.connect()
    try:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        pass
    with Matter(connection) as matter:
        assert matter.hear() == []
    part.wait_until_alone()
    part.let_in(alice, alice.password, alice.codes.now())


@pytest.mark.parametrize("reply", (("code", "123456"), ("keep",), ("begin", "alice", "192.0.2.1", "en"), ("reply",)))
def test_invalid_reply_ends_the_login(part, alice, reply):
    with part.begin(alice.name) as matter:
        matter.hear()
        matter.say(*reply)
        assert matter.hear() == []
    part.wait_until_alone()


def test_only_the_portal_may_ask(part, alice, portal, journal):
    before = len(journal.lines())
    subprocess.run(["usermod", "--append", "--groups", portal.name, alice.name], check=True)
    for account in ("root", alice.name):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(60)
        if account == "root":
            connection.connect(str(login_part.SOCKET))
        else:
            # The user belongs to the portal's group, and so can reach the socket.
            os.chmod(login_part.SOCKET, 0o666)
            with as_account(account):
                connection.connect(str(login_part.SOCKET))
        with Matter(connection, "begin", alice.name, "192.0.2.1", "en") as matter:
            assert matter.hear() == []
    assert sum("otp.denied" in line and "only the portal" in line for line in journal.lines(before)) == 2


def test_socket_and_state_are_closed_to_everybody_else(part, alice, portal, token):
    found = login_part.SOCKET.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (0, grp.getgrnam(portal.name).gr_gid, 0o660)
    assert (STATE.stat().st_uid, STATE.stat().st_mode & 0o7777) == (0, 0o700)
    for file in STATE.iterdir():
        assert (file.stat().st_uid, file.stat().st_mode & 0o7777) == (0, 0o600), file


def test_number_of_conversations_is_limited(part, alice, token):
    addresses = [f"192.0.2.{number // MOST_FROM_ONE}" for number in range(MOST)]
    matters = [part.begin(alice.name, address=address) for address in addresses]
    for matter in matters:
        assert matter.hear() == [b"ask-hidden", b"Password: "]
    assert part.log_in(alice, address="192.0.2.99") == [b"no-room"]
    # Users who are logged in are not kept out.
    assert part.standing(token) == ["stands"] and part.answer("status", token)[0] == b"status"
    # Whichever way a conversation ends, its place becomes free.
    matters.pop().connection.close()
    wait_until(lambda: len(part.children()) < MOST, "end of one")
    with part.begin(alice.name, address="192.0.2.99") as matter:
        assert matter.hear() == [b"ask-hidden", b"Password: "]
    for matter in matters:
        matter.connection.close()
    part.wait_until_alone()


def test_one_address_cannot_take_every_place(part, alice):
    matters = [part.begin(alice.name) for _ in range(MOST_FROM_ONE)]
    for matter in matters:
        assert matter.hear()[0] == b"ask-hidden"
    assert part.log_in(alice) == [b"no-room"]
    kill(part.children()[0])
    wait_until(lambda: len(part.children()) < MOST_FROM_ONE, "end of one")
    part.let_in(alice, alice.password, alice.codes.now())
    for matter in matters:
        matter.connection.close()


def test_one_user_cannot_take_every_place_by_changes(part, alice, carol, token, clock, policy):
    policy(SEVERAL, NOBODY_MUST)
    changes = [part.ask("change", token, "en", "add", "tablet") for _ in range(MOST_OF_ONE)]
    for matter in changes:
        assert matter.hear()[0] == b"ask-hidden"
    assert part.answer("change", token, "en", "add", "tablet") == [b"no-room"]
    with part.ask("change", in_by(part, carol, clock), "en", "add", "tablet") as matter:
        assert matter.hear()[0] == b"ask-hidden"
    for matter in changes:
        matter.connection.close()
    part.wait_until_alone()


def test_silent_connections_keep_no_login_waiting(part, alice):
    silent = [part.connect() for _ in range(MOST)]
    part.let_in(alice, alice.password, alice.codes.now())
    for connection in silent:
        connection.close()
    part.wait_until_alone()


def test_stopped_client_keeps_nobody_waiting(part, alice, portal):
    """The client has asked, and neither reads nor hangs up."""
    script = (
        "import socket, sys, time\nline = socket.socket(socket.AF_UNIX)\nline.connect(sys.argv[1])\n"
        "line.sendall(bytes.fromhex(sys.argv[2]))\nprint('there', flush=True)\ntime.sleep(600)\n"
    )
    begin = message("begin", alice.name, "192.0.2.9", "en").hex()
    stopped = [
        subprocess.Popen(portal.running("/usr/bin/python3", "-c", script, str(login_part.SOCKET), begin), stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for client in stopped:
        client.stdout.readline()
        os.kill(client.pid, signal.SIGSTOP)
    part.let_in(alice, alice.password, alice.codes.now())
    for client in stopped:
        client.kill()
        client.wait(timeout=60)
        client.stdout.close()
    part.wait_until_alone()


# Killed.


@pytest.mark.parametrize("questions", (0, 1))
def test_killed_conversation_admits_nobody_and_leaves_nothing(part, alice, questions):
    with part.begin(alice.name) as matter:
        for reply in (alice.password, alice.codes.now())[:questions]:
            matter.hear()
            matter.reply(reply)
        matter.hear()
        kill(part.children()[0])
        assert matter.hear() == []
    part.wait_until_alone()
    assert {file.name for file in STATE.iterdir()} <= {"key", "slots"}
    part.let_in(alice, alice.password, alice.codes.now())


@pytest.mark.parametrize("which", ("conversation", "helper"))
@pytest.mark.parametrize("stop_at", (0, 1, 2, 4))
def test_killed_change_changes_nothing(part, alice, token, clock, policy, under_test, which, stop_at):
    policy(SEVERAL, NOBODY_MUST)
    kept = credential(alice)
    with part.ask("change", token, "en", "enrol", "phone") as matter:
        said = matter.change(alice, clock, stop_at=stop_at)
        assert said[0] in login_part.QUESTIONS, said
        conversation, *others = part.children()
        kill(conversation if which == "conversation" else others[0])
        said = matter.hear()
        assert said == [] or said[0] == b"unavailable", said
    part.wait_until_alone()
    assert credential(alice) == kept
    assert part.standing(token) == ["stands"]


def test_everything_ends_with_the_listener(part, alice, token, policy):
    policy(SEVERAL, NOBODY_MUST)
    with part.begin(alice.name) as login, part.ask("change", token, "en", "add", "tablet") as change:
        assert login.hear()[0] == b"ask-hidden" and change.hear()[0] == b"ask-hidden"
        conversations = children_of(part.process.pid)
        assert len(conversations) >= 3
        part.process.kill()
        part.process.wait(timeout=60)
        assert login.hear() == [] and change.hear() == []
        wait_until(lambda: not any(is_alive(pid) for pid in conversations), "end of all", seconds=20)


def test_login_part_restarted_after_a_kill_keeps_its_tokens(part, portal, token):
    part.process.kill()
    part.process.wait(timeout=60)
    with LoginPart(portal) as again:
        assert again.standing(token) == ["stands"]
