"""The portal as a whole, over HTTP: the web server as its account, the login part as root, a real stack and the real helper."""

import contextlib
import pathlib
import re
import select
import shutil
import subprocess

import pytest

import codes
import groups
import login_part
from clock import wait_until
from policy_file import policy  # noqa: F401 (a fixture)
from self_service import record
from web_server import SITE, Browser, WebServer

pytestmark = pytest.mark.promised_by("ours")

NOBODY_MUST = "[enforce]\ngroups = []\n"
SEVERAL = "[enroll]\nmax_authenticators = 4\n"


@pytest.fixture
def web(part, portal):
    with WebServer(portal) as running:
        yield running


def at_home(page, account):
    return page.status == 200 and account.name in page.text and "/logout" in page.forms


def logged_in(account, clock):
    """A browser in which the account has just logged in; the next code is a different one."""
    browser = Browser()
    assert at_home(browser.log_in(account, account.password, account.codes.now()), account), browser.page.text
    clock.advance(30)
    return browser


def test_login_by_password_and_code_leads_home_and_the_log_has_the_address(web, alice, journal):
    browser = Browser(address="2001:db8::7")
    assert at_home(browser.log_in(alice, alice.password, alice.codes.now()), alice), browser.page.text
    (event,) = [one for one in journal.events(alice.name) if one["event"] == "otp.accept"]
    assert (event["service"], event["rhost"]) == ("otp-portal", "2001:db8::7")
    browser.post("/logout")
    assert browser.get("/").forms.keys() >= {"/login"}


def test_process_that_faces_the_network_leaves_no_core(web):
    """A core that is piped to a program ignores the limit; but a process that cannot be dumped leaves none, as /proc shows."""
    assert pathlib.Path(f"/proc/{web.process.pid}/environ").stat().st_uid == 0


def test_wrong_code_is_told_in_the_words_of_pam_and_counted(web, alice):
    before = record(alice)["state"]
    page = Browser().log_in(alice, alice.password, alice.codes.wrong())
    assert page.status == 403 and "wrong" in page.text.lower() and "/logout" not in page.forms
    assert record(alice)["state"] != before


def test_pages_and_the_words_of_pam_are_korean_if_the_browser_is(web, alice):
    browser = Browser(language="ko-KR,ko;q=0.9")
    browser.get("/login")
    browser.post("/login", user=alice.name)
    browser.post("/login/question", answer=alice.password)
    assert "인증 코드" in browser.page.text


def test_user_enrols_in_the_browser_and_logs_in_with_the_new_authenticator(web, bobby, clock, policy, under_test):
    policy(NOBODY_MUST)
    login_part.stack(under_test, "requisite pam_unix.so nodelay", under_test.line("nullok"))
    browser = Browser()
    browser.log_in(bobby, bobby.password)
    assert "/set-up" in browser.page.forms, browser.page.text
    browser.post("/set-up", name="phone")
    secret = re.search(r"\b[A-Z2-7]{32}\b", browser.page.text)[0]
    device = codes.Codes(secret, clock)
    browser.post("/change/code", code=device.wrong())
    assert "/change/code" in browser.page.forms and not record(bobby)
    browser.post("/change/code", code=device.now())
    assert "/change/keep" in browser.page.forms, browser.page.text
    # Without the box ticked nothing is saved.
    browser.post("/change/keep")
    assert "/change/keep" in browser.page.forms and not record(bobby)
    browser.post("/change/keep", kept="yes")
    assert at_home(browser.page, bobby) and record(bobby)
    browser.post("/logout")
    clock.advance(30)
    assert at_home(browser.log_in(bobby, bobby.password, device.now()), bobby)


def test_change_takes_password_and_code_and_leaves_the_session(web, alice, clock, policy):
    policy(SEVERAL)
    browser = logged_in(alice, clock)
    browser.get("/devices/add")
    browser.post("/devices/add", name="tablet")
    before = record(alice)["credential.toml"]
    browser.post("/change/answer", answer=alice.password)
    browser.post("/change/answer", answer=alice.codes.wrong())
    assert browser.page.status == 403 and record(alice)["credential.toml"] == before
    browser.get("/recovery-codes")
    browser.post("/recovery-codes")
    browser.change(alice, alice.codes.now())
    assert "/change/keep" in browser.page.forms, browser.page.text
    browser.post("/change/keep", kept="yes")
    assert at_home(browser.page, alice) and record(alice)["credential.toml"] != before
    assert at_home(browser.get("/"), alice)


