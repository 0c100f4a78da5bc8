"""greetd, with a greeter of the test's own: greetd-ipc(7) over its socket, from a process that is root."""

import json
import os
import pathlib
import socket
import struct
import subprocess
import tempfile

import clock
import doors
from under_test import BINARIES

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


class Greetd:
    """`with Greetd() as greetd:` runs it until the end of the block; its output is in `log`."""

    def __enter__(self):
        pathlib.Path("/etc/pam.d/greetd-greeter").write_text(GREETER)
        directory = pathlib.Path(tempfile.mkdtemp(prefix="greetd."))
        self.log = directory / "log"
        config = directory / "config.toml"
        config.write_text(CONFIG)
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                [BINARIES / "greetd", "-c", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": os.environ["PATH"]},
            )
        self._path = pathlib.Path(f"/run/greetd-{self._process.pid}.sock")
        clock.wait_until(self._path.exists, "the socket of greetd")
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=60)

    def login(self, account, answer):
        """Runs a whole login: `answer(QUESTION, TOLD)` gives the reply to each question. Returns whether a session may start,
        and what was told."""
        told = ""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(doors.TIMEOUT_SECONDS)
            connection.connect(os.fspath(self._path))
            said = ask(connection, type="create_session", username=account.name)
            while said["type"] == "auth_message":
                text = said["auth_message"]
                if said["auth_message_type"] in ("visible", "secret"):
                    reply = answer(text, told)
                    doors.TYPED.append(reply)
                    said = ask(connection, type="post_auth_message_response", response=reply)
                else:
                    told += text + "\n"
                    said = ask(connection, type="post_auth_message_response")
            ask(connection, type="cancel_session")
        return said["type"] == "success", told


def ask(connection, **request):
    text = json.dumps(request).encode()
    connection.sendall(struct.pack("=I", len(text)) + text)
    (length,) = struct.unpack("=I", receive(connection, 4))
    return json.loads(receive(connection, length))


def receive(connection, length):
    text = b""
    while len(text) < length:
        got = connection.recv(length - len(text))
        assert got, "greetd has gone away"
        text += got
    return text
