"""The messages of PAM programs to syslog, collected from a private /dev/log."""

import functools
import os
import re
import socket
import struct
import threading
import uuid

from clock import wait_until

SOCKET = "/dev/log"

# The outcomes of an attempt.
OUTCOMES = {f"otp.{name}" for name in ("accept", "recovery", "trusted", "reject", "replay", "lock", "locked", "notenrolled", "unavailable")}


class Journal:
    """All log lines since the tests began, oldest first. `mark` and `since` separate one test's lines from another's."""

    def __init__(self):
        self._lines = []
        self._writers = {}
        self._arrived = threading.Condition()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(SOCKET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        os.chmod(SOCKET, 0o666)
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self):
        while True:
            data, [(_, _, credentials), *_], *_ = self._socket.recvmsg(65536, socket.CMSG_SPACE(12))
            line = data.decode(errors="backslashreplace").rstrip("\0\n")
            with self._arrived:
                self._lines.append(line)
                self._writers[line] = struct.unpack("iII", credentials)[1]
                self._arrived.notify_all()

    def lines(self, first=0):
        """All lines sent before this call, from that number on. The queue is in order, so it is enough to wait for a line of
        our own."""
        token = uuid.uuid4().hex
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(SOCKET)
            sender.send(token.encode())
        with self._arrived:
            assert self._arrived.wait_for(lambda: token in self._lines[first:], 60), "a line of our own came into the journal"
            self._lines.remove(token)
            return self._lines[first:]

    def writer(self, line):
        """The user id of the process that wrote a line, according to the kernel."""
        return self._writers[line]

    def events(self, user):
        """The `otp.*` entries about a user, as values by key; the event's name is under `event`."""
        return [dict(event) for event in map(parse, self.lines()) if event and event.get("user") == user]

    def records(self, user):
        """The outcome of each attempt, whichever program logged it. Entries about one attempt share an id; the helper's
        says the outcome, or else the module's. An attempt that began and never ended is `otp.attempt`."""
        folded, order = {}, ["otp.unavailable", *sorted(OUTCOMES - {"otp.unavailable"})]
        for number, line in enumerate(self.lines()):
            found = re.search(r"(?:pam_otp\([^)]+\)|otp-helper\[\d+\]|otp-enroll\[\d+\]): (otp\.\w+)(.*)", line)
            if not found or found[1] not in {"otp.attempt", *OUTCOMES}:
                continue
            values = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[2]))
            if values.get("user") == user and "phase" not in values:
                folded.setdefault(values.get("id", number), []).append(found[1])
        rank = lambda name: order.index(name) if name in order else -1  # noqa: E731
        return [max(names, key=rank) for names in folded.values()]

    def names(self, user):
        return [event["event"] for event in self.events(user)]

    def wait_for(self, user, name):
        """Waits for an event that happens later than the user's program ends, such as the end of a cut connection."""
        return wait_until(lambda: [e for e in self.events(user) if e["event"] == name], f"{name} for {user}")


@functools.cache  # a test that asks a thousand times for the log has a thousand lines by then
def parse(line):
    """The values of a line like `... sshd[7]: pam_otp(sshd:auth): otp.accept user="alice" ...` by key, or None.

    The helper's entries about attempts count too: it writes them for modules that do not run as root.
    """
    found = re.search(r"pam_otp\((?P<tag>[^:]+:[^)]+)\): (?P<event>otp\.\w+)(?P<rest>.*)", line)
    found = found or re.search(r"(?P<tag>otp-helper)\[\d+\]: (?P<event>otp\.\w+)(?P<rest>.*)", line)
    if not found or found["tag"] == "otp-helper" and found["event"] not in OUTCOMES:
        return None
    values = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found["rest"]))
    return {"event": found["event"], "tag": found["tag"], "line": line, **values}
