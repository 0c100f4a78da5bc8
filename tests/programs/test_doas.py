"""doas."""

# light
# bookworm: opendoas
# trixie: opendoas

import pathlib

import pytest
import table
import terminal


class Doas(terminal.Program):
    services = ("doas",)
    runner = "person"

    def prepare(self):
        config = pathlib.Path("/etc/doas.conf")
        config.write_text(f"permit {self.person}\n")
        config.chmod(0o600)

    def command(self):
        return self.running("/usr/bin/doas", "/bin/sh", "-c", self.command_inside)


@pytest.mark.program("doas")
def test_doas(row, probe):
    table.compare(row, terminal.measure(Doas(), probe, row))
