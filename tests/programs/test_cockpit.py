"""Cockpit, asked as its page asks: one HTTP request for each question."""

# bookworm: cockpit-ws cockpit-bridge

import base64
import http.client
import json
import pathlib
import re

import network
import probe as probes
import pytest
import table


class Cockpit(network.Program):
    services = ("cockpit",)
    name = "cockpit"

    def prepare(self):
        self.port = network.free_port()
        for place in ("/run/cockpit", "/var/lib/cockpit"):
            pathlib.Path(place).mkdir(exist_ok=True)

    def command(self):
        return ["/usr/lib/cockpit/cockpit-ws", "--no-tls", "--address", network.HERE, "--port", self.port]

    def log_in(self, person, replies):
        """Logs in; `asked` gets the text of the page with each question, in order."""
        self.asked, told = [], ""
        authorization = "Basic " + encoded(f"{person}:{replies[0]}")
        rest = list(replies[1:])
        while True:
            client = http.client.HTTPConnection(network.HERE, self.port, probes.PATIENCE_SECONDS)
            client.request("GET", "/cockpit/login", headers={"Authorization": authorization})
            answer = client.getresponse()
            body = answer.read().decode(errors="replace")
            client.close()
            told += f"{answer.status} {answer.reason}\n{body}\n"
            asks = re.fullmatch(r"X-Conversation (\S+) (\S+)", answer.headers.get("WWW-Authenticate") or "")
            # An answer of success also names the conversation.
            if answer.status == 200 or not asks:
                return answer.status == 200, told
            self.asked.append((base64.b64decode(asks[2]).decode(errors="replace"), json.loads(body)))
            authorization = f"X-Conversation {asks[1]} {encoded(rest.pop(0))}"

    def shown(self, probe, told):
        question, message = self.asked[0]
        assert question == probes.CODE
        text = json.dumps(message, ensure_ascii=False)
        assert network.MARKS["information"] in text and network.MARKS["error"] in text, self.asked
        whole = all(line in json.dumps(message, ensure_ascii=False).replace("\\n", "\n") for line in probes.INFORMATION)
        return {"information": "with the next question", "error": "with the next question", "text": "whole" if whole else "spoilt"}


def encoded(text):
    return base64.b64encode(text.encode()).decode()


@pytest.mark.program("Cockpit")
def test_cockpit(row, probe):
    table.compare(row, network.measure(Cockpit(), probe, row))
