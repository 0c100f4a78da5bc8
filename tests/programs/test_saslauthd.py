"""saslauthd, asked over its socket as Postfix and OpenLDAP ask it."""

# light
# bookworm: sasl2-bin

import pathlib
import socket
import struct

import network
import pytest
import table


class Saslauthd(network.Program):
    services = ("smtp", "imap")
    name = "saslauthd"
    everything = "info error empty hidden hidden =SUCCESS"
    place = pathlib.Path("/run/saslauthd")

    def prepare(self):
        self.place.mkdir(exist_ok=True)

    def command(self):
        return ["/usr/sbin/saslauthd", "-d", "-a", "pam", "-n", "1", "-m", self.place]

    def ready(self):
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.place / "mux")) == 0

    def log_in(self, person, replies, service="smtp"):
        fields = [text.encode() for text in (person, replies[0], service, "")]
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.place / "mux"))
            client.sendall(b"".join(struct.pack(">H", len(field)) + field for field in fields))
            answer = client.makefile("rb").read()[2:].decode()
        return answer.startswith("OK"), answer


def answers(probe, typed):
    """saslauthd asks modules to be silent, and pam_otp asks such a program only hidden questions. So nothing else is tried here."""
    assert probe.replies("hidden") == [typed[0]] * 2
    return {"asks": "once", "echoed": "not tried"}


@pytest.mark.program("saslauthd")
def test_saslauthd(row, probe):
    table.compare(row, network.measure(Saslauthd(), probe, row, answers))
    assert {call["service"] for call in probe.calls()} == {"smtp"}
