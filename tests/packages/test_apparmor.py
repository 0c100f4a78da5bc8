"""Checks that AppArmor reads packaging/apparmor/pam_otp, and that the file reaches the profiles that need it.

The package apparmor is downloaded with apt-get and only unpacked, because installing it would give the machine a service.
Nothing is loaded into a kernel.
"""

import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
ABSTRACTION = TOP / "packaging/apparmor/pam_otp"
FLEET = TOP / "packaging/apparmor/pam_otp_fleet"

PROFILE = """
abi <abi/3.0>,
include <tunables/global>

profile program /usr/sbin/program {{
  include <abstractions/base>
  include <abstractions/{abstraction}>
}}
"""


@pytest.fixture(scope="session")
def apparmor(tmp_path_factory):
    """AppArmor as the distribution has it, in a directory."""
    place = tmp_path_factory.mktemp("apparmor")
    download = [TOP / "tests/apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "apparmor"]
    subprocess.run(download, cwd=place, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    (archive,) = place.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", archive, place], check=True)
    return place


@pytest.fixture
def parser(apparmor, tmp_path):
    """Compiles a profile, without the kernel and without its cache."""
    (program,) = apparmor.glob("**/sbin/apparmor_parser")
    profiles = apparmor / "etc/apparmor.d"
    # "-M" has the features that the parser would ask the kernel for.
    command = [program, "-Q", "-K", "--base", profiles, "-I", tmp_path, "-M", profiles / "abi/3.0"]
    # Without a configuration: the parser's own is in /etc, and names files below /usr, only if the package is installed.
    command += ["--config-file", "/dev/null"]

    def read(profile, *arguments):
        return subprocess.run([*command, *arguments, profile], capture_output=True, text=True, check=False)

    return read


@pytest.fixture
def of_a_program(parser, tmp_path):
    """Compiles the profile of a program that includes an abstraction."""

    def compile(abstraction, *arguments):
        profile = tmp_path / "program"
        profile.write_text(PROFILE.format(abstraction=abstraction))
        return parser(profile, *arguments)

    return compile


@pytest.mark.parametrize("path, abstraction", [
    ("abstractions/authentication.d/pam_otp", "authentication"),
    ("abstractions/pam_otp", "pam_otp"),
])
def test_a_profile_that_includes_the_abstraction_compiles_and_has_its_rules(of_a_program, tmp_path, path, abstraction):
    place = tmp_path / path
    place.parent.mkdir(parents=True)
    shutil.copy(ABSTRACTION, place)
    # Warnings count as errors, for example about a rule that the parser does not know.
    compiled = of_a_program(abstraction, "--Werror")
    assert (compiled.returncode, compiled.stderr) == (0, "")
    expanded = of_a_program(abstraction, "-p").stdout
    assert "/var/lib/pam_otp/*/ rwk," in expanded
    assert "/usr/libexec/pam_otp/otp-fleet PUx -> pam_otp_fleet," in expanded


def test_without_the_abstraction_a_confined_program_cannot_reach_the_records(of_a_program):
    expanded = of_a_program("authentication", "-p").stdout
    assert "/etc/shadow" in expanded.replace("@{etc_ro}", "/etc")
    assert "pam_otp" not in expanded


def test_the_profile_of_otp_fleet_compiles_and_gives_no_access_to_the_records(parser):
    compiled = parser(FLEET, "--Werror")
    assert (compiled.returncode, compiled.stderr) == (0, "")
    assert parser(FLEET, "-N").stdout.split() == ["pam_otp_fleet"]
    expanded = parser(FLEET, "-p").stdout
    rules = [line.strip() for line in expanded.splitlines() if "pam_otp" in line and not line.strip().startswith("#")]
    assert [rule for rule in rules if rule.startswith("/")] == [
        "/usr/libexec/pam_otp/otp-fleet mr,", "/etc/security/pam_otp.conf r,", "/etc/pam_otp-fleet/ r,", "/etc/pam_otp-fleet/** r,",
        "/var/lib/pam_otp/ r,"]
    # It has no path: otp-admin becomes the same program, with the rights of an administrator.
    assert "profile pam_otp_fleet {" in expanded
