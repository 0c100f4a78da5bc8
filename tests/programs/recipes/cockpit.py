"""Cockpit, asked as its page asks: one HTTP request for each question."""

import base64
import http.client
import json
import pathlib
import re

import doors
import sshd
from servers import Server, directory


class Cockpit(Server):
    service = "cockpit"

    def prepare(self):
        directory("/run/cockpit")
        directory("/var/lib/cockpit")

    def command(self):
        return ["/usr/lib/cockpit/cockpit-ws", "--no-tls", "--address", sshd.HOST, "--port", self.port]

    def visit(self, account, password, rhost="127.0.0.1"):
        return Visit(self, account, password, rhost)


class Visit:
    """A login: the questions, and its end: `status` 200 or 401, and `reason`."""

    def __init__(self, server, account, password, rhost):
        self._server = server
        self._rhost = rhost
        self.questions, self.told = [], []
        doors.TYPED.append(password)
        self._ask("Basic " + encoded(f"{account.name}:{password}"))

    def answer(self, reply):
        doors.TYPED.append(reply)
        self._ask(f"X-Conversation {self._conversation} {encoded(reply)}")
        return self

    def _ask(self, authorization):
        client = http.client.HTTPConnection(sshd.HOST, self._server.port, doors.TIMEOUT_SECONDS, source_address=(self._rhost, 0))
        client.request("GET", "/cockpit/login", headers={"Authorization": authorization})
        answer = client.getresponse()
        body = answer.read().decode(errors="replace")
        client.close()
        self.status, self.reason, self._conversation = answer.status, answer.reason, None
        asks = re.fullmatch(r"X-Conversation (\S+) (\S+)", answer.headers.get("WWW-Authenticate") or "")
        if asks:
            self._conversation = asks[1]
            self.questions.append(base64.b64decode(asks[2]).decode())
            self.told.append(json.loads(body).get("message"))

    @property
    def asked(self):
        return self._conversation is not None


def encoded(text):
    return base64.b64encode(text.encode()).decode()
