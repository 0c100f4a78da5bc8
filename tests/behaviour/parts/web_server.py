"""The web server of the portal over the real login part, and a browser without scripts: forms, cookies and redirects."""

import html.parser
import http.client
import os
import pathlib
import pwd
import shutil
import subprocess
import urllib.parse

import doors
import sshd
from clock import wait_until
from login_part import SOCKET
from under_test import BINARIES

CONF = pathlib.Path("/etc/security/pam_otp-portal.conf")
STATE = pathlib.Path("/var/lib/pam_otp-portal")
PROGRAM = BINARIES / "otp-portal"
HOST = "login.example.org"
SITE = "wiki.example.org"
PORT = 9480


class WebServer:
    """`otp-portal`, as its account and in that environment; `with WebServer(account) as web:` ends it."""

    def __init__(self, account, environment=()):
        self.account = account
        self.environment = dict(environment)
        sshd.bring_loopback_up()
        entry = pwd.getpwnam(account.name)
        CONF.write_text(
            f'url = "https://{HOST}"\nlisten = ["127.0.0.1:{PORT}"]\nproxies = ["127.0.0.1"]\nlogin = "{SOCKET}"\n'
            f'state = "{STATE}"\n[[site]]\nhost = "{SITE}"\n'
        )
        CONF.chmod(0o644)
        STATE.mkdir(mode=0o700, exist_ok=True)
        os.chown(STATE, entry.pw_uid, entry.pw_gid)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [PROGRAM, "--conf", CONF], env=self.environment, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            user=self.account.name, group=pwd.getpwnam(self.account.name).pw_gid, extra_groups=[],
        )
        wait_until(lambda: self.answers() or self.process.poll() is not None, "web server")
        assert self.process.poll() is None

    @staticmethod
    def answers():
        try:
            http.client.HTTPConnection("127.0.0.1", PORT, timeout=doors.TIMEOUT_SECONDS).connect()
        except OSError:
            return False
        return True

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)
        shutil.rmtree(STATE, ignore_errors=True)
        CONF.unlink(missing_ok=True)


class Page(html.parser.HTMLParser):
    """The content of a page: its forms by their targets, and its text."""

    def __init__(self, status, headers, body):
        super().__init__()
        self.status, self.headers, self.body = status, headers, body
        self.forms, self.form, self.text = {}, None, ""
        self.feed(body)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and attributes.get("method") == "post":
            self.form = self.forms.setdefault(attributes["action"], {})
        elif tag == "input" and self.form is not None and attributes.get("type") == "hidden" and "name" in attributes:
            self.form[attributes["name"]] = attributes.get("value", "")

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None

    def handle_data(self, data):
        self.text += data


class Browser:
    """A browser that follows redirects within its host, and keeps cookies by host."""

    home = HOST

    def __init__(self, address="192.0.2.7", language="en"):
        self.headers = {"X-Forwarded-For": address, "X-Forwarded-Proto": "https", "Accept-Language": language}
        self.cookies = {}
        self.page = None

    def ask(self, method, url, fields=None):
        """Makes one request; the page at its end is in `page`."""
        parts = urllib.parse.urlsplit(url)
        host = parts.netloc or self.home
        jar = self.cookies.setdefault(host, {})
        headers = {**self.headers, "Host": host}
        if jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"https://{self.home}"}
        connection = self.connect(host)
        connection.request(method, urllib.parse.urlunsplit(("", "", parts.path, parts.query, "")), body, headers)
        answer = connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.split(";")[0].partition("=")
            jar[name] = value
            if not value:
                del jar[name]
        self.page = Page(answer.status, answer.headers, answer.read().decode())
        connection.close()
        location = answer.headers.get("Location")
        if answer.status in (302, 303) and location:
            return self.ask("GET", urllib.parse.urljoin(f"https://{host}{parts.path}", location))
        return self.page

    def connect(self, host):
        """A connection to the portal for that host; headers play the server that stands in front of it."""
        return http.client.HTTPConnection("127.0.0.1", PORT, timeout=doors.TIMEOUT_SECONDS)

    def get(self, url):
        return self.ask("GET", url)

    def post(self, action, **fields):
        """Sends that form of the page."""
        for name in ("answer", "code"):
            if len(fields.get(name, "")) > 5:
                doors.TYPED.append(fields[name])
        return self.ask("POST", action, {**self.page.forms[action], **fields})

    def log_in(self, account, *replies):
        """Logs in: the name, and a reply to each question."""
        self.get("/login")
        self.post("/login", user=account.name)
        for reply in replies:
            assert "/login/question" in self.page.forms, self.page.text
            self.post("/login/question", answer=reply)
        return self.page

    def change(self, account, code):
        """Types password and code, as a change demands them."""
        for reply in (account.password, code):
            assert "/change/answer" in self.page.forms, self.page.text
            self.post("/change/answer", answer=reply)
        return self.page
