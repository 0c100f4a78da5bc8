"""The directory of records is empty, or not mounted: enrolled users are not taken for users who never enrolled."""

import os
import pathlib
import secrets
import stat
import subprocess

import pytest

from account_doors import account_doors, knock  # noqa: F401  (a fixture)
from policy_file import PASSWORD, policy, stack  # noqa: F401  (fixtures)
from self_service import enrol
from small_disk import SmallDisk
from under_test import BINARIES, Ours

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("stack")]

RECORDS = Ours.state_directory
INNER = RECORDS / ".enrolled"
OUTER = pathlib.Path("/etc/security/pam_otp.enrolled")
MACHINE = pathlib.Path("/etc/machine-id")


def become_another_machine():
    MACHINE.write_text(secrets.token_hex(16) + "\n")


def forget_marks():
    """The state that a version without marks left behind."""
    OUTER.unlink(missing_ok=True)
    INNER.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def machine(under_test):
    """A machine with an identity, on which, according to the marks, nobody has enrolled yet."""
    become_another_machine()
    forget_marks()
    yield
    MACHINE.unlink(missing_ok=True)
    OUTER.unlink(missing_ok=True)


@pytest.fixture
def empty():
    """`with empty():` mounts an empty directory over the records, as if their own file system were not mounted."""
    return lambda: SmallDisk("tmpfs", RECORDS)


DOORS = ["sshd", "su", "sudo", "key", "pamtester"]


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize("excuse", ["nullok", "nobody must"])
def test_nobody_is_excused_while_the_records_are_not_mounted(
    account_doors, stack, policy, alice, bobby, empty, journal, name, excuse  # noqa: F811
):
    stack("nullok" if excuse == "nullok" else "")
    policy("" if excuse == "nullok" else "[enforce]\ngroups = []\n")
    door = account_doors[name]
    assert knock(account_doors["su"], alice, alice.codes.now()).admitted
    with empty():
        for account in (alice, bobby):
            assert knock(door, account).refused
            reason = journal.events(account.name)[-1]["reason"]
            assert "is its file system mounted?" in reason and f"remove {OUTER}" in reason, reason
    if name != "key":
        assert knock(door, alice, alice.codes.wrong()).refused
    assert knock(door, bobby).admitted
    with empty():
        OUTER.unlink()
        assert knock(door, bobby).admitted


def test_copied_or_new_machine_admits_as_before(account_doors, stack, alice, bobby, empty):  # noqa: F811
    stack("nullok")
    assert knock(account_doors["su"], alice, alice.codes.now()).admitted
    assert OUTER.exists() and INNER.exists()
    with empty():
        become_another_machine()
        assert knock(account_doors["su"], bobby).admitted
        MACHINE.unlink()
        assert knock(account_doors["su"], bobby).admitted
        MACHINE.write_text("uninitialized\n")
        assert knock(account_doors["su"], bobby).admitted


def test_login_by_root_makes_the_missing_marks(account_doors, stack, alice, bobby):  # noqa: F811
    """This holds for any user who logs in; programs that are not root make no marks."""
    stack("nullok")
    forget_marks()
    assert knock(account_doors["pamtester"], bobby).admitted
    assert not INNER.exists() and not OUTER.exists()
    assert knock(account_doors["su"], bobby).admitted
    assert OUTER.read_text() == MACHINE.read_text()
    for mark, mode in ((INNER, 0o640), (OUTER, 0o644)):
        about = mark.stat()
        assert stat.S_IMODE(about.st_mode) == mode and about.st_uid == 0
    assert INNER.stat().st_gid == RECORDS.stat().st_gid


def test_commands_of_root_make_the_missing_marks_too(alice, under_test):
    forget_marks()
    under_test.admin("list")
    assert INNER.exists() and OUTER.exists()


def test_logins_go_on_where_etc_is_read_only(account_doors, stack, alice, bobby):  # noqa: F811
    stack("nullok")
    forget_marks()
    subprocess.run(["mount", "--bind", "/etc/security", "/etc/security"], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", "/etc/security"], check=True)
    try:
        assert knock(account_doors["su"], alice, alice.codes.now()).admitted
        assert knock(account_doors["su"], bobby).admitted
    finally:
        subprocess.run(["umount", "/etc/security"], check=True)
    assert INNER.exists() and not OUTER.exists()


def test_reset_of_all_users_is_not_taken_for_a_loss(account_doors, stack, alice, under_test):  # noqa: F811
    stack("nullok")
    assert knock(account_doors["su"], alice, alice.codes.now()).admitted
    for name in [path.name for path in RECORDS.iterdir() if path.is_dir()]:
        under_test.admin("reset", name)
    assert knock(account_doors["su"], alice).admitted
    assert knock(account_doors["pamtester"], alice).admitted
    assert sorted(os.listdir(RECORDS)) == [".enrolled"]


def test_first_enrolment_over_the_helper_makes_the_inner_mark(account_doors, stack, bobby, clock):  # noqa: F811
    device, _ = enrol(bobby, clock)
    about = INNER.stat()
    assert stat.S_IMODE(about.st_mode) == 0o640 and about.st_gid == RECORDS.stat().st_gid and not OUTER.exists()
    clock.advance(30)
    assert knock(account_doors["su"], bobby, device.now()).admitted
    assert OUTER.exists()


def test_inner_mark_restored_with_another_mode_refuses_nobody(account_doors, stack, alice, clock):  # noqa: F811
    INNER.chmod(0o666)
    for door in ("su", "pamtester"):
        clock.advance(60)
        assert knock(account_doors[door], alice, alice.codes.now()).admitted


def test_commands_say_what_is_wrong_and_what_to_do(alice, empty, under_test):
    under_test.admin("list")
    with empty():
        for words in (["otp-admin", "list"], ["otp-admin", "provision", alice.name], ["otp-admin", "show", alice.name],
                      ["otp-enroll", "--user", alice.name, "status"]):
            done = subprocess.run([BINARIES / words[0], *words[1:]], capture_output=True, text=True, stdin=subprocess.DEVNULL)
            assert done.returncode == 2 and "is its file system mounted?" in done.stderr and "hint: mount" in done.stderr, done
        assert os.listdir(RECORDS) == []
