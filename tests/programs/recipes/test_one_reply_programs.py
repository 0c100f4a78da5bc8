"""One stack for programs that ask once: it works with a new code each time, in trusted places and for users who need none.

The files of conf/pam.d are used as they are.
"""

import pytest

import accounts
from dovecot import Dovecot
from freeradius import Freeradius
from openvpn import Openvpn
from saslauthd import Saslauthd
from together import together
from vsftpd import Vsftpd
from web import Apache, Nginx

pytestmark = pytest.mark.promised_by("ours")

PROGRAMS = (Vsftpd, Dovecot, Saslauthd, Freeradius, Apache, Nginx, Openvpn)
CONNECTIONS = 5
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


def policy_for(program, *sections):
    callers = f'[helper]\ntrusted_callers = ["{program.runs_as}"]\n' if program.runs_as else ""
    return (callers, *sections)


@pytest.fixture(params=PROGRAMS, ids=lambda program: program.__name__.lower())
def kind(request, going_on, policy):
    policy(*policy_for(request.param))
    return request.param


@pytest.fixture
def program(kind, follow):
    follow(getattr(kind, "recipe", kind.service), service=kind.service)
    with kind() as running:
        yield running


def both(account, code):
    return account.password + code


def at_once(program, account, reply, **where):
    """Returns how many of five connections at the same moment get in with one reply."""
    return together([lambda: program.log_in(account, reply, **where)] * CONNECTIONS).count(True)


def test_password_and_code_let_in_and_nothing_less(program, alice, journal):
    assert not program.log_in(alice, both(alice, alice.codes.wrong()))
    assert journal.names(alice.name) == ["otp.reject"]
    assert not program.log_in(alice, "not" + both(alice, alice.codes.now()))
    assert not program.log_in(alice, alice.password)
    assert not program.log_in(alice, alice.codes.now())
    assert program.log_in(alice, both(alice, alice.codes.now()))
    event = journal.events(alice.name)[-1]
    assert (event["event"], event["service"]) == ("otp.accept", program.service)
    assert program.log_in(alice, both(alice, alice.recovery_codes[0]))


def test_user_without_an_authenticator_is_refused(program, bobby, journal):
    assert not program.log_in(bobby, both(bobby, "123456"))
    assert not program.log_in(bobby, bobby.password)


def test_code_lets_one_of_five_connections_in(program, alice):
    reply = both(alice, alice.codes.now())
    assert at_once(program, alice, reply) == 1
    assert at_once(program, alice, reply) == 0


def test_remembered_place_lets_five_connections_in_with_the_reply_that_was_good(program, alice, policy, journal):
    """This works if the program is root and names the address; in other programs every login needs a code."""
    policy(*policy_for(program, '[trust]\nremember = "8h"\n'))
    remembers = program.tells_address and program.runs_as is None
    reply = both(alice, alice.codes.now())
    assert program.log_in(alice, reply)
    assert at_once(program, alice, reply) == (CONNECTIONS if remembers else 0)
    assert at_once(program, alice, alice.password) == (CONNECTIONS if remembers else 0)
    assert not program.log_in(alice, "not" + reply)
    if program.tells_address:
        assert not program.log_in(alice, reply, rhost=ELSEWHERE)
    assert journal.names(alice.name).count("otp.trusted") == (2 * CONNECTIONS if remembers else 0)


def test_trusted_network_lets_five_connections_in_with_any_code_or_none(program, alice, policy):
    policy(*policy_for(program, f'[trust]\nnetworks = ["{HERE}/32"]\n'))
    trusts = program.tells_address
    for reply in (both(alice, alice.codes.wrong()), alice.password):
        assert at_once(program, alice, reply) == (CONNECTIONS if trusts else 0)
    assert not program.log_in(alice, "not" + both(alice, alice.codes.now()))
    if trusts:
        assert not program.log_in(alice, both(alice, alice.codes.wrong()), rhost=ELSEWHERE)


@pytest.mark.parametrize("way", ["nullok", "enforce", "network"])
def test_users_who_need_no_authenticator_get_in_by_the_password_alone(kind, alice, bobby, follow, policy, way):
    follow(getattr(kind, "recipe", kind.service), "nullok" if way == "nullok" else "", service=kind.service)
    policy(*policy_for(kind, {
        "nullok": "", "enforce": "[enforce]\ngroups = []\n", "network": f'[trust]\nnetworks = ["{HERE}/32"]\n',
    }[way]))
    with kind() as program:
        let_in = way != "network" or kind.tells_address
        assert at_once(program, bobby, bobby.password) == (CONNECTIONS if let_in else 0)
        assert not program.log_in(bobby, "not" + bobby.password)
        # No part of their reply is taken for a code.
        assert not program.log_in(bobby, both(bobby, "123456"))
        if way != "network":
            assert not program.log_in(alice, alice.password)
        assert program.log_in(alice, both(alice, alice.codes.now()))


def test_password_that_ends_in_digits_is_whole_for_users_without_an_authenticator(kind, clock, journal, follow, policy):
    follow(getattr(kind, "recipe", kind.service), "nullok", service=kind.service)
    account = accounts.create("bobby", accounts.random_password() + "240731")
    with kind() as program:
        assert program.log_in(account, account.password)
        assert not program.log_in(account, account.password[:-6])
