"""A user with several authenticators: each works, each has a state of its own, and one can go without the others."""

import pytest

from locking import fail, opens
from self_service import (  # noqa: F401  (a fixture among them)
    CODE, NEW_CODE, PASSWORD, SEVERAL, Talk, add, change, complete, enrol, names, policy, record, refused_at_once, run, status,
)

pytestmark = pytest.mark.promised_by("ours")


@pytest.fixture(autouse=True)
def several(policy):
    """The default of this file; a test may set another policy."""
    policy(SEVERAL)


@pytest.fixture
def tablet(alice, clock, several):
    """Alice's second authenticator, beside her phone; the codes of this moment are unused."""
    device = add(alice, clock, "tablet")
    clock.advance(60)
    return device


def admitted(door, account, code):
    return door.attempt(account, account.password, code).admitted


def test_codes_of_both_admit_everywhere(alice, tablet, door):
    assert admitted(door, alice, alice.codes.now())
    assert admitted(door, alice, tablet.now())


def test_status_names_both_and_when_each_was_used(alice, tablet, clock, ssh, under_test):
    added = clock.now - 60
    assert admitted(ssh, alice, tablet.now())
    assert status(alice)["authenticators"] == [
        {"name": "phone", "created": added, "last_used": added}, {"name": "tablet", "created": added, "last_used": added + 60}]
    for told in (run(alice, "status").stdout, under_test.admin("show", alice.name)):
        assert told.index("phone, enrolled") < told.index("tablet, enrolled")


def test_test_says_which_authenticator_it_was(alice, tablet):
    talk = Talk(alice, "test")
    talk.until(CODE)
    talk.answer(tablet.now())
    assert talk.end() == 0 and 'the code of "tablet" is right' in talk.said


def test_code_of_either_works_once_and_leaves_the_other(alice, tablet, ssh):
    assert admitted(ssh, alice, alice.codes.now())
    assert not admitted(ssh, alice, alice.codes.now())
    assert admitted(ssh, alice, tablet.now())
    assert not admitted(ssh, alice, tablet.now())
    assert not admitted(ssh, alice, alice.codes.now())


def test_code_before_the_last_used_one_is_refused_for_that_authenticator_alone(alice, tablet, ssh):
    assert admitted(ssh, alice, alice.codes.now())
    assert not admitted(ssh, alice, alice.codes.at_step(-1))
    assert admitted(ssh, alice, tablet.at_step(-1))


def test_code_that_proved_the_new_authenticator_opens_no_login(alice, clock, ssh):
    tablet = add(alice, clock, "tablet")
    assert not admitted(ssh, alice, tablet.now())


def test_wrong_codes_count_for_the_account_whichever_authenticator_was_meant(alice, tablet, ssh):
    fail(ssh, alice, 4)
    assert admitted(ssh, alice, tablet.now())
    assert status(alice)["failures"] == 0


def test_clock_that_is_off_is_learnt_for_that_authenticator_alone(alice, tablet, clock, ssh):
    """Two codes in a row from a clock that is two minutes fast; the other clock is right."""
    assert not admitted(ssh, alice, tablet.at_step(4))
    clock.advance(30)
    assert admitted(ssh, alice, tablet.at_step(4))
    assert admitted(ssh, alice, alice.codes.now())
    clock.advance(30)
    assert admitted(ssh, alice, tablet.at_step(4))
    assert not admitted(ssh, alice, alice.codes.at_step(4))
    assert admitted(ssh, alice, alice.codes.now())


def test_one_code_each_of_two_clocks_that_are_off_teaches_nothing(alice, tablet, clock, ssh):
    assert not admitted(ssh, alice, tablet.at_step(4))
    clock.advance(30)
    assert not admitted(ssh, alice, alice.codes.at_step(4))
    assert admitted(ssh, alice, alice.codes.now())


def test_nothing_may_come_between_the_two_codes_of_a_clock_that_is_off(alice, tablet, clock, ssh):
    """Not even a code of another clock that is off."""
    assert not admitted(ssh, alice, tablet.at_step(4))
    clock.advance(30)
    assert not admitted(ssh, alice, alice.codes.at_step(4))
    clock.advance(30)
    assert not admitted(ssh, alice, tablet.at_step(4))


def test_recovery_codes_stay_unchanged_when_an_authenticator_is_added(alice, clock, ssh):
    assert admitted(ssh, alice, alice.recovery_codes[0])
    talk = Talk(alice, "add", "tablet")
    talk.prove_who(alice.codes.now())
    talk.new_device(clock)
    assert talk.end() == 0 and "recovery" not in talk.screen
    assert status(alice)["recovery_codes_left"] == 9
    assert not admitted(ssh, alice, alice.recovery_codes[0])
    assert admitted(ssh, alice, alice.recovery_codes[1])


def test_new_recovery_codes_leave_the_authenticators_unchanged(alice, tablet, clock, ssh):
    complete(alice, clock, "recovery-codes")
    clock.advance(30)
    assert admitted(ssh, alice, alice.codes.now()) and admitted(ssh, alice, tablet.now())


def test_recovery_codes_are_issued_with_another_authenticator_if_there_were_none(alice, clock, policy):
    policy("[recovery]\ncodes = 0\n", SEVERAL)
    talk = Talk(alice)
    talk.prove_who(alice.codes.now())
    alice.codes = talk.new_device(clock)
    assert talk.end() == 0 and status(alice)["recovery_codes_left"] == 0
    policy(SEVERAL)
    clock.advance(30)
    talk = Talk(alice, "add", "tablet")
    talk.prove_who(alice.codes.now())
    talk.new_device(clock)
    assert len(talk.keep_codes()) == 10
    assert talk.end() == 0 and status(alice)["recovery_codes_left"] == 10


