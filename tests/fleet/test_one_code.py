"""One code, 64 logins at once on eight machines through three verifiers: exactly one is let in. Whatever fails meanwhile, it is never
two; and the store's own history agrees with the answer to every login."""
# every etcd

import collections
import os
import random
import time

import pytest

import etcd
import hosts
import logins
import register
import rounds as played
import store
from clock import wait_until
from register import YES

pytestmark = pytest.mark.promised_by("ours")

EACH = 8
ROUNDS = int(os.environ.get("OTP_ROUNDS") or 4)
# Rounds with each fault: everything that was broken must be whole again before the next.
FAULTY = int(os.environ.get("OTP_ROUNDS") or 2)
# The file into which tests/fleet/long has the results written.
LEDGER = os.environ.get("OTP_LEDGER")


def leader_killed(fleet, leader):
    fleet.cluster.kill(leader)


def leader_frozen(fleet, leader):
    fleet.cluster.freeze(leader)


def two_members_stopped(fleet, _):
    for member in fleet.cluster.members[:2]:
        fleet.cluster.freeze(member)


def two_members_stopped_for_a_while(fleet, _):
    two_members_stopped(fleet, _)
    time.sleep(2)
    for member in fleet.cluster.members[:2]:
        fleet.cluster.thaw(member)


def verifier_killed(fleet, _):
    fleet.kill(fleet.verifiers[0])


def leader_cut_off(fleet, leader):
    """Cuts the leader off from the other members only: its clients still reach it."""
    fleet.wire.cut([leader], [member for member in fleet.cluster.members if member is not leader])


def verifier_cut_off_from_etcd(fleet, _):
    fleet.wire.cut([fleet.verifiers[0]], fleet.cluster.members)


def frames_get_lost(fleet, _):
    fleet.wire.lose(50)


FAULTS = {fault.__name__: fault for fault in (
    leader_killed, leader_frozen, two_members_stopped, two_members_stopped_for_a_while, verifier_killed, leader_cut_off,
    verifier_cut_off_from_etcd, frames_get_lost)}
assert tuple(FAULTS) == played.FAULTS


@pytest.fixture
def rounds(fleet, crowds, enrolled):
    """`rounds(COUNT, before, after)` plays rounds of logins at once. `before` is called before each round and returns the event that
    happens during it; `after` mends what that event has broken.

    Several people take turns, so that the clock need not jump by a step from one round to the next: verifiers would distrust each
    other's clocks.
    """

    def play(count, before=lambda: lambda: None, after=lambda: None):
        people, found = [enrolled() for _ in range(4)], []
        for number in range(count):
            fleet.clock.advance(10)
            person = people[number % len(people)]
            meanwhile = before()
            of_this = crowds.at_once(EACH, person, person.codes.now(), fleet.step(), meanwhile)
            # This comes before the repair, which may fail.
            assert register.faults_of_logins([login for login, _ in of_this]) == []
            found += of_this
            after()
        return found

    return play


@pytest.fixture
def assert_once(fleet, record_property):
    """`assert_once(scenario, found)` checks the promises of every round of every scenario, and returns the rounds that let nobody in."""
    began = time.monotonic()

    def check(scenario, found):
        told = [login for login, _ in found]
        accounts = {login.account for login in told}
        history = [one for one in store.acceptances(fleet.cluster.history()) if one.account in accounts]
        faults = register.faults_of_logins(told) + register.faults_of_history(told, history)
        rounds = sorted({(login.account, login.step) for login in told})
        let_in = collections.Counter((login.account, login.step) for login in told if login.told == YES)
        nobody = [one for one in rounds if let_in[one] == 0]
        figures = {
            "rounds": len(rounds), "logins": len(told), "one": sum(let_in[one] == 1 for one in rounds), "nobody": len(nobody),
            "two": sum(let_in[one] > 1 for one in rounds), "unknown": sum(code == logins.AUTHINFO_UNAVAIL for _, code in found)}
        if LEDGER:
            played.write(hosts.WORLD / "results" / LEDGER, {
                "build": played.build_of(hosts.WORLD / "bin"), "scenario": scenario,
                "etcd": int(os.environ.get("OTP_WHICH_ETCD") or 0), "when": played.now(),
                "seconds": round(time.monotonic() - began, 1), **figures, "faults": faults})
        assert faults == []
        line = ", ".join(f"{count} {name}" for name, count in figures.items())
        record_property("figures", line)
        print(line)
        return nobody

    return check


def test_one_code_lets_exactly_one_in(rounds, assert_once):
    found = rounds(ROUNDS)
    nobody = assert_once(played.NO_FAULT, found)
    # On a machine that is too busy to answer in time, a login is told so; then the login that counted may be one of these.
    unanswered = {(login.account, login.step) for login, _ in found if login.told == register.UNKNOWN}
    assert set(nobody) <= unanswered


@pytest.mark.parametrize("fault", FAULTS)
def test_never_two_whatever_fails(fleet, rounds, fault, assert_once):
    # The moments differ in each piece of tests/fleet/long, and are the same in each tests/run.
    chance = random.Random(f"{fault} {os.environ.get('OTP_PART', '') if LEDGER else ''}")

    def before():
        leader = fleet.cluster.leader()

        def meanwhile():
            # The fault comes at any moment of the round.
            time.sleep(chance.uniform(0, 0.5))
            FAULTS[fault](fleet, leader)

        return meanwhile

    def after():
        fleet.wire.heal()
        fleet.wire.lose(0)
        fleet.repair()

    assert_once(fault, rounds(FAULTY, before, after))


def test_never_two_when_clocks_are_20_seconds_apart(fleet, rounds, assert_once):
    fleet.verifiers[0].ahead, fleet.verifiers[2].ahead = 10, -10
    try:
        def somebody_is_let_in():
            """Succeeds in the first rounds, unless the machine is too busy for any answer in time."""
            fleet.later(1)
            return len(assert_once(played.CLOCKS, rounds(ROUNDS))) < ROUNDS

        wait_until(somebody_is_let_in, "round that lets somebody in", etcd.PATIENCE)
    finally:
        fleet.verifiers[0].ahead = fleet.verifiers[2].ahead = 0
        # No clock goes back.
        fleet.later(30)


def test_of_64_wrong_codes_at_most_five_are_judged(fleet, crowds, person):
    wrong = person.codes.wrong()
    codes = []

    def is_locked():
        """Locks at once, unless so many logins end without an answer that fewer than five are judged."""
        codes.extend(code for _, code in crowds.at_once(EACH, person, wrong, fleet.step()))
        assert set(codes) <= {logins.AUTH_ERR, logins.MAXTRIES, logins.AUTHINFO_UNAVAIL}
        assert codes.count(logins.AUTH_ERR) <= 5
        state = fleet.state_of(person)
        assert max(state.counts) <= 5
        return state.standing[0] == "locked"

    wait_until(is_locked, "lock", etcd.PATIENCE)
    fleet.later(30)
    right = [code for _, code in crowds.at_once(1, person, person.codes.now(), fleet.step())]
    assert set(right) <= {logins.MAXTRIES, logins.AUTHINFO_UNAVAIL}
