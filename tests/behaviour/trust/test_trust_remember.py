"""A good code is remembered: the same user, at the same address and the same service, is asked for no other code for a
while.

Only programs that are root remember, and only a numeric address, as they set it in PAM_RHOST.
"""

import pytest

from application import (  # noqa: F401  (fixtures among them)
    AUTH_ERR, AUTHINFO_UNAVAIL, MAXTRIES, SUCCESS, Application, application, program,
)
from locking import MINUTE
from places import (  # noqa: F401  (fixtures among them)
    ANOTHER_SERVICE, CODE, ELSEWHERE, HERE, PASSWORD, Logins, SshFrom, at_home, lock, logins, policy, remember, stack, trust_file,
    trust_section,
)

pytestmark = pytest.mark.promised_by("ours")

HOUR = 60 * MINUTE


@pytest.fixture(autouse=True)
def eight_hours(remember):
    """The default of this file; a test may set another policy."""
    remember("8h")


# ---------------------------------------------------------------------------------------------------------- real logins


def test_second_ssh_login_from_the_same_address_is_asked_only_for_the_password(ssh, server, alice, stack, journal, clock):
    assert ssh.attempt(alice, alice.password, alice.codes.now()).prompts == [PASSWORD, CODE]
    clock.advance(8 * HOUR - 1)
    outcome = ssh.attempt(alice, alice.password)
    assert outcome.admitted and outcome.prompts == [PASSWORD] and outcome.messages.strip() == "admitted:USER"
    accepted, trusted = journal.events(alice.name)
    assert (accepted["event"], trusted["event"], trusted["tag"]) == ("otp.accept", "otp.trusted", "sshd:auth")
    assert (trusted["since"], trusted["service"], trusted["rhost"]) == ("2027-01-15 08:00:10 UTC", "sshd", "127.0.0.1")
    assert SshFrom(server, "127.0.0.2").attempt(alice, alice.password, alice.codes.now()).prompts == [PASSWORD, CODE]
    clock.advance(1)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused
    clock.advance(30)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).prompts == [PASSWORD, CODE]


@pytest.mark.parametrize("name", ["sudo", "su", "pamtester"])
def test_every_login_without_an_address_is_asked(every_door, alice, stack, under_test, clock, name):
    for _ in range(2):
        outcome = every_door[name].attempt(alice, alice.password, alice.codes.now())
        assert outcome.admitted and outcome.prompts[1:] == [CODE]
        clock.advance(30)
    assert not trust_file(alice, under_test).exists()


def test_wrong_password_from_a_remembered_address_is_refused(ssh, alice, stack):
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
    outcome = ssh.attempt(alice, "not" + alice.password)
    assert outcome.refused and outcome.prompts == [PASSWORD]


def test_module_alone_asks_for_the_code_at_a_remembered_address_too(ssh, alice, stack, under_test, clock):
    """It does not succeed without a code there, and no other module could."""
    stack(under_test.line())
    assert ssh.attempt(alice, alice.codes.now()).prompts == [CODE]
    assert ssh.attempt(alice, alice.codes.now()).refused
    clock.advance(30)
    assert ssh.attempt(alice, alice.codes.now()).prompts == [CODE]


# ------------------------------------------------------------------------------------------------ users, places and times


def test_time_runs_from_the_code_and_not_from_logins_without_one(at_home, logins, clock):
    for _ in range(7):
        clock.advance(HOUR)
        assert not logins.asks(at_home)
    clock.advance(HOUR - 1)
    assert not logins.asks(at_home)
    clock.advance(1)
    assert logins.asks(at_home)


def test_next_good_code_is_remembered_from_then_on(at_home, logins, clock, journal):
    clock.advance(8 * HOUR)
    logins.proves(at_home)
    clock.advance(8 * HOUR - 1)
    assert not logins.asks(at_home)
    assert journal.events(at_home.name)[-1]["since"] == "2027-01-15 16:00:10 UTC"
    clock.advance(1)
    assert logins.asks(at_home)


@pytest.mark.parametrize("where", [
    {"rhost": ELSEWHERE}, {"rhost": None}, {"rhost": ""}, {"rhost": "2001:db8::1"}, {"rhost": "192.0.2.10"},
    {"rhost": f"{HERE}:22"}, {"rhost": "192.000.002.001"}, {"service": ANOTHER_SERVICE},
    {"rhost": ELSEWHERE, "service": ANOTHER_SERVICE},
], ids=str)
def test_login_at_another_address_or_service_is_asked(at_home, logins, where):
    assert logins.asks(at_home, **where)
    assert not logins.asks(at_home)


def test_another_user_at_the_same_place_is_asked(at_home, logins, enrol):
    assert logins.asks(enrol("carol"))


