"""Programs that remember a good reply by themselves: the advantage for their users, and the loss for administrators.

Each recipe states both, and each such sentence has one of these tests.
"""

import base64
import pathlib

import pytest

import dovecot
import recipe
from locking import FAILURES
from saslauthd import Saslauthd
from together import together
from web import Apache, Nginx

pytestmark = pytest.mark.promised_by("ours")

CONNECTIONS = 5
HOUR = 3600
TRUSTED = {kind: f'[helper]\ntrusted_callers = ["{kind.runs_as}"]\n' for kind in (Apache, Nginx)}


def caching_saslauthd():
    options = next(line for line in recipe.quoted("saslauthd", "/etc/default/saslauthd").splitlines() if "OPTIONS" in line)
    return Saslauthd("-c", "-t", options.split("-t ")[1].split()[0])


CACHES = {
    "dovecot": dovecot.with_cache, "saslauthd": caching_saslauthd, "apache": lambda: Apache(cached=True),
    "nginx": lambda: Nginx(cached=True),
}


@pytest.fixture(params=CACHES)
def cache(request, follow, going_on, policy, journal):
    program = CACHES[request.param]()
    policy(TRUSTED.get(type(program), ""))
    follow(getattr(program, "recipe", program.service), service=program.service)
    with program:
        yield program


def both(account, code):
    return account.password + code


def lets_in_again(program, account, reply):
    return together([lambda: program.log_in(account, reply)] * CONNECTIONS).count(True)


def test_reply_that_was_good_lets_five_connections_in_and_no_code_is_asked_for(cache, alice, journal):
    reply = both(alice, alice.codes.now())
    assert cache.log_in(alice, reply)
    assert lets_in_again(cache, alice, reply) == CONNECTIONS
    assert journal.names(alice.name) == ["otp.accept"]


def test_other_replies_are_checked(cache, alice, clock):
    assert cache.log_in(alice, both(alice, alice.codes.now()))
    for reply in (alice.password, both(alice, alice.codes.wrong()), "not" + both(alice, alice.codes.now())):
        assert not cache.log_in(alice, reply)


def test_another_user_with_the_same_reply_is_refused(cache, alice, bobby):
    reply = both(alice, alice.codes.now())
    assert cache.log_in(alice, reply)
    assert not cache.log_in(bobby, reply)


def test_cached_reply_outlives_a_lock_and_a_reset(cache, alice, under_test, journal):
    """The recipes warn of this."""
    reply = both(alice, alice.codes.now())
    assert cache.log_in(alice, reply)
    under_test.reset(alice)
    assert lets_in_again(cache, alice, reply) == CONNECTIONS
    assert "otp.notenrolled" not in journal.names(alice.name)


def test_a_cached_reply_ends_after_the_time_that_the_recipe_gives(cache, alice, clock):
    reply = both(alice, alice.codes.now())
    assert cache.log_in(alice, reply)
    clock.advance(9 * HOUR if isinstance(cache, Saslauthd) else HOUR + 60)
    assert not cache.log_in(alice, reply)
    assert cache.log_in(alice, both(alice, alice.codes.now()))


def test_new_code_is_taken_beside_the_old_one_by_all_but_apache(cache, alice, clock):
    assert cache.log_in(alice, both(alice, alice.codes.now()))
    clock.advance(30)
    assert cache.log_in(alice, both(alice, alice.codes.now())) == (not isinstance(cache, Apache))


def test_dovecot_forgets_by_a_command(follow, going_on, alice, journal):
    follow("dovecot")
    with dovecot.with_cache() as program:
        reply = both(alice, alice.codes.now())
        assert program.log_in(alice, reply) and program.log_in(alice, reply)
        program.flush(alice)
        assert not program.log_in(alice, reply)


@pytest.mark.parametrize("ends", ["reset", "lock"])
def test_the_account_phase_with_each_request_of_apache_makes_a_lock_and_a_reset_count_at_once(
    follow, going_on, alice, policy, under_test, journal, ssh, ends
):
    """The recipe says this about `Require pam-account`."""
    policy(TRUSTED[Apache])
    follow("apache2")
    file = pathlib.Path("/etc/pam.d/apache2")
    file.write_text(file.read_text().replace("@include common-account", f"account {under_test.line()}\n@include common-account"))
    program = Apache(cached=True)
    program.site = program.site.replace("Require valid-user", "Require pam-account apache2")
    with program:
        reply = both(alice, alice.codes.now())
        assert program.log_in(alice, reply) and program.log_in(alice, reply)
        if ends == "reset":
            under_test.reset(alice)
        else:
            together([lambda: ssh.attempt(alice, alice.password, alice.codes.wrong())] * FAILURES)
        assert not program.log_in(alice, reply)


@pytest.mark.parametrize("kind", [Apache, caching_saslauthd], ids=["apache", "saslauthd"])
def test_a_restart_forgets_the_reply(kind, follow, going_on, alice, policy, journal):
    program = kind(cached=True) if kind is Apache else kind()
    policy(TRUSTED.get(type(program), ""))
    follow(getattr(program, "recipe", program.service), service=program.service)
    reply = both(alice, alice.codes.now())
    with program:
        assert program.log_in(alice, reply) and program.log_in(alice, reply)
    with program:
        assert not program.log_in(alice, reply)


def test_the_password_is_readable_in_the_cache_of_nginx(follow, going_on, alice, policy, journal):
    """The recipe warns of this, and says who can reach the cache."""
    policy(TRUSTED[Nginx])
    follow("nginx")
    with Nginx(cached=True) as program:
        reply = both(alice, alice.codes.now())
        assert program.log_in(alice, reply)
        credentials = base64.b64encode(f"{alice.name}:{reply}".encode())
        files = [path for path in program.cache.rglob("*") if path.is_file()]
        assert any(credentials in path.read_bytes() for path in files)
        assert {path.stat().st_mode & 0o077 for path in [program.cache / "codes", *files]} == {0}


def test_nginx_asks_once_for_requests_at_the_same_moment(follow, going_on, alice, policy, journal):
    policy(TRUSTED[Nginx])
    follow("nginx")
    with Nginx(cached=True) as program:
        assert lets_in_again(program, alice, both(alice, alice.codes.now())) == CONNECTIONS
    assert journal.names(alice.name) == ["otp.accept"]


def test_nginx_forgets_where_the_files_are_removed(follow, going_on, alice, policy, journal):
    policy(TRUSTED[Nginx])
    follow("nginx")
    with Nginx(cached=True) as program:
        reply = both(alice, alice.codes.now())
        assert program.log_in(alice, reply) and program.log_in(alice, reply)
        for path in program.cache.rglob("*"):
            if path.is_file():
                path.unlink()
        assert not program.log_in(alice, reply)


def test_loopback_as_a_trusted_network_lets_everybody_in_behind_nginx_by_the_password(follow, going_on, alice, policy, journal):
    """The recipe warns of this: the request that asks comes from nginx itself."""
    policy(TRUSTED[Nginx], '[trust]\nnetworks = ["127.0.0.1/32"]\n')
    follow("nginx")
    with Nginx(cached=True) as program:
        assert program.log_in(alice, alice.password, rhost="127.0.0.7")
