"""The privileged part of the portal, by a portal that a test plays: real stacks, the real helper, and what a portal that is not
itself could try."""

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
    """Logs in, and has the clock go on, so that the next code is another."""
    token = part.let_in(account, account.password, account.codes.now())
    clock.advance(30)
    return token


def credential(account):
    """What is kept of the account but for its attempts."""
    kept = {name: text for name, text in record(account).items() if name != "state"}
    assert kept
    return kept


@pytest.fixture
def token(part, alice, clock):
    return in_by(part, alice, clock)


# Logging in.


def test_password_and_code_let_in_by_the_words_of_pam(part, alice):
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


def test_whatever_is_wrong_is_refused_alike(part, alice, clock):
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


def test_a_refusal_comes_no_sooner_for_a_name_that_nobody_has(part, alice):
    """pam_unix computes a hash for a user alone."""
    for account in (alice, accounts.stranger("nobod")):
        with part.begin(account.name) as matter:
            matter.hear()
            begun = time.monotonic()
            matter.reply(accounts.random_password())
            assert matter.hear() == REFUSED
        assert time.monotonic() - begun >= 0.5


@contextlib.contextmanager
def traced(part, call):
    """The lines of strace about a call of the login part, once its conversations are over."""
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
    """The files of accounts and of the login part that are opened before PAM is asked about a name, in their order."""
    with traced(part, "openat") as lines, part.begin(name) as matter:
        assert matter.hear() == [b"ask-hidden", b"Password: "]
    opened = re.findall(r'openat\(AT_FDCWD, "(.*?)"', "".join(lines))
    own = [path for path in opened[: opened.index(str(login_part.SERVICE))] if path.startswith(("/etc/passwd", "/etc/shadow", str(STATE)))]
    return [re.sub(r"left\.\d+", "left.UID", path) for path in own]


def test_a_refusal_waits_as_long_as_modules_want_and_once(part, alice, under_test):
    """PAM waits by itself else, from when a module is done: what it takes over the password of a user alone was seen then."""
    login_part.stack(under_test, "optional pam_faildelay.so delay=4000000", "requisite pam_unix.so", under_test.line())
    for account in (alice, accounts.stranger("nobod")):
        with traced(part, "clock_nanosleep,nanosleep,select,pselect6") as lines:
            begun = time.monotonic()
            assert part.log_in(account, accounts.random_password()) == REFUSED
            # PAM makes something between half of it and half as much again of what is wanted.
            assert time.monotonic() - begun >= 2
        sleeps = [line for line in lines if re.search(r"(sleep|select|select6)\(", line)]
        assert len(sleeps) == 1, sleeps


def test_as_much_is_looked_up_of_a_name_that_nobody_has(part, alice):
    # The key is made at the first use.
    assert part.standing(b"x") == ["not-ours"]
    known = looked_up(part, alice.name)
    assert {"/etc/passwd", "/etc/shadow", f"{STATE}/left.UID"} <= set(known)
    assert looked_up(part, accounts.stranger("nobod").name) == known
    assert looked_up(part, "root") == known


def test_without_a_service_of_its_own_nobody_is_let_in(part, alice, journal):
    login_part.SERVICE.unlink()
    pathlib.Path("/etc/pam.d/other").write_text("auth required pam_permit.so\naccount required pam_permit.so\n")
    before = len(journal.lines())
    assert part.log_in(alice) == UNAVAILABLE
    assert any("otp.unavailable" in line and "no PAM service" in line for line in journal.lines(before))


