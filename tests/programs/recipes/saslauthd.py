"""saslauthd, asked as Postfix and OpenLDAP ask it: over its socket."""

import socket
import struct

import doors
from servers import Server, directory


class Saslauthd(Server):
    service = "smtp"
    recipe = "saslauthd"
    tells_address = False

    def __init__(self, *options):
        self._options = options

    def prepare(self):
        self._place = directory("/run/saslauthd")

    def command(self):
        return ["/usr/sbin/saslauthd", "-d", "-a", "pam", "-n", "2", "-m", self._place, *self._options]

    def ready(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._place / "mux")) == 0

    def log_in(self, account, reply, rhost=None):
        doors.TYPED.append(reply)
        fields = [field.encode() for field in (account.name, reply, self.service, "")]
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(doors.TIMEOUT_SECONDS)
            client.connect(str(self._place / "mux"))
            client.sendall(b"".join(struct.pack(">H", len(field)) + field for field in fields))
            answer = client.makefile("rb").read()[2:].decode()
        assert answer[:2] in ("OK", "NO"), answer
        return answer[:2] == "OK"
