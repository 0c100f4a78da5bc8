"""Logins that remember a place at the same moment, or are cut off or fail while they do: no torn file, no refused login, and
nobody is trusted who was not before.
"""

import pytest

import traced
from application import AUTH_ERR, SUCCESS, Application, application, program  # noqa: F401  (fixtures among them)
from clock import wait_until
from locking import MINUTE
from places import (  # noqa: F401  (fixtures among them)
    ELSEWHERE, HERE, code_alone, is_ours_alone, policy, stack, trust_file, trust_section,
)
from self_service import SEVERAL, add
from together import together

pytestmark = pytest.mark.promised_by("ours")

FEWEST_POINTS = 10
FILES = ["credential.toml", "state", "trust"]


@pytest.fixture
def alice(enrol, policy, stack, under_test):
    """An enrolled user, whose good codes are remembered for eight hours, in a stack that asks only for the code."""
    policy(trust_section(remember="8h") + SEVERAL)
    stack(*code_alone(under_test.line()))
    return enrol("alice")


@pytest.fixture
def login(alice, application):
    """`login(CODE)` or `login()` logs in with the answer to whatever is asked; returns the PAM code."""
    return lambda *replies, rhost=HERE: application.login(alice, *replies, rhost=rhost).code


@pytest.fixture
def file(alice, under_test):
    return trust_file(alice, under_test)


def test_one_code_at_many_logins_at_once_is_accepted_once_and_the_file_stays_whole(
    alice, application, login, file, stack, under_test, journal
):
    stack(under_test.line())  # our module alone, so that each login asks
    assert application.crowd(16, alice, alice.codes.now(), rhost=HERE).count(SUCCESS) == 1
    assert journal.names(alice.name).count("otp.accept") == 1
    assert is_ours_alone(file) and sorted(entry.name for entry in file.parent.iterdir()) == FILES
    stack(*code_alone(under_test.line()))
    assert login() == SUCCESS


def test_places_of_several_authenticators_at_the_same_moment_are_all_remembered(alice, program, login, file, clock):
    """None is lost to another login that read the file before it and wrote the file after it."""
    devices = [alice.codes]
    for name in ("tablet", "laptop", "watch"):
        devices.append(add(alice, clock, name))
        clock.advance(60)
    places = [[f"192.0.2.{10 * turn + each}" for each in range(len(devices))] for turn in range(4)]
    with Application(program) as a, Application(program) as b, Application(program) as c, Application(program) as d:
        for addresses in places:
            attempts = [
                lambda one=one, device=device, address=address: one.login(alice, device.now(), rhost=address).code
                for one, device, address in zip((a, b, c, d), devices, addresses)
            ]
            assert together(attempts) == [SUCCESS] * len(devices)
            clock.advance(30)
    assert [place for addresses in places for place in addresses if login(rhost=place) != SUCCESS] == []
    assert is_ours_alone(file)


def test_slow_login_loses_neither_its_own_place_nor_that_of_another(alice, program, login, file, clock):
    """The other login waits for it; the tracer holds the first one up when it is about to rename the file into place."""
    tablet = add(alice, clock, "tablet")
    clock.advance(60)
    calls = once_it_is_written(traced.login(program, alice, alice.codes.now(), rhost="192.0.2.3").from_then_on)
    (last,) = [call for call in calls if call.name == "renameat"]
    clock.advance(30)
    slow_code, quick_code = alice.codes.now(), tablet.now()

    def slow():
        return traced.login(program, alice, slow_code, rhost=HERE, inject=f"renameat:delay_enter=2s:when={last.number}").code

    def quick():
        wait_until(lambda: len(list(file.parent.iterdir())) > len(FILES), "file beside the one that it replaces")
        return login(quick_code, rhost=ELSEWHERE)

    assert together([slow, quick]) == [SUCCESS, SUCCESS]
    assert [login(rhost=place) for place in (HERE, ELSEWHERE, "192.0.2.3")] == [SUCCESS] * 3
    assert is_ours_alone(file)


# ---------------------------------------------------------------------------------------------------------------- killed


def once_it_is_written(calls):
    """The calls after the one that makes the attempt durable."""
    return calls[[call.name for call in calls].index("fdatasync") + 1 :]


def of_the_module(calls):
    """The calls before libpam tells the audit system of the end."""
    return calls[: ["NETLINK_AUDIT" in call.arguments for call in calls].index(True)]


