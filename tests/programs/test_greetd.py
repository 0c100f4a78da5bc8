"""greetd, with a greeter that is the test: greetd-ipc(7) over its socket."""

# light
# bookworm: greetd
# trixie: greetd

import json
import os
import pathlib
import socket
import struct

import kept
import probe as probes
import pytest
import table
from daemon import Daemon
from probe import wait_until
from terminal import REPLIES

CONFIG = """
[terminal]
vt = "none"
[general]
source_profile = false
[default_session]
command = "sleep 600"
user = "nobody"
"""
GREETER = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
INFORMATION, ERROR = "\n".join(probes.INFORMATION), probes.ERROR


class Greeter:
    """One connection; `said` has the messages of the module, with the kind of each."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(probes.PATIENCE_SECONDS)
        self._socket.connect(os.fspath(path))

    def ask(self, **request):
        text = json.dumps(request).encode()
        self._socket.sendall(struct.pack("=I", len(text)) + text)
        (length,) = struct.unpack("=I", self._receive(4))
        return json.loads(self._receive(length))

    def _receive(self, length):
        text = b""
        while len(text) < length:
            got = self._socket.recv(length - len(text))
            assert got, "greetd has gone away"
            text += got
        return text

    def login(self, probe):
        """Logs in to the end. Returns the messages before the gate, and the last answer."""
        self.told, self.questions = [], []
        replies = iter(REPLIES)
        said = self.ask(type="create_session", username="person")
        while said["type"] == "auth_message":
            kind, text = said["auth_message_type"], said["auth_message"]
            if kind in ("visible", "secret"):
                self.questions.append((kind, text))
                said = self.ask(type="post_auth_message_response", response=next(replies))
            else:
                # The module waits for an answer, so the message is shown by now.
                self.told.append((kind, text, [line["step"] for line in probe.steps]))
                said = self.ask(type="post_auth_message_response")
            if probe.reached("gate"):
                probe.open_gate()
        return said

    def close(self, request="cancel_session", **more):
        said = self.ask(type=request, **more)
        self._socket.close()
        return said


@pytest.fixture
def greetd():
    pathlib.Path("/etc/pam.d/greetd-greeter").write_text(GREETER)
    config = pathlib.Path("/etc/greetd.toml")
    config.write_text(CONFIG)
    with Daemon("greetd", "/usr/sbin/greetd", "-c", config) as daemon:
        path = pathlib.Path(f"/run/greetd-{daemon.pid}.sock")
        wait_until(path.exists, "the socket of greetd")
        yield lambda: Greeter(path)


def refusals(probe, greetd):
    found = {"again": [], "tries": 1}
    shown = set()
    for key, result in probes.RESULTS.items():
        probe.plan(f"hidden last ={result}")
        greeter = greetd()
        said = greeter.login(probe)
        assert said["type"] == "error" and len(probe.calls("authenticate")) == 1
        found[key] = said["description"]
        shown.add(("error", probes.LAST_WORDS) in [told[:2] for told in greeter.told])
        greeter.close()
    return found | {"last_words": "shown" if shown == {True} else "lost"}


@pytest.mark.program("greetd")
def test_greetd(row, probe, greetd):
    probe.protect("greetd")
    processes = []
    # The session that is begun last is the one that runs.
    refused = refusals(probe, greetd)
    for last in (False, True):
        probe.plan("info error empty hidden hidden echoed =SUCCESS")
        greeter = greetd()
        assert greeter.login(probe)["type"] == "success"
        processes.append(probe.calls("authenticate")[0]["pid"])
        if last:
            assert greeter.close("start_session", cmd=["/bin/true"])["type"] == "success"
            probe.wait_for_call("close_session")
            table.wait_for_setcred(probe, row)
        else:
            greeter.close()
    found = {"services": ["greetd"], "includes": table.included_by("greetd")}
    found |= table.caller_of(probe, "person") | table.further_calls(probe) | table.answers(probe, REPLIES) | refused
    found["lives"] = "many logins" if len(set(processes)) == 1 else "one login"
    # Nothing else had happened when each message came.
    assert greeter.told[0] == ("info", INFORMATION, []) and greeter.told[1] == ("error", ERROR, ["info"])
    assert greeter.questions == [("secret", probes.PASSWORD), ("secret", probes.CODE), ("visible", probes.NAME)]
    found |= {"information": "at once", "error": "at once", "text": "whole", "keeps": kept.keepers()}
    table.compare(row, found)
