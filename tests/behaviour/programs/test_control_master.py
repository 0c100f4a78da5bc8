"""OpenSSH's ControlMaster: further sessions over a connection that has logged in are no logins, so nobody is asked anything."""

import os
import subprocess

import pytest

import clock as clocks
import doors
import sshd
from clock import wait_until

pytestmark = pytest.mark.promised_by("ours")


class Master(doors.Ssh):
    """A connection that stays open for further ones of the same user, behind a socket."""

    def __init__(self, server, socket):
        super().__init__(server, sshd.HOST)
        self._options += ["-o", "ControlMaster=auto", "-o", f"ControlPath={socket}", "-o", "ControlPersist=yes"]

    def again(self, account, command):
        """Runs one more session without a terminal; a question would make it fail."""
        words = ["/usr/bin/ssh", "-F", "none", "-l", account.name, *self._options, "-o", "BatchMode=yes", sshd.HOST, command]
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=doors.TIMEOUT_SECONDS,
                              env={"PATH": os.environ["PATH"], **clocks.REAL_TIME})

    def close(self, account):
        words = ["/usr/bin/ssh", "-F", "none", "-l", account.name, *self._options, "-O", "exit", sshd.HOST]
        subprocess.run(words, capture_output=True, timeout=doors.TIMEOUT_SECONDS, env={"PATH": os.environ["PATH"]})


@pytest.fixture
def master(server, clock, tmp_path):
    return Master(server, f"/tmp/{os.path.basename(tmp_path)}.socket")


def test_further_sessions_of_an_open_connection_ask_nothing_and_outlive_a_lock(master, alice, journal, under_test):
    with master.visit(alice) as visit:
        for reply in (alice.password, alice.codes.now()):
            visit.prompt()
            visit.reply(reply)
        assert visit.prompt() is None
        try:
            assert master.again(alice, "id -un").stdout == f"{alice.name}\n"
            assert journal.names(alice.name) == ["otp.accept"]
            under_test.reset(alice)
            assert master.again(alice, "id -un").stdout == f"{alice.name}\n", "the connection is already logged in"
        finally:
            master.close(alice)
    wait_until(lambda: master.again(alice, "id -un").returncode != 0, "end of the connection")