@pytest.mark.parametrize("lines", (
    ("required pam_permit.so", "required pam_permit.so"),
    ("requisite pam_unix.so nodelay", "required pam_permit.so"),
))
def test_root_is_refused_unless_the_configuration_says_otherwise(part, portal, under_test, lines, journal):
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
def test_a_configuration_that_cannot_be_used_ends_the_start(portal, wrong):
    DIRECTORY.mkdir(mode=0o755, exist_ok=True)
    CONF.write_text(f'url = "https://login.example.org"\n{wrong}')
    for how in ([], ["--check"]):
        done = subprocess.run([login_part.PROGRAM, "--conf", CONF, "--socket", login_part.SOCKET, "--account", portal.name, *how],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and f"{CONF}, line " in done.stderr, done


def checked():
    return subprocess.run([login_part.PROGRAM, "--conf", CONF, "--check"], capture_output=True, text=True, timeout=60)


def test_where_no_new_privileges_may_be_had_it_is_told(part, portal, alice, journal, clock):
    assert (checked().returncode, checked().stderr) == (0, "")
    part.__exit__()
    before = len(journal.lines())
    with LoginPart(portal, before=("setpriv", "--no-new-privs")) as other:
        told = [line for line in journal.lines(before) if "otp.policy" in line]
        assert len(told) == 1 and "no_new_privs" in told[0] and "NoNewPrivileges" in told[0]
        done = checked()
        assert done.returncode == 1 and f"process {other.process.pid}" in done.stderr and "NoNewPrivileges" in done.stderr
        # What it is about: people get in, and see nothing of their account.
        token = in_by(other, alice, clock)
        assert other.answer("status", token)[0] == b"unavailable"
    assert checked().returncode == 0


def test_a_second_name_is_its_person_and_ends_with_its_own_password(part, alice, clock):
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


def test_a_second_name_that_is_gone_or_has_ended_ends_its_token(part, alice, clock):
    ally = accounts.alias_of(alice)
    for ends in (["usermod", "--expiredate", "2027-01-01"], ["userdel"]):
        token = part.let_in(ally, ally.password, alice.codes.now())
        clock.advance(30)
        subprocess.run([*ends, ally.name], check=True, capture_output=True)
        assert part.standing(token, in_by(part, alice, clock)) == ["account-gone", "stands"]
        subprocess.run(["usermod", "--expiredate", "", ally.name], check=False, capture_output=True)


def test_a_password_that_is_due_is_changed_in_the_same_conversation(part, bobby, policy):
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
def test_an_account_that_has_ended_is_refused(part, bobby, command, policy):
    policy(NOBODY_MUST)
    subprocess.run([*command, bobby.name], check=True)
    assert part.log_in(bobby, bobby.password) == REFUSED


def test_a_grace_begins_at_the_first_login(part, bobby, clock, policy, journal):
    policy('[enforce]\ngrace = "7d"\n')
    part.let_in(bobby, bobby.password)
    clock.advance(7 * 24 * 3600 - 1)
    part.let_in(bobby, bobby.password)
    clock.advance(1)
    with part.begin(bobby.name) as matter:
        matter.hear()
        matter.reply(bobby.password)
        assert matter.hear() == [b"ask-hidden", b"Verification code: "]


# What policy wants of a user without an authenticator, who is told so by the pages.

DAY = 24 * 3600
START = 1_800_000_010
# Three days from then.
FROM = "2027-01-18T08:00:10+00:00"
DEADLINE = START + 3 * DAY


@pytest.fixture
def bobby_in(part, bobby, policy):
    """The token of a user without an authenticator whom nobody demanded one of when the login was, so no grace has begun."""
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
    # The account is for all services: where one of them is without, another still wants it.
    ('[enforce]\n[service.otp-portal]\nexempt_groups = ["GROUP"]\n', "now"),
])
def test_what_policy_wants_is_told_as_it_is_now(part, bobby, bobby_in, policy, demands, wanted):
    group = grp.getgrgid(pwd.getpwnam(bobby.name).pw_gid).gr_name
    policy(demands.replace("USER", bobby.name).replace("GROUP", group))
    assert part.answer("status", bobby_in) == [b"unenrolled", str(wanted).encode()]


def test_a_deadline_comes_while_the_user_is_in(part, bobby_in, clock, policy):
    policy(f'[enforce]\nfrom = "{FROM}"\n')
    clock.advance(11 * 3600)
    assert part.answer("status", bobby_in) == [b"unenrolled", str(DEADLINE).encode()]
    policy('[enforce]\nfrom = "2027-01-15T19:00:11+00:00"\n')
    assert part.answer("status", bobby_in) == [b"unenrolled", str(START + 11 * 3600 + 1).encode()]
    clock.advance(1)
    assert part.answer("status", bobby_in) == [b"unenrolled", b"now"]


