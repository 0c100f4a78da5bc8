"""Clocks of authenticators that are off: two codes in a row from equally far off make the clock count as right (RFC 6238
section 6), a single one does not.

Ahead by ten steps is five minutes. test_several_authenticators shows that each authenticator has a drift of its own.
"""

import re

import pytest

from accounts import create
from codes import Codes
from locking import FAILURES, MINUTE, fail, locked
from self_service import CODE, SEVERAL, Talk, add, policy, status  # noqa: F401  (a fixture among them)
from together import together

pytestmark = pytest.mark.promised_by("ours")

FAR = 10
LIMIT = 20  # ten minutes, in steps of thirty seconds
CLOCK_IS_OFF = "the code was right for a clock that is minutes off"


def bring(door, account, steps):
    """Makes an attempt with the code of an authenticator that is that many steps ahead, or behind."""
    return door.attempt(account, account.password, account.codes.at_step(steps))


def opens(door, account, steps):
    return bring(door, account, steps).admitted


def learn(door, account, clock, steps):
    """Makes the clock count as right by two codes in a row; then a minute passes."""
    assert not opens(door, account, steps)
    clock.advance(30)
    assert opens(door, account, steps)
    clock.advance(MINUTE)


@pytest.fixture
def enrol(enrol):
    """An account whose codes all differ: drift must follow from the code, and one key in forty repeats a code within a
    test's time."""

    def create_unambiguous(*arguments):
        while True:
            account = enrol(*arguments)
            if account.codes.all_differ():
                return account

    return create_unambiguous


@pytest.fixture
def rows(ssh, enrol, clock):
    """`rows(ROW, ...)` makes an account for each row of distances, and tries all rows at once; returns which attempts
    succeeded.

    The attempts of a row are a quarter of an hour apart, so that each code is later than the one before.
    """

    def bring_all(*rows):
        accounts = [enrol("carol") for _ in rows]
        opened = []
        for turn in zip(*rows):
            attempts = [lambda who=who, steps=steps: opens(ssh, who, steps) for who, steps in zip(accounts, turn)]
            opened.append(together(attempts))
            clock.advance(15 * MINUTE)
        return [list(row) for row in zip(*opened)]

    return bring_all


def last_refusal(under_test, account):
    """The last refusal in `otp-admin show`."""
    return re.search(r"(?m)^ *[Ll]ast refusal:? +(.*)$", under_test.admin("show", account.name))[1]


# ------------------------------------------------------------------------------------------------- two in a row, one, none


def test_second_of_two_in_a_row_admits_and_from_then_on_one_is_enough(door, alice, clock):
    learn(door, alice, clock, -FAR)
    assert opens(door, alice, -FAR)


def test_same_code_twice_proves_nothing(door, alice, clock):
    code = alice.codes.at_step(FAR)
    for failures in (1, 2):
        assert door.attempt(alice, alice.password, code).refused
        assert status(alice)["failures"] == failures
        clock.advance(30)


def test_any_drift_from_outside_the_window_to_ten_minutes_is_learnt(rows):
    assert rows([LIMIT] * 3, [2] * 3, [-2] * 3, [-LIMIT] * 3) == [[False, True, True]] * 4


def test_beyond_ten_minutes_no_number_of_codes_admits_or_counts_as_one_of_the_two(rows):
    beyond = LIMIT + 1
    assert rows([beyond] * 3, [-beyond] * 3, [beyond, beyond, LIMIT], [LIMIT, beyond, LIMIT]) == [[False] * 3] * 4


def test_distances_may_differ_by_one_step_and_the_second_is_kept(rows):
    """Two clocks that are 100 s apart are three steps apart at one moment and four at another."""
    assert rows([10, 11, 12], [10, 9, 8], [-10, -9, -8], [-10, -11, -12]) == [[False, True, True]] * 4


def test_distances_may_not_differ_by_two_steps_and_the_second_counts_as_a_first(rows):
    assert rows([10, 12, 12], [10, 8, 8], [-10, -8, -8], [-10, -12, -12], [10, -10, -10]) == [[False, False, True]] * 5


# ---------------------------------------------------------------------------------------- other replies between the two


def test_wrong_code_between_the_two_discards_the_first(door, alice, clock):
    assert not opens(door, alice, FAR)
    fail(door, alice, 1)
    clock.advance(30)
    learn(door, alice, clock, FAR)


