"""A browser without pictures and scripts, for tests that need no Chromium: it talks to the web server in front of the portal."""

import http.client
import socket
import ssl

import web_server
import web_servers

SECONDS = 60


class Browser(web_server.Browser):
    """Follows redirects, keeps cookies by host and sends forms. It speaks TLS, and accepts only the tests' certificate."""

    home = web_servers.PORTAL

    def __init__(self, trusted=None):
        super().__init__()
        self.headers = {"Accept-Language": "en"}
        self._trust = ssl.create_default_context(cafile=trusted or web_servers.certificate()[0])

    def connect(self, host):
        connection = http.client.HTTPSConnection(host, timeout=SECONDS, context=self._trust)
        connection.sock = self._trust.wrap_socket(self.reach(), server_hostname=host)
        return connection

    def reach(self):
        """Returns a connection to the web server."""
        return socket.create_connection((web_servers.ADDRESS, 443), timeout=SECONDS)

    def begin(self, url, user):
        """Opens a page that sends visitors to the login, up to the first question."""
        self.get(url)
        self.post("/login", user=user.name)

    def answer(self, reply):
        self.post("/login/question", answer=reply)

    def asks(self):
        return "/login/question" in self.page.forms

    def sees(self, url):
        """Returns whether the page opens now; afterwards another page is on the screen."""
        return self.get(url).body == web_servers.PAGE
