"""Root without CAP_DAC_OVERRIDE, as in a hardened service: root then has no more rights to other users' files than anybody."""

import grp
import os
import pwd
import subprocess

import pytest

from application import AUTH_ERR, AUTHINFO_UNAVAIL, SUCCESS, Application, application, program, service  # noqa: F401  (fixtures)
from under_test import BINARIES

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

LOST = "-dac_override,-dac_read_search"


class Bounded:
    def running(self, *command):
        return ["/usr/bin/setpriv", f"--bounding-set={LOST}", f"--inh-caps={LOST}", *map(str, command)]


@pytest.fixture
def bounded(program, machine_clock, journal):
    with Application(program, Bounded()) as running:
        yield running


def uid_of(account):
    return pwd.getpwnam(account.name).pw_uid


def record_of(account, under_test):
    return under_test.state_directory / account.name


def as_the_helper_makes_it(account, under_test, owner=None):
    """Changes the owner of directory and record, to a user and the helper's group."""
    record = record_of(account, under_test)
    group = grp.getgrnam("pam_otp").gr_gid
    for path, mode in ((record, 0o2770), (record / "credential.toml", 0o640), (record / "state", 0o660)):
        os.chown(path, uid_of(account) if owner is None else owner, group)
        path.chmod(mode)
    return record


def test_record_made_by_the_helper_is_used_and_becomes_roots(bounded, alice, under_test, clock):
    record = as_the_helper_makes_it(alice, under_test)
    code = alice.codes.now()
    assert bounded.login(alice, code).code == SUCCESS
    assert bounded.login(alice, code).code == AUTH_ERR
    assert {path.stat().st_uid for path in (record, *record.iterdir())} == {0}
    clock.advance(30)
    assert bounded.login(alice, alice.codes.now()).code == SUCCESS


def test_record_of_another_user_is_not_taken_over(bounded, alice, bobby, under_test, journal):
    record = as_the_helper_makes_it(alice, under_test, owner=uid_of(bobby))
    assert bounded.login(alice, alice.codes.now()).code == AUTHINFO_UNAVAIL
    assert record.stat().st_uid == uid_of(bobby)


def test_record_open_to_others_or_with_two_names_is_not_taken_over(bounded, alice, under_test, tmp_path):
    record = as_the_helper_makes_it(alice, under_test)
    (record / "state").chmod(0o662)
    assert bounded.login(alice, alice.codes.now()).code == AUTHINFO_UNAVAIL
    (record / "state").chmod(0o660)
    os.chown(record / "state", uid_of(alice), -1)
    os.link(record / "state", under_test.state_directory / "second")
    try:
        assert bounded.login(alice, alice.codes.now()).code == AUTHINFO_UNAVAIL
        assert (record / "state").stat().st_uid == uid_of(alice)
    finally:
        (under_test.state_directory / "second").unlink()


def test_link_at_the_place_of_a_record_is_not_followed(bounded, alice, under_test):
    record = as_the_helper_makes_it(alice, under_test)
    elsewhere = record.with_name("elsewhere")
    record.rename(elsewhere)
    record.symlink_to(elsewhere)
    os.chown(record, uid_of(alice), -1, follow_symlinks=False)
    try:
        assert bounded.login(alice, alice.codes.now()).code == AUTHINFO_UNAVAIL
        assert elsewhere.stat().st_uid == uid_of(alice) and record.lstat().st_uid == uid_of(alice)
    finally:
        record.unlink()
        elsewhere.rename(record)


def test_asking_for_the_owner_of_a_record_gives_it_to_nobody(alice, bobby, under_test, application):
    """The file's owner vouches for the user in it, so root must not become the owner before both are compared."""
    record = as_the_helper_makes_it(alice, under_test, owner=0)
    credential = record / "credential.toml"
    os.chown(credential, uid_of(bobby), -1)
    for words in (("list",), ("move", alice.name, bobby.name, "--force"), ("move", alice.name, alice.name, "--force")):
        command = Bounded().running(BINARIES / "otp-admin", *words)
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        assert credential.stat().st_uid == uid_of(bobby), words
        assert application.login(alice, alice.codes.now()).code == AUTHINFO_UNAVAIL
