"""What a login costs, in instructions: they vary with neither the machine nor its load. How long one takes is for
tests/bench."""

import pathlib

import pytest

import application
from application import program, service  # noqa: F401
from followed import WHOLE_LOGIN, instructions
from policy_file import policy  # noqa: F401
from under_test import BINARIES

pytestmark = pytest.mark.promised_by("ours")

# A little above what is measured, for other versions of libc and libpam. Lower it whenever a login has become cheaper.
AT_MOST = 800_000
# libpam alone takes more: with less, something has not been counted.
AT_LEAST = 30_000


@pytest.fixture
def nothing_else():
    """libpam loads the modules of the service `other` too, whatever the service is."""
    other = pathlib.Path("/etc/pam.d/other")
    as_it_was = other.read_text()
    other.write_text("auth required pam_deny.so\naccount required pam_deny.so\n")
    yield
    other.write_text(as_it_was)


def test_login_takes_no_more_instructions_than_it_did(
    program, service, nothing_else, alice, policy, journal, tmp_path, capsys  # noqa: F811
):
    # As it is installed, every key is in it as a comment, which has to be read as well.
    policy((BINARIES / "pam_otp.conf").read_text())
    script = application.script(alice, alice.codes.now())
    taken = instructions(program, script, tmp_path, WHOLE_LOGIN)
    assert journal.names(alice.name) == ["otp.accept"]
    with capsys.disabled():
        print(f"\nfrom pam_start to pam_end: {taken} instructions")
    assert AT_LEAST < taken < AT_MOST