def test_right_used_or_recovery_code_between_the_two_discards_the_first(ssh, alice, clock):
    code = alice.codes.now()
    for between, admitted in ((code, True), (code, False), (alice.recovery_codes[0], True)):
        assert not opens(ssh, alice, FAR)
        assert ssh.attempt(alice, alice.password, between).admitted == admitted
        clock.advance(30)
    assert not opens(ssh, alice, FAR)


def test_right_code_of_another_authenticator_between_the_two_discards_the_first(ssh, alice, clock, policy):
    policy(SEVERAL)
    tablet = add(alice, clock, "tablet")
    clock.advance(MINUTE)
    assert not opens(ssh, alice, FAR)
    assert ssh.attempt(alice, alice.password, tablet.now()).admitted
    clock.advance(30)
    assert not opens(ssh, alice, FAR)


def test_empty_reply_between_the_two_is_no_attempt(door, alice, clock):
    assert not opens(door, alice, FAR)
    assert door.attempt(alice, alice.password, "").refused
    clock.advance(30)
    assert opens(door, alice, FAR)


def test_codes_at_all_doors_are_one_row(every_door, alice, clock):
    assert not opens(every_door["pamtester"], alice, FAR)
    fail(every_door["su"], alice, 1)
    clock.advance(30)
    assert not opens(every_door["sshd"], alice, FAR)
    clock.advance(30)
    assert opens(every_door["sudo"], alice, FAR)


def test_second_code_at_every_door_at_once_admits_one(every_door, alice, clock):
    assert not opens(every_door["sshd"], alice, FAR)
    clock.advance(30)
    code = alice.codes.at_step(FAR)
    outcomes = together([lambda door=door: door.attempt(alice, alice.password, code) for door in every_door.values()])
    assert sum(outcome.admitted for outcome in outcomes) == 1


# ------------------------------------------------------------------------------------------------------ what is learnt


@pytest.mark.parametrize("steps", [FAR, -FAR])
def test_window_moves_with_the_drift_and_gets_no_wider(ssh, alice, clock, steps):
    learn(ssh, alice, clock, steps)
    assert not opens(ssh, alice, steps + 2) and not opens(ssh, alice, 0)
    assert opens(ssh, alice, steps - 1) and opens(ssh, alice, steps + 1)


def test_slow_clock_set_right_is_learnt_like_any_other(ssh, alice, clock, journal):
    learn(ssh, alice, clock, -FAR)
    learn(ssh, alice, clock, 0)
    assert opens(ssh, alice, 0)
    assert [event.get("drift_steps") for event in journal.events(alice.name)] == [None, "-10", None, "0", None]


def test_fast_clock_set_right_must_wait_until_the_time_that_it_had_shown(ssh, alice, clock, under_test):
    """Codes up to that time may have been seen: their steps are at or below the last accepted one."""
    learn(ssh, alice, clock, FAR)
    for _ in range(2):
        assert not opens(ssh, alice, 0)
        clock.advance(30)
    assert CLOCK_IS_OFF not in last_refusal(under_test, alice)
    clock.advance((FAR - 4) * 30)
    assert not opens(ssh, alice, 0)  # exactly the last accepted step
    clock.advance(30)
    learn(ssh, alice, clock, 0)


def test_used_steps_never_match_again_when_the_clock_runs_back(door, alice, clock, under_test):
    learn(door, alice, clock, FAR)
    last = FAR + 8
    clock.advance(-MINUTE - 8 * 30)  # the last accepted code is 18 steps ahead now
    assert not opens(door, alice, last - 1) and not opens(door, alice, last)
    assert CLOCK_IS_OFF not in last_refusal(under_test, alice)
    assert not opens(door, alice, last + 1)
    assert opens(door, alice, last + 2)


def test_machine_whose_own_clock_is_slow_learns_the_distance(ssh, alice, clock, journal):
    assert opens(ssh, alice, 0)
    clock.advance(-5 * MINUTE)
    learn(ssh, alice, clock, FAR + 1)
    assert opens(ssh, alice, FAR + 1)
    assert journal.events(alice.name)[2]["drift_steps"] == "11"


def test_new_authenticator_begins_without_drift(ssh, alice, clock, under_test):
    learn(ssh, alice, clock, -FAR)
    alice.codes = Codes(under_test.enrol(alice, "--force"), clock)
    assert not opens(ssh, alice, -FAR)
    assert opens(ssh, alice, 0)


