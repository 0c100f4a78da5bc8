"""Whether packaging/apparmor/pam_otp is read, and reaches the profiles that it is for.

The package apparmor is downloaded with apt-get and only unpacked, since installing it would give the machine a service.
Nothing is loaded into a kernel.
"""

import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
ABSTRACTION = TOP / "packaging/apparmor/pam_otp"

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
    """Compiles a profile that includes an abstraction, without the kernel and without its cache."""
    (program,) = apparmor.glob("**/sbin/apparmor_parser")
    profiles = apparmor / "etc/apparmor.d"
    # "-M": what the parser would ask the kernel.
    command = [program, "-Q", "-K", "--base", profiles, "-I", tmp_path, "-M", profiles / "abi/3.0"]
    # No configuration: that of the parser is in /etc, and names files below /usr, only where the package is installed.
    command += ["--config-file", "/dev/null"]

    def compile(abstraction, *arguments):
        profile = tmp_path / "program"
        profile.write_text(PROFILE.format(abstraction=abstraction))
        return subprocess.run([*command, *arguments, profile], capture_output=True, text=True, check=False)

    return compile


@pytest.mark.parametrize("path, abstraction", [
    ("abstractions/authentication.d/pam_otp", "authentication"),
    ("abstractions/pam_otp", "pam_otp"),
])
def test_a_profile_that_includes_it_compiles_and_has_its_rules(parser, tmp_path, path, abstraction):
    place = tmp_path / path
    place.parent.mkdir(parents=True)
    shutil.copy(ABSTRACTION, place)
    # Warnings, as of a rule that the parser does not know, count as faults.
    compiled = parser(abstraction, "--Werror")
    assert (compiled.returncode, compiled.stderr) == (0, "")
    assert "/var/lib/pam_otp/*/ rwk," in parser(abstraction, "-p").stdout


def test_without_it_a_confined_program_gets_nothing_of_the_records(parser):
    expanded = parser("authentication", "-p").stdout
    assert "/etc/shadow" in expanded.replace("@{etc_ro}", "/etc")
    assert "pam_otp" not in expanded
