"""sudo-rs, beside or instead of sudo."""

# trixie: sudo sudo-rs

import pytest
import table
import terminal
from test_sudo import Sudo


class SudoRs(Sudo):
    program = "/usr/bin/sudo-rs"

    def __init__(self, services, *options):
        super().__init__(*options)
        self.services = services

    def prepare(self):
        super().prepare()
        # sudo-rs does not know all settings of sudo.
        with open("/etc/sudoers", "w") as sudoers:
            sudoers.write("Defaults timestamp_timeout=0\nperson ALL=(ALL:ALL) ALL\n")


@pytest.mark.program("sudo-rs")
def test_sudo_rs(row, probe):
    table.compare(row, terminal.measure(SudoRs(["sudo"]), probe, row))


@pytest.mark.program("sudo-rs -i")
def test_sudo_rs_with_a_login_shell(row, probe):
    table.compare(row, terminal.measure(SudoRs(["sudo-i"], "-i"), probe, row))
