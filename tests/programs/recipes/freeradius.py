"""FreeRADIUS, asked by its own client."""

import pathlib
import shutil
import subprocess

import doors
import recipe
import sshd
from clock import REAL_TIME
from servers import Server, directory

PLACE = pathlib.Path("/etc/freeradius/3.0")
# Debian's configuration has this secret for localhost.
SECRET = "testing123"


class Freeradius(Server):
    service = "radiusd"
    runs_as = "freerad"
    tells_address = False

    def prepare(self):
        directory("/var/log/freeradius", "freerad")
        directory("/run/freeradius", "freerad")
        pam = PLACE / "mods-enabled/pam"
        if not pam.exists():
            pam.symlink_to("../mods-available/pam")
            site = PLACE / "sites-enabled/default"
            text = site.read_text()
            assert text.count("#\tpam\n") == 1 or text.count("#  pam\n") == 1 or "\tpam\n" in text, "the line in authenticate"
            site.unlink()
            site.write_text(text.replace("#\tpam\n", "\tpam\n").replace("#  pam\n", "\tpam\n"))
            users = PLACE / "mods-config/files/authorize"
            users.write_text(recipe.quoted("radiusd", "mods-config/files/authorize") + users.read_text())
        shutil.rmtree("/tmp/radius", ignore_errors=True)

    def command(self):
        return ["/usr/sbin/freeradius", "-f", "-l", "stdout"]

    def ready(self):
        return "Ready to process requests" in self.said()

    def log_in(self, account, reply, rhost=None):
        doors.TYPED.append(reply)
        done = subprocess.run(
            ["/usr/bin/radclient", "-r", "1", "-t", str(doors.TIMEOUT_SECONDS), "-x", f"{sshd.HOST}:1812", "auth", SECRET],
            input=f'User-Name = "{account.name}"\nUser-Password = "{reply}"\n', text=True, capture_output=True,
            env={"PATH": "/usr/bin", **REAL_TIME},
        )
        accepted, rejected = ("Received Access-" + word in done.stdout for word in ("Accept", "Reject"))
        assert accepted != rejected, done
        return accepted