@pytest.mark.parametrize("first, second", [(HERE, f"::ffff:{HERE}"), ("2001:db8::1", "2001:DB8:0:0::0:1")])
def test_address_is_remembered_by_its_value_however_it_is_written(alice, logins, clock, first, second):
    logins.proves(alice, rhost=first)
    assert not logins.asks(alice, rhost=second)
    clock.advance(8 * HOUR)
    logins.proves(alice, rhost=second)
    assert not logins.asks(alice, rhost=first)


def test_several_places_are_remembered_each_for_its_own_time(at_home, logins, clock):
    clock.advance(HOUR)
    logins.proves(at_home, rhost=ELSEWHERE)
    clock.advance(HOUR)
    logins.proves(at_home, service=ANOTHER_SERVICE)
    clock.advance(6 * HOUR)
    assert logins.asks(at_home)
    assert not logins.asks(at_home, rhost=ELSEWHERE)
    clock.advance(HOUR)
    assert logins.asks(at_home, rhost=ELSEWHERE)
    assert not logins.asks(at_home, service=ANOTHER_SERVICE)


@pytest.mark.parametrize("seconds", [1, 30, 24 * HOUR])
def test_code_is_asked_for_if_the_clock_has_run_back_before_it(at_home, logins, clock, seconds):
    clock.advance(-seconds)
    assert logins.asks(at_home)


@pytest.mark.parametrize("rhost", [
    None, "", "localhost", "host.example.org", f"{HERE}:22", "[2001:db8::1]", "fe80::1%eth0", "192.000.002.001", f"{HERE} ",
])
def test_address_that_is_not_numeric_is_never_remembered(alice, logins, clock, under_test, rhost):
    logins.proves(alice, rhost=rhost)
    assert logins.asks(alice, rhost=rhost)
    assert not trust_file(alice, under_test).exists()


@pytest.mark.parametrize("reply", ["wrong", "empty", "recovery code", "replayed", "while locked"])
def test_only_a_good_code_is_remembered(alice, logins, application, under_test, reply):
    replies = {"wrong": alice.codes.wrong(), "empty": "", "recovery code": alice.recovery_codes[0]}
    ends = {"recovery code": SUCCESS, "while locked": MAXTRIES}
    if reply == "replayed":
        logins.proves(alice, rhost=None)
    elif reply == "while locked":
        lock(alice, application)
    answer = logins.login(alice, alice.password, replies.get(reply, alice.codes.now()))
    assert answer.code == ends.get(reply, AUTH_ERR)
    assert logins.asks(alice)
    assert not trust_file(alice, under_test).exists()


# ----------------------------------------------------------------------------------------------------------- the policy


@pytest.mark.parametrize("text", ["", "[trust]\n", trust_section(remember="0")])
def test_remembered_places_count_for_nothing_where_policy_remembers_nothing(at_home, logins, policy, clock, under_test, text):
    kept = trust_file(at_home, under_test).read_bytes()
    policy(text)
    assert logins.asks(at_home)
    clock.advance(30)
    logins.proves(at_home)
    assert logins.asks(at_home)
    assert trust_file(at_home, under_test).read_bytes() == kept


def test_code_from_a_time_without_remembering_is_not_remembered(alice, logins, remember):
    remember("0")
    logins.proves(alice)
    remember("8h")
    assert logins.asks(alice)


def test_shorter_time_counts_at_once(at_home, logins, remember, clock):
    clock.advance(5 * MINUTE)
    remember("5m")
    assert logins.asks(at_home)
    remember("301s")
    assert not logins.asks(at_home)


@pytest.mark.parametrize("value", ['"8"', '""', '"-1h"', '"8 hours"', '"8h "', '"1h30m"', f'"{10**20}h"', "28800", '["8h"]'])
def test_mistake_in_the_time_admits_nobody(at_home, application, policy, clock, journal, value):
    policy(f"[trust]\nremember = {value}\n")
    clock.advance(30)
    for rhost in (HERE, None):
        answer = application.login(at_home, at_home.password, at_home.codes.now(), rhost=rhost)
        assert answer.code == AUTHINFO_UNAVAIL and CODE not in answer.asked
        assert "/etc/security/pam_otp.conf, line 2: " in journal.events(at_home.name)[-1]["reason"]


def test_program_that_is_not_root_neither_remembers_nor_is_remembered(alice, program, logins, under_test, clock):
    """The user who runs it could claim any address."""
    with Application(program, alice) as running:
        of_the_user = Logins(running)
        of_the_user.proves(alice)
        assert of_the_user.asks(alice) and logins.asks(alice)
        assert not trust_file(alice, under_test).exists()
        clock.advance(30)
        logins.proves(alice)
        assert not logins.asks(alice) and of_the_user.asks(alice)
