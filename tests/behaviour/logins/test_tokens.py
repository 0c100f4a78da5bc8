"""A token with a button, whose codes count presses and not time: they work in order, once, with some presses left out; two
codes in a row bring a token back."""

import json
import re

import pytest

from codes import Token
from locking import fail, locked
from self_service import CODE, Talk, policy, run, status  # noqa: F401  (a fixture among them)

pytestmark = pytest.mark.promised_by("ours")


@pytest.fixture
def token(alice, under_test):
    """Alice's token, which replaces her phone; its first code is that of counter 0."""
    return with_token(alice, under_test)


def with_token(account, under_test, *flags, counter=0):
    account.codes = Token(under_test.enrol(account, "--force", "--hotp", *flags), counter)
    return account.codes


def admitted(door, account, code):
    return door.attempt(account, account.password, code).admitted


def test_each_code_admits_once(alice, token, door):
    for _ in range(3):
        code = token.now()
        assert admitted(door, alice, code)
        assert not admitted(door, alice, code)


def test_skipped_code_is_refused(alice, token, ssh):
    passed_over, used = token.now(), token.now()
    assert admitted(ssh, alice, used)
    assert not admitted(ssh, alice, passed_over)
    assert "already" in ssh.attempt(alice, alice.password, used).messages
    assert status(alice)["failures"] == 1


def test_up_to_nine_codes_may_be_skipped_and_no_more(alice, token, ssh):
    assert not admitted(ssh, alice, token.at(10))
    assert admitted(ssh, alice, token.at(9))
    assert not admitted(ssh, alice, token.at(20))
    assert status(alice)["failures"] == 1
    assert admitted(ssh, alice, token.at(19))


def test_two_codes_in_a_row_bring_a_token_back(alice, token, door, journal):
    token.counter = 400
    first, second, third = token.now(), token.now(), token.now()
    assert not admitted(door, alice, first)
    assert admitted(door, alice, second)
    for used in (first, second):
        assert not admitted(door, alice, used)
    assert admitted(door, alice, third)
    assert [event.get("drift_steps") for event in journal.events(alice.name)[:2]] == [None, "0"]


@pytest.mark.parametrize("far", [998, 999, 1000])
def test_token_comes_back_from_as_far_as_promised(alice, token, ssh, far):
    assert not admitted(ssh, alice, token.at(far))
    assert admitted(ssh, alice, token.at(far + 1)) is (far < 1000)


@pytest.mark.parametrize("between", ["wrong", "recovery", "the same", "one further"])
def test_nothing_may_come_between_the_two_codes(alice, token, ssh, between):
    assert not admitted(ssh, alice, token.at(50))
    if between == "recovery":
        assert admitted(ssh, alice, alice.recovery_codes[0])
    else:
        code = {"wrong": token.wrong(), "the same": token.at(50), "one further": token.at(52)}[between]
        assert not admitted(ssh, alice, code)
    # The same code again is still the first of the two; a code one further is a new first one.
    assert admitted(ssh, alice, token.at(51)) is (between == "the same")


def test_wrong_codes_lock_whichever_kind_of_authenticator_is_enrolled(alice, token, ssh):
    fail(ssh, alice)
    assert locked(ssh, alice)
    assert not admitted(ssh, alice, token.now())


def test_token_pressed_before_enrolment_begins_at_its_counter(alice, under_test, ssh):
    token = with_token(alice, under_test, "--counter", "17", counter=17)
    for used in (0, 16):
        assert not admitted(ssh, alice, token.at(used))
    assert admitted(ssh, alice, token.now())


def test_provision_says_where_the_token_begins(alice, under_test):
    for counter in (0, 17):
        words = ["--counter", str(counter)] if counter else []
        handed_out = ["provision", alice.name, "--force", "--hotp", *words]
        made = json.loads(under_test.admin(*handed_out, "--json"))
        assert made["uri"].startswith("otpauth://hotp/") and made["uri"].endswith(f"&counter={counter}")
        assert made["counter"] == counter
        text = under_test.admin(*handed_out)
        assert re.search(rf"^counter +{counter}$", text, re.MULTILINE) and "counter-based, 6 digits" in text
    assert "counter" not in under_test.admin("provision", alice.name, "--force", "--json")


def test_status_and_show_say_where_the_token_is(alice, token, under_test, ssh):
    assert status(alice)["authenticators"][0]["next_counter"] == 0
    token.counter = 5
    assert admitted(ssh, alice, token.now())
    assert status(alice)["authenticators"][0]["next_counter"] == 6
    for told in (run(alice, "status").stdout, under_test.admin("show", alice.name)):
        assert "counter-based, next counter 6" in told
    assert not admitted(ssh, alice, token.at(100))
    assert "a counter that is far ahead" in under_test.admin("show", alice.name)


def test_phone_is_shown_without_a_counter(alice, under_test):
    assert "next_counter" not in status(alice)["authenticators"][0]
    assert "counter" not in under_test.admin("show", alice.name)


def test_test_tries_a_code_of_a_token_and_says_that_it_came_back(alice, token):
    for counter, exit_status, said in [
        (0, 0, 'the code of "phone" is right'), (300, 1, "refused"), (301, 0, "the counter of the device was off"),
    ]:
        talk = Talk(alice, "test")
        talk.until(CODE)
        talk.answer(token.at(counter))
        assert talk.end() == exit_status and said in talk.said, talk.said