def test_a_grace_that_has_not_begun_ends_later_and_one_that_has_at_its_time(part, bobby, bobby_in, clock, policy):
    policy('[enforce]\ngrace = "7d"\n')

    def told(token):
        word, wanted = part.answer("status", token)
        assert word == b"unenrolled"
        return wanted.decode()

    # It begins with a login that is let in by it, and no look at the account is one.
    assert told(bobby_in) == str(START + 7 * DAY)
    clock.advance(3600)
    assert told(bobby_in) == str(START + 3600 + 7 * DAY)
    token = part.let_in(bobby, bobby.password)
    begun = START + 3600
    clock.advance(3600)
    assert told(bobby_in) == told(token) == str(begun + 7 * DAY)
    # Of two, the later counts.
    policy('[enforce]\ngrace = "7d"\nfrom = "2027-01-18T08:00:10+00:00"\n')
    assert told(token) == str(begun + 7 * DAY)
    policy('[enforce]\ngrace = "1h"\nfrom = "2027-01-18T08:00:10+00:00"\n')
    assert told(token) == str(DEADLINE)
    # The last second of it, and the next.
    policy('[enforce]\ngrace = "3601s"\n')
    assert told(token) == str(begun + 3601)
    clock.advance(1)
    assert told(token) == told(bobby_in) == "now"


# What ends a token.


def test_a_token_ends_at_its_time_and_not_before(part, token, clock):
    clock.advance(12 * 3600 - 31)
    assert part.standing(token) == ["stands"]
    clock.advance(1)
    assert part.standing(token) == ["time"]


def test_a_lock_ends_the_token(part, alice, token, clock):
    for _ in range(5):
        assert part.answer("try", token, alice.codes.wrong())[0].startswith(b"rejected")
    assert part.standing(token) == ["locked"]
    assert part.answer("status", token) == [b"ended", b"locked"]


def test_a_lock_that_has_come_and_gone_ends_the_token(part, alice, token, clock):
    """Nobody has asked about it while it was locked."""
    for _ in range(4):
        part.log_in(alice, alice.password, alice.codes.wrong())
    assert part.standing(token) == ["stands"]
    part.log_in(alice, alice.password, alice.codes.wrong())
    clock.advance(3600)
    assert part.standing(token) == ["locked"]
    assert part.answer("status", token) == [b"ended", b"locked"]


def test_a_lock_that_an_administrator_has_lifted_ends_the_token_where_a_code_was_refused_by_it(part, alice, token, under_test, clock):
    for _ in range(6):
        clock.advance(1)
        part.log_in(alice, alice.password, alice.codes.wrong())
    under_test.unlock(alice)
    assert part.standing(token) == ["locked"]
    assert part.standing(in_by(part, alice, clock)) == ["stands"]


def test_a_lock_of_before_ends_no_login_that_has_reset_nothing(part, alice, clock, policy):
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


def test_a_reset_ends_the_token_and_a_new_authenticator_does_not_revive_it(part, alice, token, under_test):
    under_test.reset(alice)
    assert part.standing(token) == ["replaced"]
    under_test.enrol(alice)
    assert part.standing(token) == ["replaced"]


def test_another_password_ends_the_token(part, alice, token):
    alice.password = accounts.random_password()
    set_password(alice)
    assert part.standing(token) == ["password-changed"]


def test_an_account_that_is_gone_or_has_ended_or_is_another_ends_the_token(part, enrol, clock):
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


def test_an_administrator_logs_a_user_out_everywhere(part, portal, alice, carol, clock):
    tokens = [in_by(part, account, clock) for account in (alice, alice, carol)]
    log_out = [login_part.PROGRAM, "--log-out"]
    assert subprocess.run([*log_out, "nobody-of-that-name"], capture_output=True, text=True).returncode == 1
    assert subprocess.run(portal.running(*map(str, log_out), carol.name), capture_output=True).returncode == 1
    assert part.standing(*tokens) == ["stands"] * 3
    subprocess.run([*log_out, alice.name], check=True)
    assert part.standing(*tokens) == ["left-everywhere", "left-everywhere", "stands"]
    assert part.standing(in_by(part, alice, clock)) == ["stands"]


def test_an_administrator_logs_out_whatever_the_configuration_says(part, alice, token):
    login_part.CONF.write_text("nonsense\n")
    subprocess.run([login_part.PROGRAM, "--conf", login_part.CONF, "--log-out", alice.name], check=True)
    assert part.standing(token) == ["left-everywhere"]


