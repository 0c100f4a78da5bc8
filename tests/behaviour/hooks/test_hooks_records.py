"""Events of attempts that a helper makes, and of administrators' commands: the hook gets them like those of a login of
root's."""

import pwd

import pytest

from application import application, program, service  # noqa: F401  (fixtures among them)
from notified import hook, notify, section  # noqa: F401
from policy_file import policy  # noqa: F401

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]


def test_outcome_of_an_attempt_at_every_door_reaches_the_hook(hook, door, alice):
    assert door.attempt(alice, alice.password, alice.codes.wrong()).refused
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted
    notify()
    assert hook.names(alice) == ["otp.reject", "otp.accept"]
    writers = {event["written_by_uid"] for event in hook.events()}
    assert writers == {pwd.getpwnam(alice.name).pw_uid if door.service == "pamtester" else 0}
    # A service name claimed by a program that is not root has a key of its own.
    assert all(("service" in event) == (door.service != "pamtester") for event in hook.events())


def test_changes_by_an_administrator_reach_the_hook(hook, policy, application, alice, under_test):
    policy(section(["lock", "unlock", "change"]))
    application.crowd(5, alice, alice.codes.wrong())
    under_test.unlock(alice)
    under_test.enrol(alice, "--force")
    under_test.reset(alice)
    notify()
    assert hook.names(alice) == ["otp.lock", "otp.unlock", "otp.change", "otp.change"]
    verbs = [event["keys"].get("verb") for event in hook.events()]
    assert verbs[-2:] == ["provision", "reset"]
