"""A verifier played by a test: it speaks TLS and the frames of the helper, and handles each request as it is told.

otp-helper answers from a folder of its own, so the answers are real. Decisions of a verifier itself are tested with otp-verifier.
"""

import contextlib
import grp
import os
import pathlib
import pwd
import socket
import ssl
import struct
import subprocess
import threading

from clock import wait_until
from helper import exactly, fields_of, message
from under_test import BINARIES, Ours

ALPN = "pam-otp/1"


class Verifier:
    """`with Verifier(ADDRESS, AUTHORITY, certificate, key) as verifier:` listens on port 6238 of that address.

    `act(verifier, connection)` runs for each connection after its handshake; `before(verifier, raw)` for each that was accepted, and
    returns whether to make the handshake. `requests` has the fields of every request, `accepted` counts connections.
    """

    def __init__(self, address, authority, certificate, key, act=None, before=None, alpn=ALPN, port=6238):
        self.address, self.port = address, port
        self.accepted = 0
        self.requests = []
        self.peers = []
        self._act = act or Verifier.serve
        self._before = before
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._context.load_cert_chain(certificate, key)
        self._context.load_verify_locations(authority)
        self._context.verify_mode = ssl.CERT_REQUIRED
        if alpn:
            self._context.set_alpn_protocols([alpn])
        self._context.num_tickets = 0
        self.folder = pathlib.Path(f"/run/pam_otp-tests/verifier-{address}")
        self.conf = pathlib.Path(f"{self.folder}.conf")
        self._open = []

    def __enter__(self):
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self._socket = socket.create_server((self.address, self.port), family=family, backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()

    def _accept(self):
        while True:
            try:
                raw, _ = self._socket.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.append(raw)
            threading.Thread(target=self._run, args=(raw,), daemon=True).start()

    def _run(self, raw):
        try:
            if self._before and not self._before(self, raw):
                return
            with self._context.wrap_socket(raw, server_side=True) as connection:
                self._open.append(connection)
                self.peers.append(connection.getpeercert())
                self._act(self, connection)
        except (OSError, EOFError):
            pass  # the other side has gone, or was told to go

    def request(self, connection):
        """The fields of the next request, without its envelope."""
        head = exactly(connection, 6)
        body = head + exactly(connection, struct.unpack(">H", head[4:])[0])
        fields = bytes_of(body)
        self.requests.append(fields)
        return fields

    def serve(self, connection):
        """Lets otp-helper answer, from the folder of this verifier, and passes on its messages until one side ends."""
        while True:
            kind, uid, digest, *request = self.request(connection)
            assert kind == b"fleet1" and len(digest) == 16
            user = request[1].decode()
            known = str(pwd.getpwnam(user).pw_uid) if user else ""
            assert uid.decode() == known, "the uid is that of the name service"
            self.answer(connection, request)

    def answer(self, connection, request):
        if request[:2] == [b"is-enrolled", b""]:
            connection.sendall(message("enrolled"))
            return
        if request[:2] == [b"trusted-since", b""]:
            connection.sendall(message("not-trusted"))
            return
        ours, theirs = socket.socketpair()
        with subprocess.Popen([Ours.helper_copy, self.conf, self.folder], stdin=theirs, stdout=theirs, env={}, cwd="/") as helper:
            theirs.close()
            ours.sendall(message(*request))
            is_change = request[0] in (b"enrol", b"add", b"remove", b"recovery-codes")
            takes_a_reply = {b"offer", b"codes", b"ask", b"ask-hidden"}
            while True:
                head = exactly(ours, 6)
                body = head + exactly(ours, struct.unpack(">H", head[4:])[0])
                connection.sendall(body)
                fields = bytes_of(body)
                retry = fields[0] == b"checked" and fields[1] != b"right" and fields[2] != b"0"
                if is_change and (fields[0] in takes_a_reply or retry):
                    head = exactly(connection, 6)
                    ours.sendall(head + exactly(connection, struct.unpack(">H", head[4:])[0]))
                elif not is_change or fields[0] not in (b"begun", b"tell", b"checked"):
                    break
            ours.close()
            helper.wait(timeout=60)


def bytes_of(frame):
    fields, rest = [], frame[6:]
    while rest:
        (length,) = struct.unpack(">H", rest[:2])
        fields.append(rest[2 : 2 + length])
        rest = rest[2 + length :]
    return fields


USER = "_pam-otp-verifier"


class Real:
    """otp-verifier itself, on the same folder: `with Real(ADDRESS, ca, certificate, key, machines=[NAME]) as verifier:`.

    Its registry has the machines; `verifier.revoke(NAME)` removes one.
    """

    program = BINARIES / "otp-verifier"

    def __init__(self, address, authority, certificate, key, machines, port=6238):
        self._place = pathlib.Path(f"/run/pam_otp-tests/otp-verifier-{address}")
        self._place.mkdir(exist_ok=True)
        self._registry = self._place / "machines"
        self._registry.mkdir(exist_ok=True)
        self._port, self._address = port, address
        group = grp.getgrnam(USER).gr_gid
        state = self._place / "state"
        state.mkdir(exist_ok=True)
        os.chown(state, pwd.getpwnam(USER).pw_uid, group)
        for source, name, mode in ((authority, "ca.pem", 0o644), (certificate, "own.pem", 0o644), (key, "own.key", 0o640)):
            target = self._place / name
            target.write_bytes(pathlib.Path(source).read_bytes())
            os.chown(target, 0, group)
            target.chmod(mode)
        for name in machines:
            self.add(name)
        self._conf = self._place / "conf"
        self._conf.write_text(
            f'listen = ["{address}:{port}"]\nca = "{self._place}/ca.pem"\ncertificate = "{self._place}/own.pem"\n'
            f'key = "{self._place}/own.key"\npolicy = "/run/pam_otp-tests/verifier.conf"\nstate = "{state}"\n'
            f'[store]\ndirectory = "/run/pam_otp-tests/records-of-the-fleet"\nmachines = "{self._registry}"\n'
        )

    def add(self, name, revoked=False):
        entry = self._registry / name
        entry.write_text(
            f'version = 1\nname = "{name}"\nrole = "machine"\nzones = []\nadded = 1763640000\nrevoked = {str(revoked).lower()}\n'
        )
        entry.chmod(0o644)

    def revoke(self, name):
        self.add(name, revoked=True)

    def __enter__(self):
        self._process = subprocess.Popen([self.program, "--conf", self._conf], env={}, stdin=subprocess.DEVNULL)
        wait_until(self._listens, "otp-verifier that listens")
        return self

    def _listens(self):
        assert self._process.poll() is None, "otp-verifier ended at once"
        with contextlib.suppress(OSError), socket.create_connection((self._address, self._port)):
            return True

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=60)
