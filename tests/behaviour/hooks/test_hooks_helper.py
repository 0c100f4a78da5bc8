"""Events that otp-helper queues, with the user id of the user whose process asks: what such users can and cannot do to these
events."""

import os
import pwd
import resource
import stat

import pytest

import notified
from helper import Helper, message
from notified import INCOMING, QUEUE, hook, notify, section, waiting  # noqa: F401
from policy_file import policy  # noqa: F401

pytestmark = [pytest.mark.promised_by("ours")]

# The limit in otp-queue: events of one kind about one account that one user causes.
MOST_ALIKE = 32


@pytest.fixture
def asks(under_test, hook, policy):
    """`asks(CALLER, ABOUT)` asks the helper about another user's account, which is denied and is an event."""
    policy(section(["denied", "hook"]))

    def ask(caller, about, **how):
        with Helper(under_test.helper, caller, **how) as helper:
            assert helper.ask(message("status", about.name)) == ["denied"]

    return ask


def test_event_queued_by_the_helper_reaches_the_hook_with_the_kernels_word_for_the_user(asks, hook, alice, carol):
    asks(alice, carol)
    (event,) = INCOMING.iterdir()
    found = event.stat()
    assert (found.st_uid, found.st_gid) == (pwd.getpwnam(alice.name).pw_uid, QUEUE.stat().st_gid)
    assert stat.S_IMODE(found.st_mode) == 0o640
    notify()
    (event,) = hook.events()
    assert event["event"] == "otp.denied" and event["account"] == carol.name
    assert event["written_by_uid"] == event["actor"]["caller_uid"] == pwd.getpwnam(alice.name).pw_uid


def test_users_fill_the_queue_only_with_their_own_events(asks, hook, alice, carol, bobby):
    for _ in range(MOST_ALIKE + 3):
        asks(alice, carol)
    asks(alice, bobby)
    asks(bobby, carol)
    assert waiting() == MOST_ALIKE + 2
    notify()
    assert hook.names(carol).count("otp.denied") == MOST_ALIKE + 1 and hook.names(bobby) == ["otp.denied"]
    (dropped,) = [event for event in hook.events() if event["event"] == "otp.hook"]
    assert dropped["keys"]["count"] == "3"


@pytest.mark.parametrize("longest", [0, 1, 100])
def test_limit_of_the_caller_drops_the_event_and_the_log_says_so(asks, hook, alice, carol, journal, longest):
    for _ in range(2):  # the first event may start the count
        before = len(journal.lines())
        asks(alice, carol, limits={resource.RLIMIT_FSIZE: longest})
        assert waiting() == 0
        assert any("otp.hook" in line and "limit on the size of files" in line for line in journal.lines(before))
    asks(alice, carol)
    notify()
    assert hook.names(carol) == ["otp.denied"]


def test_environment_umask_and_descriptors_of_the_caller_change_nothing(asks, hook, alice, carol):
    def odd():
        os.umask(0)
        os.chdir("/tmp")
        os.dup2(0, 9)

    asks(alice, carol, prepare=odd, environment={"TMPDIR": "/tmp", "HOME": "/tmp"})
    (event,) = INCOMING.iterdir()
    assert stat.S_IMODE(event.stat().st_mode) == 0o640
    notify()
    assert hook.names(carol) == ["otp.denied"]


def test_without_a_queue_the_helper_answers_and_makes_none(asks, hook, alice, carol, journal):
    notified.forget()
    before = len(journal.lines())
    asks(alice, carol)
    assert not QUEUE.exists()
    assert any("otp.hook" in line and "is not there" in line for line in journal.lines(before))
