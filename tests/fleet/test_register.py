"""The checker itself: it reports no fault in a possible history, and at least one in every impossible history."""

import dataclasses
import itertools
import random

import pytest

import register
from register import NO, UNKNOWN, YES, Acceptance, Login

pytestmark = pytest.mark.promised_by("ours")


def login(told, step=10, began=0, ended=1, machine="m1", account="alice"):
    return Login(account, machine, step, began, ended, told)


def accepted(step=10, revision=5, machine="m1", account="alice"):
    return Acceptance(account, machine, step, revision)


GOOD = {
    "one of many at once": [login(YES), *[login(NO)] * 63],
    "one after the other": [login(YES, 10, 0, 1), login(YES, 11, 2, 3), login(NO, 10, 4, 5)],
    "refused before the yes was told": [login(NO, 10, 0, 1), login(YES, 10, 0.5, 9)],
    "nobody let in, and one without an answer": [login(UNKNOWN, 10, 0, 1), login(NO, 10, 2, 3)],
    "one without an answer that never counted": [login(UNKNOWN, 10, 0, 1), login(YES, 10, 2, 3)],
    "one without an answer that counted late": [login(UNKNOWN, 10, 0, 1), login(YES, 9, 2, 3), login(NO, 10, 4, 5)],
    "one without an answer that counted in the next round": [login(UNKNOWN, 10, 0, 1), login(NO, 9, 2, 3)],
    "two accounts": [login(YES), login(YES, account="bobby")],
}
BAD = {
    "two at once": [login(YES), login(YES, machine="m2")],
    "two one after the other": [login(YES, 10, 0, 1), login(YES, 10, 2, 3)],
    "an older step after a newer one": [login(YES, 11, 0, 1), login(YES, 10, 2, 3)],
    "refused, and nobody was let in": [login(NO)],
    "refused before anybody began": [login(NO, 10, 0, 1), login(YES, 10, 2, 3)],
    "refused for one that came too late": [login(NO, 10, 0, 1), login(UNKNOWN, 10, 2, 3)],
    "refused for an older step": [login(YES, 9, 0, 1), login(NO, 10, 2, 3)],
}


@pytest.mark.parametrize("name", GOOD)
def test_a_possible_history_is_no_fault(name):
    assert register.faults_of_logins(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_an_impossible_history_is_a_fault(name):
    assert register.faults_of_logins(BAD[name]) != []


def by_every_order(logins):
    """Answers the same question in the plainest way: every order, and every choice of which logins without an answer counted."""
    unknown = [one for one in logins if one.told == UNKNOWN]
    for count in range(len(unknown) + 1):
        for chosen in itertools.combinations(unknown, count):
            kept = [one for one in logins if one.told != UNKNOWN]
            kept += [dataclasses.replace(one, ended=float("inf")) for one in chosen]
            if any(is_right(order) for order in itertools.permutations(kept)):
                return True
    return False


def is_right(order):
    floor = -1
    for at, one in enumerate(order):
        if any(later.ended < one.began for later in order[at + 1:]):
            return False
        above = one.step > floor
        if above != (one.told != NO):
            return False
        floor = max(floor, one.step)
    return True


def test_the_search_agrees_with_trying_every_order():
    chance = random.Random(17)
    answers = []
    for _ in range(3000):
        logins = []
        for number in range(chance.randint(1, 5)):
            began = chance.randint(0, 6)
            told, step, ended = chance.choice([YES, NO, UNKNOWN]), chance.randint(10, 12), began + chance.randint(1, 4)
            logins.append(login(told, step, began, ended, f"m{number}"))
        answers.append(by_every_order(logins))
        assert register.can_be_ordered(logins) == answers[-1], logins
    assert 300 < answers.count(True) < 2700


def test_a_thousand_rounds_are_checked():
    rounds = [login(YES if number == 7 else NO, step, 10 * step, 10 * step + 5, f"m{number}")
              for step in range(1000) for number in range(64)]
    assert register.can_be_ordered(rounds)
    rounds[-1] = dataclasses.replace(rounds[-1], told=YES)
    assert not register.can_be_ordered(rounds)


HISTORIES = {
    "accepted twice": ([login(YES)], [accepted(), accepted(revision=6)]),
    "for another machine": ([login(YES, machine="m2"), login(NO)], [accepted()]),
    "not at all": ([login(YES)], []),
    "for a login that was refused": ([login(NO)], [accepted()]),
    "for nobody": ([], [accepted()]),
    "backwards": ([login(YES, 11, 0, 1), login(UNKNOWN, 10, 0, 1)], [accepted(11, 5), accepted(10, 6)]),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_stores_history_that_contradicts_the_answers_is_a_fault(name):
    assert register.faults_of_history(*HISTORIES[name]) != []


@pytest.mark.parametrize("logins, acceptances", [
    ([login(YES), login(NO, machine="m2")], [accepted()]),
    ([login(UNKNOWN), login(NO, machine="m2")], [accepted()]),
    ([login(UNKNOWN)], []),
    ([login(YES, 10), login(YES, 11, machine="m2")], [accepted(10, 5), accepted(11, 6, "m2")]),
])
def test_a_stores_history_that_agrees_with_the_answers_is_no_fault(logins, acceptances):
    assert register.faults_of_history(logins, acceptances) == []
