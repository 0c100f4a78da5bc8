"""sshd, over a client of the same version."""

# light
# bookworm: openssh-server openssh-client
# trixie: openssh-server openssh-client

import pathlib
import socket

import pytest
import table
import terminal
from daemon import Daemon
from probe import wait_until

PORT = 2222
CONFIG = f"""
Port {PORT}
ListenAddress 127.0.0.1
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication yes
PubkeyAuthentication no
LogLevel DEBUG3
"""
# A later version, with its penalties, does not talk to a client that has just been refused.
PENALTIES = "PerSourcePenalties no\n"


class Sshd(terminal.Program):
    services = ("sshd",)

    def command(self):
        return [
            "/usr/bin/ssh", "-p", PORT, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "PreferredAuthentications=keyboard-interactive", f"{self.person}@127.0.0.1", self.command_inside,
        ]


@pytest.fixture
def server():
    pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    config = pathlib.Path("/etc/ssh/sshd_config")
    config.write_text(CONFIG + (PENALTIES if table.RELEASE != "bookworm" else ""))
    table.run("ssh-keygen", "-A")
    with Daemon("sshd", "/usr/sbin/sshd", "-D", "-e") as daemon:
        wait_until(answers, "sshd")
        yield daemon


def answers():
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", PORT)) == 0


@pytest.mark.program("sshd 9.2", "sshd 10.0")
def test_sshd(row, probe, server):
    table.compare(row, terminal.measure(Sshd(), probe, row))
    assert "debug3: PAM: " in server.said(), "it says a lot"
