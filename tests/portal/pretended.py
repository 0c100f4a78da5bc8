"""A stand-in for the portal, which gives the answers of the test: it shows how a web server treats each."""

import http.server
import os
import pathlib
import socket
import socketserver
import threading

SOCKET = pathlib.Path("/run/pam_otp-portal-web/http.sock")

LOGIN = "https://portal.example.org/login?site=wiki.example.org&to=%2F"
NOBODY = (401, {"X-Otp-Login": LOGIN})


def let_in(name, *groups):
    return 204, {"Remote-User": name, "Remote-Groups": ",".join(groups)}


class Portal:
    """`with Portal() as portal:` answers 401 until `portal.answer` is another pair of status and headers. `None` hangs up."""

    def __init__(self):
        self.answer = NOBODY
        self.asked = []
        self._server = None

    def __enter__(self):
        SOCKET.parent.mkdir(exist_ok=True)
        SOCKET.parent.chmod(0o755)
        SOCKET.unlink(missing_ok=True)
        self._server = Server(str(SOCKET), Handler)
        self._server.portal = self
        os.chmod(SOCKET, 0o666)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        # Web servers keep connections open, and the stand-in would go on answering them.
        for connection in list(self._server.connections):
            connection.shutdown(socket.SHUT_RDWR)
        SOCKET.unlink(missing_ok=True)

    def verified(self):
        """Returns the requests about visitors: the path, and the headers by their names in lower case."""
        return [(path, headers) for path, headers in self.asked if path.startswith("/verify")]


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, *arguments):
        self.connections = set()
        super().__init__(*arguments)

    def process_request_thread(self, request, client_address):
        self.connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.connections.discard(request)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def do_GET(self):
        portal = self.server.portal
        # The headers are a list, because a header that comes twice is a finding.
        portal.asked.append((self.path, [(name.lower(), value) for name, value in self.headers.items()]))
        body = b""
        status, headers = (200, {"Content-Type": "text/plain"}) if not self.path.startswith("/verify") else (portal.answer or (None, {}))
        if status is None:
            self.close_connection = True
            return
        if status == 401 and self.path.endswith("?redirect"):
            status, headers = 302, {"Location": headers["X-Otp-Login"]} if "X-Otp-Login" in headers else {}
        if status == 200:
            body = f"portal: {self.path}\n".encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_HEAD = do_GET
