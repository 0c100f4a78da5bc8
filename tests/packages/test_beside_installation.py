"""The tests on a machine that has pam_otp already: they neither see that installation nor disturb it."""

import os
import pathlib
import shutil
import sysconfig

import pytest
from fedora import Account

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("libpam_otp.so", "otp-helper", "otp-mail", "otp-admin", "otp-enroll", "otp-notify", "otp-fleet")
CHECKOUT = "/tmp/checkout"
MODULES = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}/security"
PLACES = ("/etc", MODULES, "/usr/libexec", "/usr/local/bin", "/usr/local/sbin")
WITH_A_LINE_IN_OUR_PLACE = ("pam.d/common-auth", "pam.d/su")
# Files that are written anew when a group or a user is made, and their backups.
BOOKS = tuple(f"{book}{copy}" for book in ("group", "gshadow", "passwd", "shadow") for copy in ("", "-"))
# With the profile every service asks for a code; su has a second line, by hand.
BY_HAND = "auth required pam_otp.so\n"


@pytest.fixture
def user(machine):
    """A user with a password, from before pam_otp."""
    return Account(machine, "otpalice")


@pytest.fixture
def before(machine, user):
    """The machine as it was before pam_otp."""
    return machine.below(*PLACES)


@pytest.fixture
def in_use(machine, before):
    """A copy of this machine with a checkout, and with pam_otp installed from it: users, a policy that refuses, and a line for the code
    in every service."""
    for part in ("tests", "packaging", "conf"):
        shutil.copytree(TOP / part, machine.path(f"{CHECKOUT}/{part}"))
    release = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or TOP / "target", "release")
    machine.path(f"{CHECKOUT}/target/release").mkdir(parents=True)
    for program in PROGRAMS:
        shutil.copy(release / program, machine.path(f"{CHECKOUT}/target/release/{program}"))
    machine.run(f"{CHECKOUT}/packaging/install")
    machine.run("/usr/local/sbin/otp-admin", "provision", "daemon", "--json")
    machine.write("/usr/share/pam-configs/pam-otp", (TOP / "conf/pam-configs/pam-otp").read_text())
    machine.run("env", "DEBIAN_FRONTEND=noninteractive", "pam-auth-update", "--package", "--enable", "pam-otp")
    machine.write("/etc/pam.d/su", BY_HAND + machine.path("/etc/pam.d/su").read_text())
    machine.write("/etc/security/pam_otp.conf", "no policy at all\n")
    return machine


def test_real_logins_are_those_of_the_tests_alone(in_use):
    binaries = [f"{CHECKOUT}/target/release/{program}" for program in PROGRAMS]
    others = ["packaging/permissions", "packaging/man/pam_otp.8", "conf/pam.d/otp-enroll-debian"]
    binaries += [f"{CHECKOUT}/{file}" for file in others]
    in_use.run(
        "env", "OTP_UNDER_TEST=ours", f"OTP_BINARIES={':'.join(binaries)}", "OTP_PART=beside",
        f"{CHECKOUT}/tests/behaviour/namespace.sh", "/tmp/results",
        "/usr/bin/python3", "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q", "-x",
        "suite/logins/test_recovery.py", "suite/changes/test_self_service.py", "-k", "recovery_code_opens or status",
    )
    # The machine's own installation has not changed.
    assert in_use.path("/etc/pam.d/su").read_text().startswith(BY_HAND)
    assert in_use.path("/etc/security/pam_otp.conf").read_text() == "no policy at all\n"


def test_a_copy_has_nothing_left_of_that_installation(in_use, user, before):
    in_use.run(f"{CHECKOUT}/tests/without-ours", "/")
    assert in_use.run("grep", "-rls", "pam_otp", "/etc", status=None).stdout.split() in ([], ["/etc/pam.d/common-auth"])
    after = in_use.below(*PLACES)
    differ = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert differ <= {f"etc/{name}" for name in (*WITH_A_LINE_IN_OUR_PLACE, *BOOKS)}
    in_use.write("/etc/pam.d/door", "@include common-auth\naccount required pam_permit.so\n")
    assert in_use.login("door", user.name, user.password)[0]
    assert not in_use.login("door", user.name, f"not{user.password!s}")[0]
