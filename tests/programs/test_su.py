"""su and su -l."""

# light
# bookworm: util-linux login
# trixie: util-linux

import pytest
import table
import terminal


class Su(terminal.Program):
    services = ("su", "su-l")
    runner = "runner"

    def __init__(self, *options):
        self.options = options

    def command(self):
        return self.running("/usr/bin/su", *self.options, self.person, "-c", self.command_inside)


@pytest.mark.program("su")
def test_su(row, probe):
    table.compare(row, terminal.measure(Su(), probe, row))


@pytest.mark.program("su")
def test_su_with_a_login_shell_differs_in_its_service_alone(row, probe):
    table.compare(row, terminal.measure(Su("-l"), probe, row))
    assert {call["service"] for call in probe.calls()} == {"su-l"}
