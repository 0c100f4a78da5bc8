"""Access control lists on the records: rights that no mode shows let nobody in, until they are gone."""

import subprocess

import pytest

from account_doors import knock
from under_test import BINARIES, Ours

pytestmark = pytest.mark.promised_by("ours")


@pytest.fixture
def setfacl():
    """`setfacl(ARGUMENTS...)` on the directory of all records; after the test it has no list."""

    def run(*arguments):
        subprocess.run(["setfacl", *arguments, Ours.state_directory], check=True)

    yield run
    permissions()


def permissions():
    """What the packages run whenever they are installed."""
    done = subprocess.run([BINARIES / "permissions", Ours.state_directory, Ours.helper], check=True, capture_output=True, text=True)
    return done.stderr


def refused(door, alice, journal):
    before = len(journal.events(alice.name))
    assert knock(door, alice, alice.codes.now()).refused
    *_, last = journal.events(alice.name)[before:]
    return last


@pytest.mark.parametrize("who", ["user:{}", "group:{}"], ids=["user", "group"])
def test_list_that_lets_somebody_in_refuses_every_login_and_says_why(door, alice, bobby, journal, setfacl, who):
    setfacl("--modify", who.format(bobby.name) + ":rx")
    assert Ours.state_directory.stat().st_mode & 0o7777 == 0o2770, "the mode shows nothing"
    event = refused(door, alice, journal)
    assert event["event"] == "otp.unavailable" and "access control list" in event["reason"]
    assert "removing the access control lists" in permissions()
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


def test_list_that_gives_nothing_is_only_untidy(door, alice, bobby, setfacl):
    setfacl("--modify", f"user:{bobby.name}:---")
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


def test_list_below_gives_nothing_to_whoever_may_not_pass_above(alice, bobby, setfacl):
    """So it need not be looked for there."""
    credential = Ours.state_directory / alice.name / "credential.toml"
    subprocess.run(["setfacl", "--modify", f"user:{bobby.name}:rwx", credential, credential.parent], check=True)
    done = subprocess.run(bobby.running("/bin/cat", str(credential)), capture_output=True)
    assert done.returncode != 0 and done.stdout == b""


def test_lists_that_new_directories_inherit_are_looked_at_where_they_matter(alice, bobby, setfacl, journal, ssh):
    setfacl("--default", "--modify", f"user:{bobby.name}:rwx")
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted, "it opens nothing by itself"
    assert "removing the access control lists" in permissions()
    assert permissions() == ""
