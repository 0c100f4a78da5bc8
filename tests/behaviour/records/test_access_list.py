"""Access control lists on the records: while a list gives rights that the mode does not show, nobody is admitted."""

import subprocess

import pytest

from account_doors import knock
from under_test import BINARIES, Ours

pytestmark = pytest.mark.promised_by("ours")


@pytest.fixture
def setfacl():
    """`setfacl(ARGUMENTS...)` on the directory of all records; after the test the directory has no list."""

    def run(*arguments):
        subprocess.run(["setfacl", *arguments, Ours.state_directory], check=True)

    yield run
    permissions()


def permissions():
    """Runs the script that the packages run at every installation."""
    done = subprocess.run([BINARIES / "permissions", Ours.state_directory, Ours.helper], check=True, capture_output=True, text=True)
    return done.stderr


def refused(door, alice, journal):
    before = len(journal.events(alice.name))
    assert knock(door, alice, alice.codes.now()).refused
    *_, last = journal.events(alice.name)[before:]
    return last


@pytest.mark.parametrize("who", ["user:{}", "group:{}"], ids=["user", "group"])
def test_list_that_gives_access_refuses_every_login_and_says_why(door, alice, bobby, journal, setfacl, who):
    setfacl("--modify", who.format(bobby.name) + ":rx")
    assert Ours.state_directory.stat().st_mode & 0o7777 == 0o2770, "the mode does not show the list"
    event = refused(door, alice, journal)
    assert event["event"] == "otp.unavailable" and "access control list" in event["reason"]
    assert "removing the access control lists" in permissions()
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


def test_list_that_gives_nothing_is_only_untidy(door, alice, bobby, setfacl):
    setfacl("--modify", f"user:{bobby.name}:---")
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


def test_list_further_below_gives_nothing_to_users_who_may_not_pass_above(alice, bobby, setfacl):
    """So there is no need to look for lists there."""
    credential = Ours.state_directory / alice.name / "credential.toml"
    subprocess.run(["setfacl", "--modify", f"user:{bobby.name}:rwx", credential, credential.parent], check=True)
    done = subprocess.run(bobby.running("/bin/cat", str(credential)), capture_output=True)
    assert done.returncode != 0 and done.stdout == b""


def test_inherited_lists_of_new_directories_are_checked_where_they_matter(alice, bobby, setfacl, journal, ssh):
    setfacl("--default", "--modify", f"user:{bobby.name}:rwx")
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted, "the default list by itself gives no access"
    assert "removing the access control lists" in permissions()
    assert permissions() == ""