def test_session_outlives_a_kill_and_ends_by_a_reset(web, alice, clock, under_test):
    browser = logged_in(alice, clock)
    web.kill()
    web.start()
    assert at_home(browser.get("/"), alice)
    under_test.admin("reset", alice.name)
    assert browser.get("/").status == 401
    assert "/login" in browser.get("/").forms


def test_site_opens_and_closes_with_the_session(web, alice, clock):
    browser = logged_in(alice, clock)
    verify = f"https://{SITE}/verify"
    assert browser.get(verify).status == 401
    # The site itself does not exist here: only the cookie on the way matters.
    browser.get(f"https://{SITE}/.otp-portal/begin?to=/verify")
    page = browser.get(verify)
    assert (page.status, page.headers["Remote-User"]) == (204, alice.name)
    browser.get("/")
    browser.post("/logout")
    assert browser.get(verify).status == 401


# A name service that, while a file exists, makes the look-up of one user's groups wait, and counts the look-ups.
SLOW = """
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <string.h>
#include <unistd.h>

enum nss_status _nss_otpslow_initgroups_dyn(const char *user, gid_t number, long *start, long *size, gid_t **groups,
                                            long limit, int *why)
{
    (void)number, (void)start, (void)size, (void)groups, (void)limit;
    if (strcmp(user, "%(user)s") == 0 && access("%(waits)s", F_OK) == 0) {
        int asked = open("%(asked)s", O_WRONLY | O_APPEND);
        if (asked < 0 || write(asked, "x", 1) != 1)
            _exit(1);
        while (access("%(waits)s", F_OK) == 0)
            usleep(10000);
    }
    *why = ENOENT;
    return NSS_STATUS_NOTFOUND;
}
"""


@contextlib.contextmanager
def slow_groups(account):
    """A name service that waits in look-ups of the user's groups; yields its directory, the count of these, and the file of SLOW."""
    directory = groups.DIRECTORY.with_name("slow-groups")
    directory.mkdir(mode=0o755)
    waits, asked = directory / "waits", directory / "asked"
    asked.touch()
    asked.chmod(0o666)
    source = directory / "slow.c"
    source.write_text(SLOW % {"user": account.name, "waits": waits, "asked": asked})
    library = directory / "libnss_otpslow.so.2"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source], check=True)
    old = groups.NSSWITCH.read_text()
    groups.NSSWITCH.write_text("passwd: files\ngroup: otpslow files\nshadow: files\n")
    try:
        yield directory, lambda: asked.stat().st_size, waits
    finally:
        groups.NSSWITCH.write_text(old)
        shutil.rmtree(directory)


def hang_up(browser, path, host, is_asked):
    """Sends a request, and hangs up as soon as `is_asked`; returns the status if it was answered before that."""
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies[host].items())
    connection = browser.connect(host)
    connection.request("GET", path, headers={**browser.headers, "Host": host, "Cookie": cookie})
    told = []
    with contextlib.closing(connection):
        wait_until(lambda: is_asked() or told or told.extend(select.select([connection.sock], [], [], 0)[0]), "question or answer")
        return connection.getresponse().status if told else None


def test_users_who_hang_up_on_a_slow_directory_keep_nobody_from_the_sites(part, portal, alice, carol, clock):
    """A look-up of a user's groups takes a thread of the portal until the directory answers."""
    with slow_groups(alice) as (libraries, asked, waits):
        with WebServer(portal, {"LD_LIBRARY_PATH": str(libraries)}) as web:
            browsers = [logged_in(account, clock) for account in (alice, carol)]
            for browser in browsers:
                assert browser.get(f"https://{SITE}/.otp-portal/begin?to=/verify").status == 204
            # A restarted portal has forgotten earlier look-ups.
            web.kill()
            web.start()
            waits.touch()
            for _ in range(40):
                before = asked()
                hang_up(browsers[0], "/verify", SITE, lambda before=before: asked() > before)
            assert asked() > 0
            assert browsers[1].get(f"https://{SITE}/verify").status == 204
            # Nor does the portal's end wait for the directory.
            web.process.terminate()
            web.process.wait(timeout=60)