class HalfAsFast:
    """Steps are numbers: a 60 s step has the code of a 30 s step by a clock that runs half as fast."""

    def __init__(self, clock):
        self._clock = clock

    def utc(self, offset=0):
        return self._clock.utc(offset + self._clock.now // 2 - self._clock.now)


@pytest.mark.parametrize("steps, learnt", [(-10, True), (10, True), (-11, False), (11, False)])
def test_ten_minutes_are_ten_steps_of_sixty_seconds(ssh, clock, under_test, policy, journal, steps, learnt):
    policy("[code]\nperiod = 60\n")
    carol = create("carol")
    carol.codes = Codes(under_test.enrol(carol), HalfAsFast(clock))
    assert not opens(ssh, carol, steps)
    clock.advance(60)
    assert opens(ssh, carol, steps) == learnt
    assert journal.events(carol.name)[-1].get("drift_steps") == (str(steps) if learnt else None)


# -------------------------------------------------------------------------------------------------------------- counting


def test_first_code_counts_as_a_failure_and_the_second_resets_the_count(door, alice, clock):
    fail(door, alice, FAILURES - 2)
    assert not opens(door, alice, FAR)
    assert status(alice)["failures"] == FAILURES - 1
    clock.advance(30)
    assert opens(door, alice, FAR)
    assert status(alice)["failures"] == 0


def test_first_code_can_lock_and_then_the_second_is_not_looked_at(door, alice, clock):
    fail(door, alice, FAILURES - 1)
    assert bring(door, alice, FAR).says("locked until")
    clock.advance(30)
    assert bring(door, alice, FAR).says("locked until")
    clock.advance(15 * MINUTE)
    assert not opens(door, alice, FAR)  # the first code is forgotten, since there was an attempt in between


def test_first_code_that_locked_is_followed_by_the_second_after_the_lock(ssh, alice, clock):
    fail(ssh, alice, FAILURES - 1)
    assert not opens(ssh, alice, FAR)
    clock.advance(15 * MINUTE + 1)
    assert opens(ssh, alice, FAR)


# --------------------------------------------------------------------------------- what users and administrators are told


def test_log_has_an_ordinary_refusal_and_then_a_warning_with_the_drift(door, alice, clock, journal):
    fail(door, alice, 1)
    learn(door, alice, clock, -FAR)
    assert opens(door, alice, -FAR)
    wrong, first, second, usual = journal.events(alice.name)
    unlike = ("line", "rhost", "tries_left", "id")
    assert {key: first[key] for key in first if key not in unlike} == {key: wrong[key] for key in wrong if key not in unlike}
    assert (first["event"], first["counted"], first["tries_left"]) == ("otp.reject", "yes", "3")
    assert (second["event"], second["drift_steps"]) == ("otp.accept", "-10")
    assert (usual["event"], usual.get("drift_steps")) == ("otp.accept", None)
    # Facility authpriv, with severities notice, warning and info.
    assert [event["line"][:4] for event in (first, second, usual)] == ["<85>", "<84>", "<86>"]


def test_user_is_told_the_same_as_about_a_wrong_code_and_nothing_at_the_second(door, alice, clock):
    """Attackers do not learn that a code was right for another time."""
    wrong = door.attempt(alice, alice.password, alice.codes.wrong())
    first = bring(door, alice, FAR)
    clock.advance(30)
    second = bring(door, alice, FAR)
    clock.advance(30)
    usual = bring(door, alice, FAR)
    assert first.says("check that your device sets its clock automatically")
    assert (first.prompts, first.messages) == (wrong.prompts, wrong.messages)
    assert (second.prompts, second.messages) == (usual.prompts, usual.messages)


def test_administrator_is_told_that_the_clock_is_off(door, alice, under_test):
    assert not opens(door, alice, FAR)
    assert last_refusal(under_test, alice).startswith(f"2027-01-15 08:00 UTC: {CLOCK_IS_OFF}")


def test_codes_of_otp_enroll_test_count_like_those_of_a_login(ssh, alice, clock):
    refused, learnt = "A login would have been refused", "counter of the device was off; that is now allowed for"
    for exit_status, said in ((1, refused), (0, learnt)):
        talk = Talk(alice, "test")
        talk.until(CODE)
        talk.answer(alice.codes.at_step(FAR))
        assert talk.end() == exit_status and said in talk.said, talk.screen
        clock.advance(30)
    assert opens(ssh, alice, FAR)
