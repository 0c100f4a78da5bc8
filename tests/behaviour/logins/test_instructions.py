"""The cost of a login in instructions, which vary with neither the machine nor its load. tests/bench measures time."""

import pathlib
import platform
import re
import subprocess

import pytest

import application
import imported
from application import program, service  # noqa: F401
from codes import Token
from followed import WHOLE_LOGIN, executed, instructions
from policy_file import policy  # noqa: F401
from under_test import BINARIES

pytestmark = pytest.mark.promised_by("ours")

# A little above the measured value, for other versions of libc and libpam. Lower it whenever a login has become
# cheaper.
AT_MOST = 800_000
# A thousand codes are tried for any reply, which takes about a millisecond.
AT_MOST_OF_A_TOKEN = 5_000_000
# libpam alone takes more; below this, something was not counted.
AT_LEAST = 30_000


@pytest.fixture
def nothing_else():
    """The stack of `other` without further modules: libpam loads those of `other` too, whichever service it runs."""
    other = pathlib.Path("/etc/pam.d/other")
    as_it_was = other.read_text()
    other.write_text("auth required pam_deny.so\naccount required pam_deny.so\n")
    yield
    other.write_text(as_it_was)


def test_login_takes_no_more_instructions_than_before(
    program, service, nothing_else, alice, policy, journal, tmp_path, capsys  # noqa: F811
):
    # The installed policy has every key as a comment, which must be read as well.
    policy((BINARIES / "pam_otp.conf").read_text())
    script = application.script(alice, alice.codes.now())
    taken = instructions(program, script, tmp_path, WHOLE_LOGIN)
    assert journal.names(alice.name) == ["otp.accept"]
    with capsys.disabled():
        print(f"\nfrom pam_start to pam_end: {taken} instructions")
    assert AT_LEAST < taken < AT_MOST


def test_sealed_login_takes_at_most_five_percent_more(
    program, service, nothing_else, alice, under_test, policy, clock, tmp_path, capsys  # noqa: F811
):
    """One run compares the same account with its record unsealed and sealed."""
    shipped = (BINARIES / "pam_otp.conf").read_text()
    policy(shipped)
    plain = instructions(program, application.script(alice, alice.codes.now()), tmp_path, WHOLE_LOGIN)
    key = pathlib.Path("/etc/security/pam_otp.seal")
    key.write_text("5e1f0a9b6c7d8e9f" * 4 + "\n")
    key.chmod(0o600)
    before, _, after = shipped.rpartition('#key = ""')
    policy(f'{before}key = "{key}"{after}')
    under_test.admin("seal")
    try:
        clock.advance(30)
        sealed = instructions(program, application.script(alice, alice.codes.now()), tmp_path, WHOLE_LOGIN)
    finally:
        under_test.admin("seal", "--undo")
        key.unlink()
    with capsys.disabled():
        print(f"\nnot sealed: {plain} instructions; sealed: {sealed}, {100 * (sealed - plain) / plain:.2f} % more")
    assert plain < sealed < plain * 1.05


def test_login_with_a_token_tries_a_thousand_codes_within_the_limit(
    program, service, nothing_else, alice, under_test, policy, tmp_path, capsys  # noqa: F811
):
    policy((BINARIES / "pam_otp.conf").read_text())
    alice.codes = Token(under_test.enrol(alice, "--force", "--hotp"))
    taken = instructions(program, application.script(alice, alice.codes.now()), tmp_path, WHOLE_LOGIN)
    with capsys.disabled():
        print(f"\nwith a token: {taken} instructions")
    assert AT_MOST < taken < AT_MOST_OF_A_TOKEN


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the instruction is one of x86")
def test_only_a_login_with_an_imported_code_executes_cpuid(
    program, service, alice, under_test, policy, tmp_path  # noqa: F811
):
    """On a virtual machine each cpuid instruction traps to the hypervisor, and takes longer than all hashing of a login. The
    slow hash of an imported code takes some hundred times as long as a cpuid, and half of that where the processor has AVX2."""
    code = subprocess.run(["objdump", "--disassemble", under_test.module], capture_output=True, text=True, check=True).stdout
    questions = {int(address, 16) for address in re.findall(r"^ *([0-9a-f]+):.*\tcpuid", code, re.MULTILINE)}

    def asked(reply):
        script = application.script(alice, reply)
        carried_out = executed(program, script, tmp_path, under_test.module)
        assert len(carried_out) > 1000
        return carried_out & questions

    assert questions
    for reply in (alice.codes.now(), alice.codes.wrong(), alice.recovery_codes[0], "12345678", "wrong"):
        assert not asked(reply)
    imported.give(under_test, alice, "12345678")
    assert not asked(alice.codes.wrong())
    assert asked("87654321") == questions
