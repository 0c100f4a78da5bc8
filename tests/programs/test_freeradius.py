"""FreeRADIUS, asked by its own client."""

# bookworm: freeradius freeradius-utils

import pathlib
import subprocess

import network
import pytest
import table

PLACE = pathlib.Path("/etc/freeradius/3.0")


class Freeradius(network.Program):
    services = ("radiusd",)
    name = "freeradius"

    def prepare(self):
        pathlib.Path("/run/freeradius").mkdir(exist_ok=True)
        table.run("chown", "freerad:", "/run/freeradius")
        pam = PLACE / "mods-enabled/pam"
        if not pam.exists():
            pam.symlink_to("../mods-available/pam")
            site = PLACE / "sites-enabled/default"
            text = site.read_text()
            site.unlink()
            site.write_text(text.replace("#\tpam\n", "\tpam\n"))
            users = PLACE / "mods-config/files/authorize"
            users.write_text("DEFAULT Auth-Type := PAM\n" + users.read_text())

    def command(self):
        return ["/usr/sbin/freeradius", "-f", "-l", "stdout"]

    def ready(self):
        return "Ready to process requests" in self.said()

    def log_in(self, person, replies):
        done = subprocess.run(
            ["/usr/bin/radclient", "-r", "1", "-t", "60", "-x", f"{network.HERE}:1812", "auth", "testing123"],
            input=f'User-Name = "{person}"\nUser-Password = "{replies[0]}"\n', text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return "Received Access-Accept" in done.stdout, done.stdout


@pytest.mark.program("FreeRADIUS")
def test_freeradius(row, probe):
    table.compare(row, network.measure(Freeradius(), probe, row))
