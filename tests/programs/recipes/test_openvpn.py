"""The special features of OpenVPN: connections that it renews by itself, tokens, and the static challenge."""

import pathlib

import pytest

from openvpn import Openvpn

pytestmark = pytest.mark.promised_by("ours")

HOUR = 3600


@pytest.fixture
def plain(follow, going_on, journal):
    follow("openvpn")
    with Openvpn() as server:
        yield server


@pytest.fixture
def challenging(follow, going_on, journal, under_test):
    follow("openvpn-challenge", service="openvpn")
    with Openvpn("openvpn-challenge") as server:
        yield server


def both(account, code):
    return account.password + code


def accepted(journal, account):
    return journal.names(account.name).count("otp.accept")


def test_connection_goes_on_beyond_its_hour_and_a_break_of_the_line(plain, alice, journal, clock):
    with plain.client() as client:
        client.answers(alice, both(alice, alice.codes.now()))
        assert client.connects()
        assert plain.renegotiates(clock, HOUR)
        assert client.comes_back()
    assert journal.names(alice.name) == ["otp.accept"], "the token stands for the code"


def test_without_a_token_the_connection_ends_after_its_hour(follow, going_on, alice, journal, clock):
    follow("openvpn")
    with Openvpn(without=["auth-gen-token ", "auth-gen-token-secret"]) as server, server.client() as client:
        client.answers(alice, both(alice, alice.codes.now()))
        assert client.connects()
        try:
            assert not server.renegotiates(clock, HOUR)
        except AssertionError:
            print("SAID", "\n".join(server.said().splitlines()[-60:])); raise
    assert journal.names(alice.name)[0] == "otp.accept" and "otp.accept" not in journal.names(alice.name)[1:]


def test_token_outlives_a_lock_and_a_reset(plain, alice, journal, clock, under_test):
    """The recipe warns of this."""
    with plain.client() as client:
        client.answers(alice, both(alice, alice.codes.now()))
        assert client.connects()
        under_test.reset(alice)
        assert plain.renegotiates(clock, HOUR)
        assert client.comes_back()


def test_token_ends_after_the_time_that_the_recipe_gives(plain, alice, clock):
    with plain.client() as client:
        client.answers(alice, both(alice, alice.codes.now()))
        assert client.connects()
        assert not plain.renegotiates(clock, 13 * HOUR)


def test_token_outlives_a_restart_of_the_server(follow, going_on, alice, journal):
    follow("openvpn")
    with Openvpn() as server, server.client() as client:
        client.answers(alice, both(alice, alice.codes.now()))
        assert client.connects()
        server.__exit__()
        port = server.port
        again = Openvpn()
        again.on_port = port
        with again:
            assert client.connects(), "the client comes back by itself"
    assert journal.names(alice.name) == ["otp.accept"]


def test_static_challenge_asks_for_password_and_code_and_lets_in(challenging, alice, journal):
    with challenging.client("--static-challenge", "Verification code", "1") as client:
        client.answers(alice, alice.password, alice.codes.now())
        assert client.connects()
    assert journal.names(alice.name) == ["otp.accept"]


@pytest.mark.parametrize("password, code", [("wrong", "right"), ("right", "wrong"), ("right", "none")])
def test_static_challenge_refuses_a_wrong_password_or_code(challenging, alice, password, code):
    typed = {"right": alice.codes.now, "wrong": alice.codes.wrong, "none": lambda: "x"}[code]()
    with challenging.client("--static-challenge", "Verification code", "1") as client:
        client.answers(alice, alice.password if password == "right" else "not" + alice.password, typed)
        assert not client.connects()


def test_static_challenge_takes_a_recovery_code_and_a_remembered_place(challenging, alice, policy, journal):
    policy('[trust]\nremember = "8h"\n')
    for code in (alice.recovery_codes[0], alice.codes.now(), "123456"):
        with challenging.client("--static-challenge", "Verification code", "1") as client:
            client.answers(alice, alice.password, code)
            assert client.connects()
    assert journal.names(alice.name) == ["otp.recovery", "otp.accept", "otp.trusted"]


@pytest.mark.parametrize("stack", ["recipe", "without lang"])
def test_static_challenge_needs_the_language_that_the_recipe_sets(follow, going_on, alice, policy, stack):
    """The plugin recognises the questions by their words."""
    policy('language = "ko"\n')
    follow("openvpn-challenge", service="openvpn")
    if stack == "without lang":
        file = pathlib.Path("/etc/pam.d/openvpn")
        file.write_text(file.read_text().replace(" lang=en", ""))
    with Openvpn("openvpn-challenge") as server:
        with server.client("--static-challenge", "Verification code", "1") as client:
            client.answers(alice, alice.password, alice.codes.now())
            assert client.connects() == (stack == "recipe")