def test_used_code_stays_used_when_another_authenticator_is_removed(alice, tablet, clock, ssh):
    assert admitted(ssh, alice, alice.codes.now())
    assert change(alice, tablet.now(), "remove", "tablet") == 0
    assert names(alice) == ["phone"]
    assert not admitted(ssh, alice, alice.codes.now())
    clock.advance(30)
    assert admitted(ssh, alice, alice.codes.now())


def test_drift_and_recovery_codes_stay_when_another_authenticator_is_removed(alice, tablet, clock, ssh):
    assert not admitted(ssh, alice, alice.codes.at_step(4))
    clock.advance(30)
    assert admitted(ssh, alice, alice.codes.at_step(4))
    assert admitted(ssh, alice, alice.recovery_codes[0])
    assert change(alice, tablet.now(), "remove", "tablet") == 0
    clock.advance(30)
    assert admitted(ssh, alice, alice.codes.at_step(4))
    assert status(alice)["recovery_codes_left"] == 9


@pytest.mark.parametrize("goes", ["phone", "tablet"])
def test_removing_one_authenticator_leaves_the_other_working(alice, tablet, clock, ssh, journal, goes):
    devices = {"phone": alice.codes, "tablet": tablet}
    removed, stays = devices.pop(goes), *devices.values()
    assert change(alice, stays.now(), "remove", goes) == 0
    assert names(alice) == list(devices)
    clock.advance(30)
    assert not admitted(ssh, alice, removed.now())
    assert admitted(ssh, alice, stays.now())
    assert admitted(ssh, alice, alice.recovery_codes[0])


def test_authenticator_can_be_removed_with_a_code_of_its_own(alice, tablet):
    assert change(alice, tablet.now(), "remove", "tablet") == 0


def test_last_authenticator_stays_where_policy_demands_one(alice, tablet, clock):
    assert change(alice, tablet.now(), "remove", "phone") == 0
    refused_at_once(alice, "remove", "tablet", because="is the last authenticator")
    refused_at_once(alice, "remove", because="is the last authenticator")


def test_removing_without_a_name_lists_the_authenticators(alice, tablet):
    before = record(alice)
    said = refused_at_once(alice, "remove", because="there are several authenticators: phone, tablet").said
    assert "otp-enroll remove NAME" in said
    assert record(alice) == before


@pytest.mark.parametrize("words, because", [
    (("add", "tablet"), 'an authenticator is called "tablet" already'), (("remove", "watch"), 'is called "watch"'),
])
def test_names_of_authenticators_are_unique(alice, tablet, words, because):
    before = record(alice)
    refused_at_once(alice, *words, because=because)
    assert record(alice) == before


def test_name_of_a_removed_authenticator_is_free_and_means_the_new_one(alice, tablet, clock, ssh):
    assert change(alice, tablet.now(), "remove", "tablet") == 0
    another = add(alice, clock, "tablet")
    clock.advance(60)
    assert not admitted(ssh, alice, tablet.now())
    assert admitted(ssh, alice, another.now())


def test_fifth_authenticator_is_refused_and_four_work(alice, clock, ssh):
    devices = [alice.codes]
    for name in ("tablet", "watch", "laptop"):
        devices.append(add(alice, clock, name))
        clock.advance(30)
    before = record(alice)
    refused_at_once(alice, "add", "fifth", because="has 4 authenticators, and more are not allowed")
    assert record(alice) == before
    assert all(admitted(ssh, alice, device.now()) for device in devices)


def test_lower_limit_takes_no_authenticator_away(alice, tablet, ssh, policy):
    policy("[enroll]\nmax_authenticators = 2\n")
    refused_at_once(alice, "add", "watch", because="has 2 authenticators")
    assert admitted(ssh, alice, alice.codes.now()) and admitted(ssh, alice, tablet.now())


def test_enrolling_replaces_all_authenticators_and_says_so(alice, tablet, clock, ssh):
    talk = Talk(alice, "--name", "new phone")
    talk.prove_who(tablet.now())
    assert "(phone, tablet)" in talk.said
    device = talk.new_device(clock)
    talk.keep_codes()
    assert talk.end() == 0 and names(alice) == ["new phone"]
    clock.advance(30)
    assert not admitted(ssh, alice, alice.codes.now()) and not admitted(ssh, alice, tablet.now())
    assert admitted(ssh, alice, device.now())


def test_adding_where_one_is_allowed_replaces_it(alice, clock, ssh, policy):
    """This is the default; the recovery codes are replaced too."""
    policy("")
    talk = Talk(alice, "add", "tablet")
    talk.prove_who(alice.codes.now())
    assert "it stops working, and so do its recovery codes" in talk.said
    device = talk.new_device(clock)
    recovery_codes = talk.keep_codes()
    assert talk.end() == 0 and names(alice) == ["tablet"]
    clock.advance(30)
    assert not admitted(ssh, alice, alice.codes.now()) and not admitted(ssh, alice, alice.recovery_codes[0])
    assert admitted(ssh, alice, device.now()) and admitted(ssh, alice, recovery_codes[0])


def test_adding_the_first_authenticator_enrols(bobby, clock, ssh, journal):
    talk = Talk(bobby, "add", "tablet")
    device = talk.new_device(clock)
    assert len(talk.keep_codes()) == 10
    assert talk.end() == 0 and names(bobby) == ["tablet"]
    clock.advance(30)
    bobby.codes = device
    assert opens(ssh, bobby)