def test_login_killed_while_it_remembers_leaves_a_whole_file_and_the_next_login_works(
    alice, program, login, file, clock, record_property, capsys
):
    """Earlier places are kept; the new one is remembered or it is not."""
    assert login(alice.codes.now()) == SUCCESS
    before = file.read_bytes()
    clock.advance(30)
    calls = once_it_is_written(traced.login(program, alice, alice.codes.now(), rhost=ELSEWHERE).from_then_on)
    remembered = []
    for call in calls:
        file.write_bytes(before)
        clock.advance(30)
        code = alice.codes.now()
        if not traced.login(program, alice, code, rhost=ELSEWHERE, inject=call.kills()).killed:
            continue
        assert login() == SUCCESS and is_ours_alone(file)
        remembered.append(login(rhost=ELSEWHERE) == SUCCESS)
        assert login(code, rhost=None) == AUTH_ERR, "the code is used up"
        clock.advance(30)
        assert login(alice.codes.now(), rhost="192.0.2.3") == SUCCESS
        assert sorted(entry.name for entry in file.parent.iterdir()) == FILES
    record_property("points", len(remembered))
    with capsys.disabled():
        print(f"\nkilled at {len(remembered)} calls, at {sum(remembered)} of them after the place was remembered")
    assert len(remembered) > FEWEST_POINTS and True in remembered and False in remembered
    assert remembered == sorted(remembered)


def test_killing_a_login_that_locks_leaves_nobody_trusted(alice, program, application, login, file, clock, under_test):
    """Neither during the lock nor after it, even after a good code from elsewhere."""
    def four_wrong():
        for _ in range(4):
            assert application.login(alice, alice.codes.wrong(), rhost=ELSEWHERE).code == AUTH_ERR

    assert login(alice.codes.now()) == SUCCESS
    four_wrong()
    calls = once_it_is_written(traced.login(program, alice, alice.codes.wrong(), rhost=ELSEWHERE).from_then_on)
    points = 0
    for call in calls:
        under_test.unlock(alice)
        clock.advance(30)
        assert login(alice.codes.now()) == SUCCESS
        four_wrong()
        points += traced.login(program, alice, alice.codes.wrong(), rhost=ELSEWHERE, inject=call.kills()).killed
        assert login() != SUCCESS
        clock.advance(15 * MINUTE + 1)
        assert login() != SUCCESS
        assert login(alice.codes.now(), rhost=ELSEWHERE) == SUCCESS
        assert login() != SUCCESS
    assert points > FEWEST_POINTS


# --------------------------------------------------------------------------------------------------------- failing calls


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EACCES"])
def test_good_code_admits_whichever_call_of_remembering_it_fails(alice, program, login, file, clock, error):
    calls = of_the_module(once_it_is_written(traced.login(program, alice, alice.codes.now(), rhost=HERE).inside))
    assert len(calls) > FEWEST_POINTS and file.exists()
    for call in calls:
        file.unlink(missing_ok=True)
        clock.advance(30)
        assert traced.login(program, alice, alice.codes.now(), rhost=HERE, inject=call.fails(error)).code == SUCCESS, call
        clock.advance(30)
        if login() != SUCCESS:
            assert login(alice.codes.now()) == SUCCESS
        assert login() == SUCCESS
    assert is_ours_alone(file)


@pytest.mark.parametrize("call", ["openat", "write", "fsync", "renameat"])
def test_log_says_why_a_place_is_not_remembered(alice, program, login, file, journal, clock, call):
    found = once_it_is_written(traced.login(program, alice, alice.codes.now(), rhost=HERE).inside)
    (last,) = [one for one in found if one.name == call and "trust" in one.arguments][-1:]
    file.unlink()
    clock.advance(30)
    assert traced.login(program, alice, alice.codes.now(), rhost=HERE, inject=last.fails("ENOSPC")).code == SUCCESS
    assert [event for event in journal.events(alice.name) if event["event"] == "otp.policy" and "trust" in event["reason"]]
    assert login() != SUCCESS
    assert [entry.name for entry in file.parent.iterdir() if entry.name not in FILES] == []


@pytest.mark.parametrize("error", ["EIO", "ENOENT", "EACCES"])
def test_no_failing_call_makes_an_expired_place_trusted(alice, program, login, clock, error):
    assert login(alice.codes.now()) == SUCCESS
    clock.advance(8 * 60 * MINUTE)
    calls = traced.login(program, alice, rhost=HERE).inside
    for call in calls:
        assert traced.login(program, alice, rhost=HERE, inject=call.fails(error)).code != SUCCESS, call


def test_place_that_a_lock_could_not_remove_is_no_longer_trusted(alice, program, application, login, file, clock):
    assert login(alice.codes.now()) == SUCCESS
    for _ in range(4):
        assert application.login(alice, alice.codes.wrong(), rhost=ELSEWHERE).code == AUTH_ERR
    assert traced.login(program, alice, alice.codes.wrong(), rhost=ELSEWHERE, inject="unlinkat:error=EIO").code == AUTH_ERR
    assert file.exists() and login() != SUCCESS
    clock.advance(15 * MINUTE + 1)
    assert login() != SUCCESS
    assert login(alice.codes.now(), rhost=ELSEWHERE) == SUCCESS
    assert login() != SUCCESS
