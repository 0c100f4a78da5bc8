"""Logins, and otp-notify, that are killed or hindered at any of their calls while an event is on its way: no answered login's
event is lost, nothing is out of order, and no login waits or is refused because of the hook.
"""

import collections
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

import notified
import traced
from application import AUTH_ERR, SUCCESS, application, program, service  # noqa: F401  (fixtures among them)
from notified import INCOMING, MAKING, NOTIFY, QUEUE, hook, notify, section, waiting  # noqa: F401
from policy_file import policy  # noqa: F401
from small_disk import SmallDisk, kinds_that_this_machine_has
from traced import CALL

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

ERRORS = ["EIO", "ENOSPC", "EACCES", "EINTR", "EMFILE", "EROFS"]


class Logins:
    """Alice's logins with a right code; nothing but waiting lies between them."""

    def __init__(self, program, account, clock):
        self.program, self.account, self.clock = program, account, clock

    def traced(self, inject=None):
        self.clock.advance(60)
        return traced.login(self.program, self.account, self.account.codes.now(), inject=inject)

    def calls_about_the_queue(self):
        """The calls from the first look at the queue until the program gets the answer."""
        inside = self.traced().inside
        first = next(at for at, call in enumerate(inside) if '".queue"' in call.arguments)
        last = max(at for at, call in enumerate(inside) if ".queue" in call.arguments)
        calls = inside[first : last + 1]
        assert [call.name for call in calls].count("fsync") == 2 and len(calls) > 12, calls
        return calls


@pytest.fixture
def logins(program, alice, clock):
    return Logins(program, alice, clock)


def accepted(hook, account):
    """How many logins the hook has been told of since the last call of this function."""
    notify()
    names = hook.names(account)
    assert set(names) <= {"otp.accept"}
    (notified.GOT / "events").unlink(missing_ok=True)
    return len(names)


def test_login_killed_while_it_queues_loses_nothing_that_was_answered(logins, hook, alice, application):
    calls = logins.calls_about_the_queue()
    accepted(hook, alice)
    told = []
    for call in calls:
        login = logins.traced(call.kills())
        assert login.killed and login.code is None, call
        told.append(accepted(hook, alice))
        assert told[-1] in (0, 1), call
        logins.clock.advance(60)
        assert application.login(alice, alice.codes.now()).code == SUCCESS
        assert accepted(hook, alice) == 1, call
    # Every kill after the first that left the event in the queue leaves it there too.
    assert told == sorted(told) and set(told) == {0, 1}
    logins.clock.advance(3 * 3600)
    notify()
    assert not any(MAKING.iterdir())


@pytest.mark.parametrize("error", ERRORS)
def test_no_failing_call_about_the_queue_refuses_a_login_and_dropped_events_are_logged(logins, hook, alice, journal, error):
    calls = logins.calls_about_the_queue()
    accepted(hook, alice)
    for call in calls:
        before = len(journal.lines())
        assert logins.traced(call.fails(error)).code == SUCCESS, f"{call} failed with {error}"
        dropped = [line for line in journal.lines(before) if 'otp.hook user="' in line and 'source="otp.accept"' in line]
        # An event that could not be synced may be there all the same.
        assert accepted(hook, alice) + len(dropped) >= 1, f"{call} failed with {error}"


def test_every_event_is_on_disk_before_the_answer(logins, hook):
    calls = [call.name for call in logins.calls_about_the_queue() if call.name in ("write", "fsync", "renameat", "linkat")]
    assert calls[-4:] == ["write", "fsync", "renameat", "fsync"]


@pytest.mark.parametrize("kind", kinds_that_this_machine_has())
def test_full_disk_drops_events_and_refuses_nobody(kind, under_test, policy, application, enrol, clock, journal):
    with SmallDisk(kind, under_test.state_directory) as disk:
        alice = enrol("alice")
        hook = notified.Hook()
        policy(section(["accept", "hook"]))
        notify()
        disk.fill()
        before = len(journal.lines())
        for _ in range(3):
            assert application.login(alice, alice.codes.now()).code == SUCCESS
            clock.advance(30)
        assert sum("otp.hook" in line and "otp.accept" in line for line in journal.lines(before)) == 3
        for ballast in under_test.state_directory.glob("ballast*"):
            ballast.unlink()
        assert application.login(alice, alice.codes.now()).code == SUCCESS
        notify()
        dropped = [event for event in hook.events() if event["event"] == "otp.hook"]
        assert [event["keys"]["count"] for event in dropped] == ["3"]
        assert hook.names(alice) == ["otp.accept"]
        notify()
        assert len(hook.events()) == 2, "the loss is told once"


