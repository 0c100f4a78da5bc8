"""A connection cut while an authenticator is set up leaves everything as it was, wherever in the dialogue it happens."""

import pytest

from login_enrolment import (  # noqa: F401  (fixtures among them)
    AHEAD, ENGLISH, OFFER, REQUIRE, Enrolment, both_lines, enrol, kept_on_disk, lines, logins_of, talking_door,
    wait_until_cut_off,
)
from self_service import policy  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("both_lines")]

# The question at which the connection is cut, and how many wrong codes were typed before.
PLACES = {
    "first question": (ENGLISH.begin, 0),
    "first code": (ENGLISH.new_code, 0),
    "second code": (ENGLISH.new_code, 1),
    "third code": (ENGLISH.new_code, 2),
    "recovery codes": (ENGLISH.are_kept, 0),
}


@pytest.fixture(params=PLACES, ids=[place.replace(" ", "-") for place in PLACES])
def place(request):
    return PLACES[request.param]


def cut_at(door, account, clock, place):
    """Goes up to the place and hangs up there; returns when the program that asked has ended too."""
    question, wrong_codes = place
    with Enrolment(door, account, clock).up_to(question) as login:
        for _ in range(wrong_codes):
            login.type(login.device.wrong())
        assert login.question == question
        assert logins_of(account), "the login is there to be cut"
        login.cut()
    wait_until_cut_off(account)
    return login


def test_cut_connection_leaves_everything_as_it_was(talking_door, bobby, clock, policy, place, journal):  # noqa: F811
    policy(REQUIRE)
    before = kept_on_disk()
    cut_at(talking_door, bobby, clock, place)
    assert kept_on_disk() == before
    assert "otp.change" not in journal.names(bobby.name)


def test_next_login_begins_again_with_another_key(talking_door, bobby, clock, policy, place):  # noqa: F811
    policy(REQUIRE)
    cut = cut_at(talking_door, bobby, clock, place)
    login = enrol(talking_door, bobby, clock)
    assert login.secret != cut.secret and not set(login.recovery_codes) & set(cut.recovery_codes)


def test_authenticator_of_a_cut_login_opens_nothing(ssh, bobby, clock, policy):  # noqa: F811
    policy(REQUIRE)
    cut = cut_at(ssh, bobby, clock, PLACES["recovery codes"])
    clock.advance(30)
    enrol(ssh, bobby, clock)
    clock.advance(30)
    assert ssh.attempt(bobby, bobby.password, cut.device.now()).refused
    assert ssh.attempt(bobby, bobby.password, cut.recovery_codes[0]).refused


def test_cut_after_the_last_word_saves_all_or_nothing(talking_door, bobby, clock, policy):  # noqa: F811
    policy(REQUIRE)
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.are_kept) as login:
        login.answer(ENGLISH.kept)
        login.cut()
    wait_until_cut_off(bobby)
    clock.advance(30)
    if f"{bobby.name}/credential.toml" in kept_on_disk():
        assert talking_door.attempt(bobby, bobby.password, login.device.now()).admitted
        assert talking_door.attempt(bobby, bobby.password, login.recovery_codes[0]).admitted
    else:
        enrol(talking_door, bobby, clock)


def test_cut_before_the_deadline_saves_nothing_that_would_demand_a_code(talking_door, bobby, clock, policy):  # noqa: F811
    """At most it saves the day from which the grace counts."""
    policy(OFFER, AHEAD)
    before = kept_on_disk()
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.are_kept) as login:
        login.cut()
    wait_until_cut_off(bobby)
    assert kept_on_disk(without={bobby.name, f"{bobby.name}/first-login"}) == before
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.begin_or_later) as login:
        login.type("later")
        assert login.outcome().admitted
