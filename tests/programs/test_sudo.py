"""sudo, and sudo -i."""

# light
# bookworm: sudo
# trixie: sudo

import pathlib

import pytest
import table
import terminal

SUDOERS = "Defaults timestamp_timeout=0, lecture=never, !fqdn\nperson ALL=(ALL:ALL) ALL\n"


class Sudo(terminal.Program):
    services = ("sudo", "sudo-i")
    runner = "person"
    program = "/usr/bin/sudo"

    def __init__(self, *options):
        self.options = options

    def prepare(self):
        pathlib.Path("/etc/sudoers").write_text(SUDOERS)

    def command(self):
        return self.running(self.program, *self.options, "/bin/sh", "-c", self.command_inside)


@pytest.mark.program("sudo")
def test_sudo(row, probe):
    table.compare(row, terminal.measure(Sudo(), probe, row))


@pytest.mark.program("sudo")
def test_sudo_with_a_login_shell_differs_in_its_service_alone(row, probe):
    table.compare(row, terminal.measure(Sudo("-i"), probe, row))
    assert {call["service"] for call in probe.calls()} == {"sudo-i"}