@pytest.mark.parametrize("spoil", [
    lambda: (shutil.rmtree(QUEUE), QUEUE.write_text("")),
    lambda: (shutil.rmtree(QUEUE), QUEUE.symlink_to("/etc")),
    lambda: QUEUE.chmod(0o777),
    lambda: os.chown(QUEUE, 1, 1),
    lambda: (shutil.rmtree(INCOMING), INCOMING.symlink_to("/etc")),
    lambda: (shutil.rmtree(MAKING), os.mkfifo(MAKING)),
])
def test_unusable_queue_refuses_nobody(hook, application, alice, journal, spoil):
    spoil()
    etc = sorted(os.listdir("/etc"))
    before = len(journal.lines())
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    assert any("otp.hook" in line and "otp.accept" in line for line in journal.lines(before))
    assert notify(status=None).returncode in (0, 2)
    assert sorted(os.listdir("/etc")) == etc


def test_missing_queue_is_made_anew(hook, application, alice):
    notified.forget()
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    notify()
    assert hook.names(alice) == ["otp.accept"]


def test_hook_that_hangs_keeps_no_login_waiting(hook, application, alice, clock):
    hook.does("cat >> /run/hook-got/events; : > /run/hook-got/started; exec sleep 100000")
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    with subprocess.Popen([NOTIFY, "--time-limit", "3600"], stdin=subprocess.DEVNULL) as running:
        while not (notified.GOT / "started").exists():
            assert running.poll() is None
        for _ in range(3):
            clock.advance(30)
            assert application.login(alice, alice.codes.now()).code == SUCCESS
        # The same holds for a stopped otp-notify, whatever it holds.
        running.send_signal(19)
        clock.advance(30)
        assert application.login(alice, alice.codes.now()).code == SUCCESS
        running.kill()
    subprocess.run(["pkill", "--full", "sleep 100000", "--uid", notified.USER], check=True)
    hook.does(notified.KEEPS)
    notify()
    # The first event comes again, since nobody has said that it was taken.
    assert hook.names(alice) == ["otp.accept"] * 6 and len({event["id"] for event in hook.events()}) == 5


# otp-notify, killed at each of these calls.

NAMES = ("openat", "renameat", "unlinkat", "write", "fsync", "fdatasync", "flock", "mkdirat", "getdents64", "memfd_create",
         "clone3", "execve", "poll", "wait4", "waitid", "kill", "close", "read", "futex")


def calls_of_a_run():
    """How often a run makes each of these calls, counted in the thread that makes it most often."""
    with tempfile.NamedTemporaryFile("r", prefix="trace.", errors="backslashreplace") as trace:
        notify(wrapped=["strace", "--follow-forks", "-o", trace.name, "-e", f"trace={','.join(NAMES)}"])
        counted = collections.Counter()
        for line in trace.read().splitlines():
            thread, _, rest = line.partition(" ")
            found = CALL.match(rest.strip())
            if found:
                counted[found["name"], thread] += 1
    most = collections.Counter()
    for (name, _), number in counted.items():
        most[name] = max(most[name], number)
    return most


def test_killing_otp_notify_at_any_call_loses_no_event_and_no_order(
    hook, policy, application, alice, carol, clock, record_property, capsys
):
    def some_events():
        for account in (alice, carol):
            clock.advance(30)
            assert application.login(account, account.codes.wrong()).code == AUTH_ERR
            assert application.login(account, account.codes.now()).code == SUCCESS
        policy(section(), f"# {clock.now}")

    some_events()
    counted = calls_of_a_run()
    assert counted["renameat"] >= 4 and counted["unlinkat"] >= 1, counted
    cases = 0
    for name, most in counted.items():
        # Of calls that are many and alike, one in several.
        for number in range(1, most + 1, max(1, most // 12)):
            (notified.GOT / "events").unlink(missing_ok=True)
            some_events()
            inject = f"inject={name}:signal=KILL:when={number}"
            done = notify(status=None, wrapped=["strace", "--follow-forks", "-o", "/dev/null", "-e", inject])
            cases += done.returncode != 0
            clock.advance(3601)
            notify()
            where = f"killed at {name} {number}"
            for account in (alice, carol):
                once = list(dict.fromkeys((event["id"], event["event"]) for event in hook.events() if event.get("account") == account.name))
                assert [event for _, event in once] == ["otp.reject", "otp.accept"], where
            changed = {event["id"] for event in hook.events() if event["event"] == "otp.policychanged"}
            assert len(changed) == 1, where
            assert waiting() == 0, where
    record_property("cases", cases)
    with capsys.disabled():
        print(f"\notp-notify: killed at {cases} calls")
    assert cases > 60
