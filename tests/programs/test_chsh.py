"""chsh and chfn, with which users change their own entry in /etc/passwd."""

# light
# bookworm: passwd
# trixie: passwd

import pytest
import table
import terminal


class Change(terminal.Program):
    runner = "person"

    def __init__(self, service, *options):
        self.services = (service,)
        self._change = " ".join([service, *options])

    def command(self):
        return self.running("/bin/sh", "-c", f"{self._change} && {self.command_inside}")


@pytest.mark.program("chsh")
def test_chsh(row, probe):
    table.compare(row, terminal.measure(Change("chsh", "--shell", "/bin/sh"), probe, row))


@pytest.mark.program("chfn")
def test_chfn(row, probe):
    table.compare(row, terminal.measure(Change("chfn", "--room", "7"), probe, row))