def changes_told(account, journal):
    """What the login part has recorded of changes of an account, and who has written it."""
    ours = [line for line in journal.lines() if re.search(r"otp-portal-login\[\d+\]: otp\.change ", line)]
    told = [(dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', line)), journal.writer(line)) for line in ours]
    return [(values, writer) for values, writer in told if values["user"] == account.name]


@contextlib.contextmanager
def syslog(journal):
    """What is in the journal as a file of syslog, which is what there is to be read back here."""
    log = pathlib.Path("/var/log/auth.log")
    lines = [re.sub(r"^<\d+>(?:\w{3} [\d ]\d [\d:]{8} )?", "Jan 15 08:00:10 web1 ", line) for line in journal.lines()]
    log.write_text("\n".join(lines) + "\n")
    yield
    log.unlink()


def test_that_an_administrator_has_logged_a_user_out_is_recorded(part, portal, alice, carol, clock, journal, policy, hook):
    policy(section(["change"]))
    log_out = [login_part.PROGRAM, "--log-out"]
    assert subprocess.run([*log_out, "nobody-of-that-name"], capture_output=True).returncode == 1
    assert subprocess.run(portal.running(*map(str, log_out), alice.name), capture_output=True).returncode == 1
    assert changes_told(alice, journal) == []
    subprocess.run([*log_out, alice.name], check=True, env={"SUDO_UID": "4711"})
    ((values, writer),) = changes_told(alice, journal)
    assert (values["verb"], values["env_sudo_uid"], writer) == ("log-out", "4711", 0)
    # The user reads it, and nobody else does.
    with syslog(journal):
        for account, expected in ((alice, ["provision", "log-out"]), (carol, ["provision"])):
            with part.ask("events", in_by(part, account, clock)) as matter:
                assert matter.hear() == [b"done"]
            told = map(json.loads, matter.told)
            assert [event["values"]["verb"] for event in told if event["event"] == "otp.change"] == expected
        read = subprocess.run([login_part.BINARIES / "otp-admin", "events", "--user", alice.name], capture_output=True, text=True, check=True)
        assert "an administrator has ended all logins by the portal" in read.stdout
    notify()
    assert [event["keys"]["verb"] for event in hook.events() if event["account"] == alice.name] == ["log-out"]


def test_without_a_policy_that_can_be_used_a_user_is_logged_out_all_the_same(part, token, alice, journal, policy):
    policy("[hooks\n")
    subprocess.run([login_part.PROGRAM, "--log-out", alice.name], check=True)
    assert [values["verb"] for values, _ in changes_told(alice, journal)] == ["log-out"]
    assert any("otp.policy" in line and "no hook is told" in line for line in journal.lines())
    policy("")
    assert part.standing(token) == ["left-everywhere"]


def test_one_that_began_without_an_authenticator_ends_when_there_is_one(part, bobby, under_test, policy):
    policy(NOBODY_MUST)
    token = part.let_in(bobby, bobby.password)
    assert part.standing(token) == ["stands"]
    under_test.enrol(bobby)
    assert part.standing(token) == ["replaced"]


def test_a_new_key_ends_all(part, token):
    (STATE / "key").unlink()
    assert part.standing(token) == ["not-ours"]


def test_standings_are_asked_for_again_on_one_connection(part, alice, token, under_test):
    with part.ask("standing", token, b"x" * 40, token) as matter:
        assert matter.hear() == [b"standings", b"stands", b"not-ours", b"stands"]
        under_test.reset(alice)
        matter.say("standing", token)
        assert matter.hear() == [b"standings", b"replaced"]
        matter.say("status", token)
        assert matter.hear() == []


def test_what_cannot_be_found_out_is_unknown_and_lets_nobody_in(part, alice, token, policy):
    policy("no such key")
    assert part.standing(token) == ["unknown"]
    assert part.answer("status", token)[0] == b"unavailable"
    assert part.log_in(alice, alice.password) in (REFUSED, UNAVAILABLE)


def test_a_device_that_goes_ends_every_token_but_that_of_the_change(part, alice, token, clock, policy):
    """It may be the stolen one, by which somebody has logged in."""
    policy(SEVERAL, NOBODY_MUST)
    with part.ask("change", token, "en", "add", "tablet") as matter:
        added = matter.change(alice, clock)[2]
    clock.advance(30)
    other = in_by(part, alice, clock)
    with part.ask("change", added, "en", "remove", "tablet") as matter:
        said = matter.change(alice, clock)
    assert said[0] == b"changed", said
    assert part.standing(token, added, other, said[2]) == ["stands", "replaced", "replaced", "stands"]


# What a user asks for.


def test_status_and_a_try_are_the_users_own(part, alice, token):
    said = part.answer("status", token)
    assert said[0] == b"status" and said[1] == str(len(alice.recovery_codes)).encode()
    assert part.answer("try", token, alice.codes.wrong()) == [b"rejected", b"4"]
    assert part.answer("try", token, alice.codes.now())[0] == b"accepted"
    assert part.answer("try", token, alice.codes.now())[0] == b"replayed"


def test_events_are_of_the_user_alone(part, alice, carol, token, journal):
    part.log_in(carol, carol.password, carol.codes.wrong())
    with syslog(journal), part.ask("events", token) as matter:
        assert matter.hear() == [b"done"]
        assert matter.told and all(f'"user":"{alice.name}"' in line for line in matter.told)
        assert any('"otp.accept"' in line for line in matter.told)


def test_the_first_device_is_enrolled_after_the_login(part, bobby, clock, policy):
    policy(NOBODY_MUST)
    token = part.let_in(bobby, bobby.password)
    with part.ask("change", token, "en", "enrol", "phone") as matter:
        said = matter.change(bobby, clock)
    assert said[:2] == [b"changed", b"enrolled"]
    assert part.standing(token, said[2]) == ["replaced", "stands"]
    clock.advance(30)
    part.let_in(bobby, bobby.password, matter.device.now())


def test_the_first_device_takes_a_login_of_just_now(part, bobby, clock, policy):
    policy(NOBODY_MUST)
    token = part.let_in(bobby, bobby.password)
    clock.advance(15 * 60 + 1)
    assert part.standing(token) == ["stands"]
    with part.ask("change", token, "en", "enrol", "phone") as matter:
        assert matter.hear() == [b"ended", b"login-too-old"]
    token = part.let_in(bobby, bobby.password)
    with part.ask("change", token, "en", "enrol", "phone") as matter:
        assert matter.change(bobby, clock)[:2] == [b"changed", b"enrolled"]


def test_the_first_device_is_enrolled_inside_the_login(part, bobby, clock, policy):
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
def test_leaving_in_the_middle_of_the_login_saves_nothing(part, bobby, clock, policy, under_test, stop_at):
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
def test_nothing_changes_without_them(part, alice, token, clock, policy, change, under_test):
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
def test_a_change_does_not_outlive_its_login(part, alice, token, clock, policy, ended):
    """Nor is it kept where the portal overlooks the end of the login."""
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


def test_what_a_change_asks_is_in_the_language_of_the_pages(part, alice, token, policy):
    policy(SEVERAL, NOBODY_MUST)
    with part.ask("change", token, "ko", "add", "tablet") as matter:
        assert matter.hear() == [b"ask-hidden", b"Password: "]
        matter.reply(alice.password)
        assert matter.hear() == [b"ask-hidden", "인증 코드: ".encode()]


def test_the_helper_runs_as_the_user_with_nothing_of_roots(part, alice, token, policy):
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
            # The line, nothing, what the helper has opened by its own group, and the pipe to its own child.
            own = ("socket:", "/dev/null", "pipe:", "/var/lib/pam_otp")
            assert all(end.startswith(own) and not end.startswith(str(STATE)) for end in ends), ends


# What a portal that is not itself could try.


def test_no_token_is_forged(part, alice, token):
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
def test_what_is_no_matter_is_answered_by_nothing(part, fields, journal):
    before = len(journal.lines())
    assert part.answer(*fields) == [] if fields else True
    if not fields:
        with part.ask() as matter:
            matter.say()
            assert matter.hear() == []
    part.wait_until_alone()
    assert any("otp.denied" in line for line in journal.lines(before))


@pytest.mark.parametrize("garbage", (b"", b"otp1", b"GET / HTTP/1.1\r\n\r\n", b"otp1\xff\xff" + b"x" * 70000, os.urandom(4096)))
def test_garbage_is_answered_by_nothing(part, garbage, alice):
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
def test_what_is_no_answer_ends_the_login(part, alice, reply):
    with part.begin(alice.name) as matter:
        matter.hear()
        matter.say(*reply)
        assert matter.hear() == []
    part.wait_until_alone()


def test_nobody_but_the_portal_may_ask(part, alice, portal, journal):
    before = len(journal.lines())
    subprocess.run(["usermod", "--append", "--groups", portal.name, alice.name], check=True)
    for account in ("root", alice.name):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(60)
        if account == "root":
            connection.connect(str(login_part.SOCKET))
        else:
            # Of the portal's group, and so through the door.
            os.chmod(login_part.SOCKET, 0o666)
            with as_account(account):
                connection.connect(str(login_part.SOCKET))
        with Matter(connection, "begin", alice.name, "192.0.2.1", "en") as matter:
            assert matter.hear() == []
    assert sum("otp.denied" in line and "only the portal" in line for line in journal.lines(before)) == 2


def test_the_socket_and_what_is_kept_are_for_nobody_else(part, alice, portal, token):
    found = login_part.SOCKET.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (0, grp.getgrnam(portal.name).gr_gid, 0o660)
    assert (STATE.stat().st_uid, STATE.stat().st_mode & 0o7777) == (0, 0o700)
    for file in STATE.iterdir():
        assert (file.stat().st_uid, file.stat().st_mode & 0o7777) == (0, 0o600), file


def test_so_many_conversations_go_on_at_once_and_no_more(part, alice, token):
    addresses = [f"192.0.2.{number // MOST_FROM_ONE}" for number in range(MOST)]
    matters = [part.begin(alice.name, address=address) for address in addresses]
    for matter in matters:
        assert matter.hear() == [b"ask-hidden", b"Password: "]
    assert part.log_in(alice, address="192.0.2.99") == [b"no-room"]
    # Those who are in are not kept out.
    assert part.standing(token) == ["stands"] and part.answer("status", token)[0] == b"status"
    # However one ends, its place is free.
    matters.pop().connection.close()
    wait_until(lambda: len(part.children()) < MOST, "end of one")
    with part.begin(alice.name, address="192.0.2.99") as matter:
        assert matter.hear() == [b"ask-hidden", b"Password: "]
    for matter in matters:
        matter.connection.close()
    part.wait_until_alone()


def test_one_address_does_not_take_every_place(part, alice):
    matters = [part.begin(alice.name) for _ in range(MOST_FROM_ONE)]
    for matter in matters:
        assert matter.hear()[0] == b"ask-hidden"
    assert part.log_in(alice) == [b"no-room"]
    kill(part.children()[0])
    wait_until(lambda: len(part.children()) < MOST_FROM_ONE, "end of one")
    part.let_in(alice, alice.password, alice.codes.now())
    for matter in matters:
        matter.connection.close()


def test_one_user_does_not_take_every_place_by_changes(part, alice, carol, token, clock, policy):
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


def test_connections_that_say_nothing_keep_no_login_waiting(part, alice):
    silent = [part.connect() for _ in range(MOST)]
    part.let_in(alice, alice.password, alice.codes.now())
    for connection in silent:
        connection.close()
    part.wait_until_alone()


def test_a_client_that_is_stopped_keeps_nobody_waiting(part, alice, portal):
    """It has asked, and neither reads nor hangs up."""
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
def test_a_conversation_that_is_killed_lets_nobody_in_and_leaves_nothing(part, alice, questions):
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
def test_a_change_that_is_killed_changes_nothing(part, alice, token, clock, policy, under_test, which, stop_at):
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


def test_with_the_listener_everything_ends(part, alice, token, policy):
    policy(SEVERAL, NOBODY_MUST)
    with part.begin(alice.name) as login, part.ask("change", token, "en", "add", "tablet") as change:
        assert login.hear()[0] == b"ask-hidden" and change.hear()[0] == b"ask-hidden"
        conversations = children_of(part.process.pid)
        assert len(conversations) >= 3
        part.process.kill()
        part.process.wait(timeout=60)
        assert login.hear() == [] and change.hear() == []
        wait_until(lambda: not any(is_alive(pid) for pid in conversations), "end of all", seconds=20)


def test_a_login_part_that_was_killed_is_started_again_with_its_tokens(part, portal, token):
    part.process.kill()
    part.process.wait(timeout=60)
    with LoginPart(portal) as again:
        assert again.standing(token) == ["stands"]
