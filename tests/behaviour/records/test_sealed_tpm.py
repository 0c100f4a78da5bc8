"""The sealing key as a systemd credential, encrypted by a TPM 2: otp-admin makes and changes it, the unit's commands put it into
/run, and another TPM cannot decrypt it.

systemd-creds is the real one, and uses a software TPM; systemd itself does not run here, so the test runs the lines of its unit
one by one.
"""

import os
import pathlib
import re
import stat
import subprocess
import tarfile

import pytest

from account_doors import knock
from policy_file import policy  # noqa: F401  (a fixture)
from under_test import BINARIES, Ours

pytestmark = pytest.mark.promised_by("ours")

PORT = 2321
DEVICE = f"--tpm2-device=swtpm:host=127.0.0.1,port={PORT}"
KEY = pathlib.Path("/run/pam_otp/seal")
CREDENTIAL = pathlib.Path("/etc/credstore.encrypted/pam_otp.seal")
REAL = pathlib.Path("/usr/bin/systemd-creds")


class Tpm:
    """A TPM whose state is in a directory; inside a `with` block it is the machine's TPM."""

    def __init__(self, programs, state):
        self._there, self._state = programs / "tpm", state
        state.mkdir()

    def __enter__(self):
        self._there.symlink_to(self._state)

    def __exit__(self, *_):
        self._there.unlink()


# The kernel releases what a program leaves open in a TPM; here each program gets a TPM that was just started.
WRAPPER = """#!/bin/bash
export LD_LIBRARY_PATH={there}
verb=$1; shift
[ "$verb" = encrypt ] && set -- --with-key=tpm2 "$@"
if [ -e {there}/tpm ]; then
    {there}/swtpm socket --tpm2 --tpmstate dir={there}/tpm --flags not-need-init,startup-clear \
        --server type=tcp,port={port} --ctrl type=tcp,port={control} < /dev/null > /dev/null 2>&1 &
    tpm=$!
    # The port that only controls: the other takes one client.
    until (: > /dev/tcp/127.0.0.1/{control}) 2> /dev/null; do
        kill -0 $tpm || exit 99
        sleep 0.02
    done
fi
{there}/systemd-creds "$verb" {device} "$@"
status=$?
if [ -n "${{tpm-}}" ]; then
    # TPM2_Shutdown: one that is switched off without it takes that for an attack, and after some refuses everything.
    exec 3<> /dev/tcp/127.0.0.1/{port}
    printf '\\x80\\x01\\x00\\x00\\x00\\x0c\\x00\\x00\\x01\\x45\\x00\\x00' >&3
    head -c 10 <&3 > /dev/null
    kill $tpm; wait $tpm
fi
exit $status
"""


@pytest.fixture
def programs(tmp_path):
    """swtpm, and a replacement of systemd-creds that tells the real one which TPM to use."""
    there = tmp_path / "programs"
    with tarfile.open(BINARIES / "tpm.tar") as packed:
        packed.extractall(there)
    real = there / "systemd-creds"
    real.write_bytes(REAL.read_bytes())
    real.chmod(0o755)
    wrapper = there / "wrapper"
    wrapper.write_text(WRAPPER.format(there=there, port=PORT, control=PORT + 1, device=DEVICE))
    wrapper.chmod(0o755)
    subprocess.run(["mount", "--bind", wrapper, REAL], check=True)
    yield there
    subprocess.run(["umount", REAL], check=True)


@pytest.fixture
def unit(tmp_path):
    """`unit()` runs the lines of pam_otp-seal.service, as systemd does at boot."""
    text = (BINARIES / "pam_otp-seal.service").read_text()
    (source,) = re.findall(r"^LoadCredentialEncrypted=pam_otp\.seal:(.*)$", text, re.MULTILINE)
    (runtime,) = re.findall(r"^RuntimeDirectory=(.*)$", text, re.MULTILINE)
    lines = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert f"ConditionPathExists={source}\n" in text and pathlib.Path(source) == CREDENTIAL and len(lines) == 2
    given = tmp_path / "credentials"

    def start():
        given.mkdir(exist_ok=True, mode=0o700)
        done = subprocess.run([REAL, "decrypt", "--name=pam_otp.seal", source, given / "pam_otp.seal"], capture_output=True)
        if done.returncode:
            return False
        pathlib.Path("/run", runtime).mkdir(exist_ok=True, mode=0o755)
        for line in lines:
            line = line.replace("${CREDENTIALS_DIRECTORY}", str(given)).replace("${RUNTIME_DIRECTORY}", f"/run/{runtime}")
            subprocess.run(line.split(), check=True)
        (given / "pam_otp.seal").unlink()
        return True

    return start


def reboot():
    """Reboots: everything in memory is gone."""
    for path in KEY.parent.iterdir():
        path.unlink()
    KEY.parent.rmdir()


def credentials():
    """Asserts that the credential is there alone, with no unfinished file beside it."""
    assert [path.name for path in CREDENTIAL.parent.iterdir()] == [CREDENTIAL.name]
    return CREDENTIAL.read_bytes()


def test_key_by_a_tpm_returns_at_each_boot_and_another_tpm_cannot_decrypt_it(
    door, alice, policy, under_test, journal, programs, unit, tmp_path  # noqa: F811
):
    mine, other = Tpm(programs, tmp_path / "mine"), Tpm(programs, tmp_path / "other")
    with mine:
        under_test.admin("seal", "--new-key", "--key", KEY)
        key = KEY.read_text()
        policy(f'[seal]\nkey = "{KEY}"')
        under_test.admin("seal")
    digits = [line for line in key.splitlines() if not line.startswith("#")][0]
    assert digits.encode() not in credentials() and bytes.fromhex(digits) not in credentials()
    reboot()
    refused = len(journal.events(alice.name))
    assert knock(door, alice, alice.codes.now()).refused
    assert "seal is missing" in journal.events(alice.name)[refused]["reason"]
    assert not unit(), "no TPM, no key"
    with other:
        assert not unit(), "another TPM, no key"
    with mine:
        assert unit()
        found = KEY.stat()
        assert KEY.read_text() == key and [path.name for path in KEY.parent.iterdir()] == [KEY.name]
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o640, 0, Ours.state_directory.stat().st_gid)
    assert knock(door, alice, alice.codes.now()).admitted
    under_test.admin("seal", "--undo")
    CREDENTIAL.unlink()
    reboot()


def test_changed_key_is_in_the_credential_before_any_record_is_sealed_by_it(
    ssh, alice, policy, under_test, programs, unit, tmp_path, clock  # noqa: F811
):
    with Tpm(programs, tmp_path / "mine"):
        under_test.admin("seal", "--new-key", "--key", KEY)
        policy(f'[seal]\nkey = "{KEY}"')
        under_test.admin("seal")
        old = KEY.read_text()
        under_test.admin("seal", "--rotate")
        new = KEY.read_text()
        assert new != old
        reboot()
        assert unit() and KEY.read_text() == new
        assert knock(ssh, alice, alice.codes.now()).admitted
    # Without its TPM the new key could not be stored: no record is sealed by it, and the old key stays.
    before = credentials(), KEY.read_bytes(), (Ours.state_directory / alice.name / "credential.toml").read_bytes()
    done = subprocess.run([BINARIES / "otp-admin", "seal", "--rotate"], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "could not be kept as a systemd credential" in done.stderr
    assert before == (credentials(), KEY.read_bytes(), (Ours.state_directory / alice.name / "credential.toml").read_bytes())
    under_test.admin("seal", "--undo")
    CREDENTIAL.unlink()
    reboot()
