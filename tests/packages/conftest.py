"""The fixtures of the tests of the packages.

    sudo tests/run packages

That command starts them in mount and process namespaces of their own, so that no mount and no process stays.
`packaging/deb` and `packaging/rpm` have built the packages before, from the committed tree; PAM_OTP_DEB, PAM_OTP_RPM and the
same with VERIFIER_ and PORTAL_ before the kind name them, and PAM_OTP_DEBIAN names the directory with a fresh Debian (debian.sh).
"""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "behaviour" / "parts"))

import debian as debians  # noqa: E402  (the path above has to come first)
import fedora  # noqa: E402


def named(variable):
    path = os.environ.get(variable)
    if not path:
        raise pytest.UsageError(f"{variable} is not set: start these tests with tests/run packages")
    return pathlib.Path(path)


@pytest.fixture(scope="session")
def deb():
    """The package for Debian."""
    return named("PAM_OTP_DEB")


@pytest.fixture(scope="session")
def verifier_deb():
    """The verifier's package for Debian."""
    return named("PAM_OTP_VERIFIER_DEB")


@pytest.fixture(scope="session")
def portal_deb():
    """The portal's package for Debian."""
    return named("PAM_OTP_PORTAL_DEB")


@pytest.fixture
def debian(tmp_path):
    """A fresh Debian of this test's own, with sshd and sudo and without pam_otp."""
    with debians.Debian(named("PAM_OTP_DEBIAN"), tmp_path) as fresh:
        yield fresh


@pytest.fixture
def installed(debian, deb):
    """A fresh Debian with our package."""
    debian.install(deb)
    return debian


@pytest.fixture
def protected(installed):
    """A fresh Debian with our package, on which ssh asks for a code; `alice` is enrolled."""
    installed.alice = installed.account("alice")
    installed.provision(installed.alice)
    installed.protect("sshd")
    return installed


@pytest.fixture
def ssh(protected):
    return protected.sshd()


@pytest.fixture(scope="session")
def rpm():
    """The package for Fedora, RHEL and their derivatives."""
    return named("PAM_OTP_RPM").resolve(strict=True)


@pytest.fixture(scope="session")
def verifier_rpm():
    """The verifier's package for Fedora, RHEL and their derivatives."""
    return named("PAM_OTP_VERIFIER_RPM").resolve(strict=True)


@pytest.fixture(scope="session")
def unpacked_verifier_rpm(verifier_rpm, tmp_path_factory):
    return fedora.unpack(verifier_rpm, tmp_path_factory.mktemp("unpacked-verifier"))


@pytest.fixture(scope="session")
def portal_rpm():
    """The portal's package for Fedora, RHEL and their derivatives."""
    return named("PAM_OTP_PORTAL_RPM").resolve(strict=True)


@pytest.fixture(scope="session")
def unpacked_portal_rpm(portal_rpm, tmp_path_factory):
    return fedora.unpack(portal_rpm, tmp_path_factory.mktemp("unpacked-portal"))


@pytest.fixture(scope="session")
def unpacked_rpm(rpm, tmp_path_factory):
    return fedora.unpack(rpm, tmp_path_factory.mktemp("unpacked"))


@pytest.fixture(scope="session")
def newer_rpms(unpacked_rpm, unpacked_verifier_rpm, unpacked_portal_rpm, tmp_path_factory):
    """The next version of all packages: the module's, the verifier's, the portal's."""
    return fedora.next_version([unpacked_rpm, unpacked_verifier_rpm, unpacked_portal_rpm], tmp_path_factory.mktemp("newer"))


@pytest.fixture(scope="session")
def newer_rpm(newer_rpms):
    return newer_rpms[0]


@pytest.fixture
def machine():
    """A copy of this machine, of this test's own."""
    made = fedora.Machine()
    yield made
    made.close()


@pytest.fixture
def equipped(machine, rpm):
    """A copy of this machine with our package."""
    machine.rpm("-i", "--nodeps", rpm)
    # libpam of this machine looks for modules here.
    (modules,) = machine.path("/usr/lib").glob("*/security/pam_unix.so")
    os.symlink(fedora.MODULE, modules.parent / "pam_otp.so")
    return machine


@pytest.fixture
def alice(equipped):
    """A user who is enrolled on that copy."""
    return fedora.Account(equipped, "otpalice").enrol()
