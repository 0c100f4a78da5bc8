"""Cockpit, which asks for the code on a page of its own."""

import pathlib

import pytest

from cockpit import Cockpit
from locking import FAILURES

pytestmark = pytest.mark.promised_by("ours")


@pytest.fixture
def cockpit(follow, going_on, journal):
    follow("cockpit")
    with Cockpit() as server:
        yield server


def test_password_then_code_let_in(cockpit, alice, journal):
    visit = cockpit.visit(alice, alice.password)
    assert (visit.status, visit.questions) == (401, ["Verification code: "])
    assert visit.answer(alice.codes.now()).status == 200
    (event,) = journal.events(alice.name)
    assert (event["event"], event["service"], event["rhost"]) == ("otp.accept", "cockpit", "127.0.0.1")


def test_recovery_code_lets_in(cockpit, alice):
    assert cockpit.visit(alice, alice.password).answer(alice.recovery_codes[0]).status == 200


def test_wrong_code_is_refused_and_the_next_login_works(cockpit, alice):
    visit = cockpit.visit(alice, alice.password).answer(alice.codes.wrong())
    assert (visit.status, visit.asked) == (401, False)
    assert cockpit.visit(alice, alice.password).answer(alice.codes.now()).status == 200


def test_after_a_wrong_password_no_code_is_asked_for_so_nobody_is_locked_by_strangers(cockpit, alice, journal):
    visit = cockpit.visit(alice, "not" + alice.password)
    assert (visit.status, visit.asked) == (401, False)
    assert journal.names(alice.name) == []


def test_with_the_substack_of_debian_strangers_can_lock_an_account(follow, going_on, alice, journal):
    """For this reason the recipe has `include` there."""
    follow("cockpit")
    file = pathlib.Path("/etc/pam.d/cockpit")
    text = file.read_text()
    assert "auth       include      common-auth" in text
    file.write_text(text.replace("auth       include      common-auth", "auth       substack     common-auth"))
    with Cockpit() as server:
        for _ in range(FAILURES):
            visit = server.visit(alice, "not" + alice.password)
            assert visit.asked and visit.answer(alice.codes.wrong()).status == 401
    assert journal.names(alice.name)[-1] == "otp.lock"


def test_remembered_place_is_asked_for_the_password_alone(cockpit, alice, policy):
    policy('[trust]\nremember = "8h"\n')
    assert cockpit.visit(alice, alice.password).answer(alice.codes.now()).status == 200
    assert cockpit.visit(alice, alice.password).status == 200
    assert cockpit.visit(alice, alice.password, rhost="127.0.0.2").asked


def test_trusted_network_is_asked_for_the_password_alone(cockpit, alice, policy):
    policy('[trust]\nnetworks = ["127.0.0.1/32"]\n')
    assert cockpit.visit(alice, alice.password).status == 200
    assert not cockpit.visit(alice, "not" + alice.password).asked


def test_nobody_can_enrol_there_and_the_log_says_where(cockpit, bobby, policy, journal):
    """Cockpit keeps the text that PAM shows."""
    policy('[enroll]\nat_login = "require"\n')
    visit = cockpit.visit(bobby, bobby.password)
    assert visit.questions == ["Verification code: "]
    assert visit.answer("123456").status == 401
    said = cockpit.said()
    assert "otpauth://" not in said and "secret" not in said
    assert any("enrol over ssh" in line for line in journal.lines() if bobby.name in line or "cockpit" in line)
