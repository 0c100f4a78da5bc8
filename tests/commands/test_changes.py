"""otp-enroll add, remove and recovery-codes, run by root for a user: the same dialogues that users have over the helper."""

import base64
import re
import subprocess

import pytest

from talk import Talk, enrol

SEVERAL = "[enroll]\nmax_authenticators = 4\n[enforce]\ngroups = []\n"


def names(machine):
    return [device["name"] for device in machine.status("daemon")["authenticators"]]


@pytest.fixture
def several(machine):
    machine.policy(SEVERAL)
    enrol(machine)
    return machine


def add(machine, name, *options):
    talk = Talk(machine, "add", name, *options)
    talk.prove()
    assert talk.end() == 0, talk.screen
    return talk.screen


def test_authenticators_are_added_and_removed_by_name(several):
    screen = add(several, "browser")
    assert "Enter to go on without" not in screen, "the recovery codes stay unchanged"
    add(several, "회사 전화")
    assert names(several) == ["phone", "browser", "회사 전화"]
    talk = Talk(several, "remove", "browser")
    assert talk.end() == 0 and 'daemon: authenticator "browser" is removed' in talk.screen
    assert names(several) == ["phone", "회사 전화"]


@pytest.mark.parametrize("words, told", [
    (["add", "phone"], 'an authenticator is called "phone" already'),
    (["remove", "tablet"], 'no authenticator of daemon is called "tablet"'),
])
def test_names_of_authenticators_are_checked(several, words, told):
    talk = Talk(several, *words)
    assert talk.end() == 1 and told in talk.screen


def test_name_is_needed_to_remove_one_of_several_authenticators(several):
    add(several, "browser")
    talk = Talk(several, "remove")
    assert talk.end() == 1 and "there are several authenticators: phone, browser" in talk.screen


def test_fifth_authenticator_is_refused(several):
    for name in ("two", "three", "four"):
        add(several, name)
    talk = Talk(several, "add", "five")
    assert talk.end() == 1 and "daemon has 4 authenticators, and more are not allowed" in talk.screen


def test_last_authenticator_and_recovery_codes_can_be_removed_where_none_is_demanded(several):
    talk = Talk(several, "remove")
    assert talk.end() == 0 and "and the recovery codes with it" in talk.screen
    assert names(several) == [] and not (several.records / "daemon").exists()


def test_last_authenticator_stays_where_one_is_demanded(machine):
    enrol(machine)
    talk = Talk(machine, "remove")
    assert talk.end() == 1 and "otp-admin reset daemon" in talk.screen
    assert names(machine) == ["phone"]


@pytest.mark.parametrize("sections, goes", [
    ("", True),
    ('[service.su]\nexempt_groups = ["kmem", "daemon"]\n', True),
    ('[service.su]\nexempt_groups = []\n', False),
    ('[service.su]\nexempt_groups = ["daemon"]\n[service.sshd]\nexempt_groups = ["kmem"]\n', False),
])
def test_last_authenticator_stays_where_any_service_demands_one(machine, sections, goes):
    machine.policy('[enforce]\nexempt_groups = ["daemon"]\n' + sections)
    enrol(machine)
    talk = Talk(machine, "remove")
    assert talk.end() == (0 if goes else 1), talk.screen
    assert names(machine) == ([] if goes else ["phone"])


def test_adding_an_authenticator_replaces_the_old_where_one_is_allowed(machine):
    enrol(machine)
    talk = Talk(machine, "add", "browser")
    assert "At the end it is replaced" in talk.until("QR")
    talk.prove()
    assert len(talk.keep()) == 10
    assert talk.end() == 0
    assert names(machine) == ["browser"]


def test_new_recovery_codes_replace_the_old_ones(machine):
    _, old = enrol(machine)
    talk = Talk(machine, "recovery-codes")
    new = talk.keep()
    assert talk.end() == 0 and "daemon: 10 new recovery codes" in talk.screen
    assert len(new) == 10 and not set(new) & set(old)
    assert machine.try_code("daemon", old[0])[0] == 1
    assert machine.try_code("daemon", new[0])[0] == 0


@pytest.mark.parametrize("word", ["copy", "복사"])
def test_codes_go_to_the_clipboard_only_on_request(machine, word):
    enrol(machine)
    talk = Talk(machine, "recovery-codes")
    talk.until("Enter to go on without: ")
    assert "\x1b]52" not in talk.screen
    talk.answer(word)
    new = talk.keep()
    assert talk.end() == 0
    (sent,) = re.findall("\x1b\\]52;c;([A-Za-z0-9+/=]+)\x07", talk.screen)
    sheet = base64.b64decode(sent).decode()
    assert "daemon" in sheet and re.findall(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", talk.screen)[:10] == re.findall(
        r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", sheet)
    assert not new, "the codes are shown once"


@pytest.mark.parametrize("words", [
    ["status", "--save", "x"], ["remove", "--qr", "ascii"], ["recovery-codes", "--qr", "ascii"], ["test", "--qr-file", "x.svg"],
    ["--name", "x", "add", "tablet"], ["--name", "x", "recovery-codes"],
])
def test_options_without_a_meaning_are_refused(machine, words):
    done = subprocess.run(machine.words("otp-enroll", *words, "--user", "daemon"), capture_output=True, text=True)
    assert done.returncode == 2 and "has no meaning here" in done.stderr
