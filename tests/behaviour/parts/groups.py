"""Groups of a test's own, and name services for groups that fail."""

import grp
import itertools
import pathlib
import pwd
import re
import subprocess

import pytest

GROUP_FILE = pathlib.Path("/etc/group")
NSSWITCH = pathlib.Path("/etc/nsswitch.conf")
DIRECTORY = pathlib.Path("/run/pam_otp-tests/name-service")

# The functions that glibc calls in a service for groups; all give the same answer.
SOURCE = """
#include <errno.h>
#include <grp.h>
#include <nss.h>

enum nss_status _nss_%(name)s_getgrnam_r(const char *name, struct group *group, char *room, size_t size, int *why)
{
    (void)name, (void)group, (void)room, (void)size;
    *why = %(errno)s;
    return %(status)s;
}

enum nss_status _nss_%(name)s_getgrgid_r(gid_t number, struct group *group, char *room, size_t size, int *why)
{
    (void)number, (void)group, (void)room, (void)size;
    *why = %(errno)s;
    return %(status)s;
}

enum nss_status _nss_%(name)s_initgroups_dyn(const char *user, gid_t number, long *start, long *size, gid_t **groups,
                                            long limit, int *why)
{
    (void)user, (void)number, (void)start, (void)size, (void)groups, (void)limit;
    *why = %(errno)s;
    return %(status)s;
}
"""
# `sss` is not installed, which is one more way to fail.
FAILING = {"otpdown": ("NSS_STATUS_UNAVAIL", "ECONNREFUSED"), "otpbusy": ("NSS_STATUS_TRYAGAIN", "EAGAIN"), "sss": None}

_numbers = itertools.count(70_000)


class Group:
    """A group's name and number; a policy may use either."""

    def __init__(self, name, number):
        self.name = name
        self.number = str(number)


def create(name, *members):
    """Creates a group with these members."""
    number = next(_numbers)
    group = Group(f"{name}{number}", number)
    with GROUP_FILE.open("a") as file:
        file.write(f"{group.name}:x:{number}:{','.join(str(member) for member in members)}\n")
    return group


def join(account, group):
    """Adds the account to the group."""
    text = GROUP_FILE.read_text()
    GROUP_FILE.write_text(re.sub(rf"(?m)^({group.name}:.*)$", rf"\1,{account.name}", text))


def leave(account, group):
    """Removes the account from the group."""
    text = GROUP_FILE.read_text()
    GROUP_FILE.write_text(re.sub(rf"(?m)^({group.name}:.*[:,]){account.name}$", r"\1", text))
    assert account.name not in grp.getgrnam(group.name).gr_mem


def primary(account):
    """The group that the account was created with."""
    number = pwd.getpwnam(account.name).pw_gid
    return Group(grp.getgrgid(number).gr_name, number)


@pytest.fixture
def staff(bobby):
    """A group whose only member is bobby, beside his own group."""
    return create("staff", bobby)


@pytest.fixture
def others():
    """A group without members."""
    return create("others")


@pytest.fixture(scope="session")
def failing_services():
    DIRECTORY.mkdir()
    for name, answer in FAILING.items():
        if answer:
            source = SOURCE % {"name": name, "status": answer[0], "errno": answer[1]}
            library = DIRECTORY / f"libnss_{name}.so.2"
            flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-Wl,-soname,{library.name}"]
            subprocess.run(["gcc", *flags, "-o", library, "-x", "c", "-"], input=source, text=True, check=True)
    pathlib.Path("/etc/ld.so.conf.d/name-service.conf").write_text(f"{DIRECTORY}\n")
    subprocess.run(["ldconfig", "-X"], check=True, capture_output=True)


@pytest.fixture
def ask_for_groups(failing_services):
    """`ask_for_groups("files", "otpdown")`: glibc asks these services, in this order, until the end of the test."""
    before = NSSWITCH.read_text()

    def write(*services):
        NSSWITCH.write_text(re.sub(r"(?m)^group:.*$", f"group: {' '.join(services)}", before))

    yield write
    NSSWITCH.write_text(before)
