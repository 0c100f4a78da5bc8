"""otp-portal(8), SETTING UP, followed to the letter on a fresh Debian by somebody who has nothing but the manual and the packages."""

import concurrent.futures
import ctypes
import os
import pathlib
import re
import shutil
import socket
import sys

import codes
import network
import pytest
from conftest import named
from debian import RECOVERY_CODE
from real_clock import RealClock

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/portal"))

import visitor  # noqa: E402  (the path above has to come first)

MANUAL = TOP / "packaging/man/otp-portal.8"
CONFIGURATION, POLICY, SERVERS = "/etc/security/pam_otp-portal.conf", "/etc/security/pam_otp.conf", "/etc/nginx/conf.d/portal.conf"
ADDRESS = "192.0.2.21"
PORTAL, WIKI = "https://portal.example.org/", "https://wiki.example.org/"
PAGE = "What only users of the portal may read.\n"
CLONE_NEWNET = 0x40000000


class Browser(visitor.Browser):
    """A browser on the network of that host."""

    def __init__(self, host, trusted):
        super().__init__(trusted)
        self._network = f"/proc/{host._holder.pid}/ns/net"

    def reach(self):
        """Connects in a thread of its own, which enters that network, because no thread can come back from there."""
        def connect():
            with open(self._network) as there:
                if ctypes.CDLL(None, use_errno=True).setns(there.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            return socket.create_connection((ADDRESS, 443), timeout=visitor.SECONDS)

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return pool.submit(connect).result()


@pytest.fixture(scope="module")
def host(deb, portal_deb, tmp_path_factory):
    with network.Network(named("PAM_OTP_DEBIAN"), tmp_path_factory.mktemp("portal"), {"desk": "192.0.2.9", "portal": ADDRESS}) as hosts:
        found = hosts["portal"]
        for package in (deb, portal_deb):
            shutil.copy(package, found.path("/root"))
        found.alice = found.account("alice")
        yield found


def typed(host, word):
    return [host.type(lines) for _, lines in network.steps(MANUAL, word)]


def told(section):
    """Returns the texts that a section has administrators write into a file: the lines of each example that is not typed."""
    text = re.search(rf"^\.SH {section}\n(.*?)^\.SH ", MANUAL.read_text(), re.M | re.S)[1]
    return [re.sub("^ {4}", "", lines, flags=re.M).replace("\\-", "-") for lines in re.findall(r"^\.nf\n(.*?)^\.fi$", text, re.M | re.S)]


def without(text, *names):
    """Returns nginx's file without the servers of these names."""
    for name in names:
        text, count = re.subn(rf"^server {{\n(?:(?!^}}).*\n)*    server_name {re.escape(name)};\n(?:(?!^}}).*\n)*}}\n", "", text, flags=re.M)
        assert count == 1, name
    return text


@pytest.fixture(scope="module")
def followed(host):
    """Every step of the manual, in order: commands that are typed, and texts that are written into files."""
    steps = list(network.steps(MANUAL, "on"))
    lines, policy = told("SETTING UP")
    assert len(steps) == 4
    for _, typing in steps[:2]:
        host.type(typing)
    # The keys of this section exist already.
    text = host.read(CONFIGURATION)
    for line in lines.splitlines():
        text, count = re.subn(rf"^#{re.escape(line)}$", line, text, flags=re.M)
        assert count == 1, line
    host.write(CONFIGURATION, text)
    host.write(POLICY, host.read(POLICY) + policy)
    for _, typing in steps[2:]:
        host.type(typing)
    whole = host.read(SERVERS)
    host.write(SERVERS, without(whole, "wiki.example.org", "calendar.example.org"))
    typed(host, "asks")
    host.whole = whole
    return host


@pytest.fixture(scope="module")
def trusted(followed, tmp_path_factory):
    file = tmp_path_factory.mktemp("trusted") / "both.pem"
    file.write_text("".join(followed.read(f"/etc/ssl/{name}.example.org.pem") for name in ("portal", "wiki")))
    return file


@pytest.fixture(scope="module")
def enrolled(followed, trusted):
    """The first login, and its user; the user stays logged in."""
    alice, browser = followed.alice, Browser(followed, trusted)
    browser.begin(f"{PORTAL}login", alice)
    browser.answer(alice.password)
    while browser.asks() and "secret=" not in browser.page.body:
        browser.answer("")
    assert "<svg" in browser.page.body, browser.page.text
    alice.codes = codes.Codes(re.search(r"secret=([A-Z2-7]+)", browser.page.body)[1], RealClock())
    browser.answer(alice.codes.now())
    alice.recovery_codes = re.findall(RECOVERY_CODE, browser.page.text)
    browser.answer("kept")
    assert "/logout" in browser.page.forms and len(alice.recovery_codes) == 10
    return browser


def test_the_first_login_sets_up_an_authenticator(followed, enrolled):
    assert "alice" in followed.type("otp-admin list")


def test_a_site_is_added_and_opens_only_after_both_factors(followed, enrolled, trusted):
    """Users who are logged in stay logged in while the portal restarts."""
    followed.write("/srv/wiki/index.html", PAGE)
    followed.write(SERVERS, without(followed.whole, "calendar.example.org"))
    typed(followed, "asks")
    assert enrolled.get(WIKI).status == 403, "a site that has not been added opens to nobody"
    typed(followed, "later")
    assert enrolled.get(WIKI).body == PAGE
    alice, browser = followed.alice, Browser(followed, trusted)
    browser.begin(WIKI, alice)
    browser.answer(alice.password)
    half = browser.page
    assert browser.asks() and browser.get(WIKI).body != PAGE
    browser.page = half
    # The code of the enrolment is used up.
    browser.answer(alice.codes.at_step(1))
    assert browser.get(WIKI).body == PAGE


def test_without_the_phone_a_recovery_code_lets_in(followed, enrolled, trusted):
    alice, browser = followed.alice, Browser(followed, trusted)
    browser.begin(f"{PORTAL}login", alice)
    browser.answer(alice.password)
    browser.answer(alice.recovery_codes[0])
    while browser.asks():
        browser.answer("")
    assert "/logout" in browser.page.forms, browser.page.text
