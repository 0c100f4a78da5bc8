"""A machine of a fleet: its policy names verifiers, which have its users' records."""

import functools
import grp
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import accounts
import certificates
import codes
import sshd
from journal import OUTCOMES
from under_test import BINARIES, Ours, run_at_fake_time
from verifier import USER, Real, Verifier

PLACE = pathlib.Path("/etc/pam_otp-fleet")
POLICY = pathlib.Path("/etc/security/pam_otp.conf")
PROGRAM = pathlib.Path("/usr/libexec/pam_otp/otp-fleet")
HOSTS = pathlib.Path("/etc/hosts")
MACHINE = "web1.fleet.test"
NAMES = {"v1.fleet.test": "127.0.1.1", "v2.fleet.test": "127.0.1.2", "v3.fleet.test": "127.0.1.3"}
FIRST, SECOND, THIRD = NAMES


class Fleet:
    """The machine's part of a fleet: `fleet.policy(...)` writes the policy; `fleet.verifier(NAME, ...)` makes a verifier of
    that name."""

    def __init__(self, journal, clock):
        self.journal, self.clock = journal, clock
        sshd.bring_loopback_up()
        self.authority = certificates.Authority("/run/pam_otp-tests/authority")
        self.others = certificates.Authority("/run/pam_otp-tests/others", "others")
        self.signed = {name: self.authority.sign(name, address) for name, address in NAMES.items()}
        self.machine = self.authority.sign(MACHINE)
        HOSTS.write_text("127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in NAMES.items()))
        PLACE.mkdir(mode=0o755)
        subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", USER], check=True)
        shutil.copy(BINARIES / "otp-fleet", PROGRAM)
        self.group = grp.getgrnam("pam_otp").gr_gid
        # A verifier's helper has no group: it belongs to root.
        Ours.helper_copy = "/run/pam_otp-tests/bin/otp-helper"

    def install(self):
        """Installs the machine's files, as the manual says."""
        certificates.install(self.authority.certificate, PLACE / "ca.pem", 0o644)
        certificates.install(self.machine[0], PLACE / "machine.pem", 0o644)
        certificates.install(self.machine[1], PLACE / "machine.key", 0o640, self.group)

    def policy(self, *sections, verifiers=(FIRST,), **keys):
        files = {"ca": PLACE / "ca.pem", "certificate": PLACE / "machine.pem", "key": PLACE / "machine.key"}
        lines = [f"verifiers = {json.dumps(list(verifiers))}"]
        lines += [f"{key} = {json.dumps(str(path))}" for key, path in {**files, **keys}.items()]
        POLICY.write_text("".join(sections) + "[fleet]\n" + "\n".join(lines) + "\n")
        POLICY.chmod(0o644)

    def real(self, name=FIRST, machines=(MACHINE,)):
        """Starts otp-verifier itself, under that name."""
        return Real(NAMES[name], self.authority.certificate, *self.signed[name], machines)

    def verifier(self, name=FIRST, **how):
        certificate, key = how.pop("signed", None) or self.signed[name]
        authority = how.pop("authority", self.authority.certificate)
        verifier = Verifier(NAMES[name], authority, certificate, key, **how)
        verifier.folder = pathlib.Path("/run/pam_otp-tests/records-of-the-fleet")
        verifier.conf = pathlib.Path("/run/pam_otp-tests/verifier.conf")
        return verifier


def folder():
    """Empties the folder of the verifiers."""
    place = pathlib.Path("/run/pam_otp-tests/records-of-the-fleet")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    os.chown(place, 0, grp.getgrnam(USER).gr_gid)
    place.chmod(0o2770)
    pathlib.Path("/run/pam_otp-tests/verifier.conf").write_text("")
    pathlib.Path("/run/pam_otp-tests/verifier.conf").chmod(0o644)
    return place


def admin(*words):
    """Runs otp-admin on the folder of the verifiers."""
    place = "/run/pam_otp-tests/records-of-the-fleet"
    conf = "/run/pam_otp-tests/verifier.conf"
    return run_at_fake_time([BINARIES / "otp-admin", "--conf", conf, "--state-dir", place, *words]).stdout


@pytest.fixture(scope="session")
def machine(under_test, journal, machine_clock):
    return made_once(journal, machine_clock)


@functools.cache  # each test file that imports the fixture gets its own
def made_once(journal, machine_clock):
    return Fleet(journal, machine_clock)


@pytest.fixture
def fleet(machine, clock):
    """A machine of a fleet whose verifiers have no records yet. None of them runs before a test starts it."""
    machine.install()
    folder()
    machine.policy()
    yield machine
    POLICY.unlink(missing_ok=True)


@pytest.fixture
def member(fleet, clock, journal):
    """`member(NAME)` has an account here, and an authenticator with the verifiers."""

    def create(name):
        account = accounts.create(name)
        provisioned = json.loads(admin("provision", account.name, "--json"))
        account.recovery_codes = provisioned["recovery_codes"]
        account.codes = codes.Codes(provisioned["secret"], clock)
        return account

    return create


@pytest.fixture
def dora(member):
    """A user of the fleet, with a password here and a phone."""
    return member("dora")


@pytest.fixture
def seen(fleet):
    """The first verifier, running, with its requests recorded."""
    with fleet.verifier() as verifier:
        yield verifier


@pytest.fixture(params=["stand-in", *(["otp-verifier"] if Real.program.exists() else [])])
def first(fleet, request):
    """The first verifier, running: in turn the stand-in, and otp-verifier itself."""
    with fleet.verifier() if request.param == "stand-in" else fleet.real() as verifier:
        yield verifier


def kept_here(account):
    """The files that this machine stores of an account."""
    place = Ours.state_directory / account.name
    return sorted(path.name for path in place.iterdir()) if place.exists() else []


def records(journal, account):
    """The outcomes that this machine has logged of an account's attempts, one for each attempt. The verifier, which is on this
    machine only in tests, logs its own."""
    lines = [line for line in journal.lines() if f'user="{account.name}"' in line and not OF_A_VERIFIER.search(line)]
    found = [re.search(r"(otp\.\w+) ", line) for line in lines if "phase=\"account\"" not in line]
    return [one[1] for one in found if one and one[1] in OUTCOMES]


# A helper started by root belongs to a stand-in.
OF_A_VERIFIER = re.compile(r"otp-verifier\[\d+\]|otp-helper\[\d+\]: otp\.\w+ caller_uid=\"0\"")


def unavailable(journal, account):
    """The logged reasons for which logins of an account were refused without a verdict."""
    return [event["reason"] for event in journal.events(account.name) if event["event"] == "otp.unavailable"]
