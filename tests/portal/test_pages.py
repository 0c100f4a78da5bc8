"""Every page of the portal in a browser: whether everybody can use it, on a phone and on a desk, in the dark and in the light."""

import functools
import http.server
import pathlib
import subprocess
import tempfile
import threading

import pytest
import sshd
from browser import DESK, PHONE, Browser

pytestmark = pytest.mark.promised_by("ours")

BINARIES = pathlib.Path("/run/pam_otp-tests/bin")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def folder():
    """The pages that the crate's example writes, with the assets beside them."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([BINARIES / "pages", place], check=True)
        yield pathlib.Path(place)


@pytest.fixture(scope="module")
def served(folder):
    """The address of the pages, over HTTP."""
    sshd.bring_loopback_up()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def names(folder, language):
    found = sorted(path.name for path in folder.glob(f"*.{language}.html"))
    assert len(found) > 10
    return found


# Every pair of values of language, size and colours.
@pytest.mark.parametrize("language, size, dark", [("en", PHONE, False), ("en", DESK, True), ("ko", PHONE, True), ("ko", DESK, False)])
def test_everybody_can_use_each_page(folder, served, language, size, dark):
    found = {}
    with Browser(language, size, dark=dark) as browser:
        for name in names(folder, language):
            browser.go(f"{served}/{name}")
            wrong = browser.violations() + browser.overflows()
            if wrong:
                found[name] = wrong
    assert not found


def test_a_page_that_some_people_cannot_use_is_noticed(served):
    """axe runs, and finds faults."""
    with Browser() as browser:
        browser.go("data:text/html,<html><img src=x><input><div style='width:3000px'>x</div>")
        found = " ".join(browser.violations())
        assert "html-has-lang" in found and "image-alt" in found and "label" in found
        assert browser.overflows()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_qr_code_is_read_off_the_screen_in_the_dark_and_in_the_light(folder, served, size):
    for dark in (False, True):
        with Browser(size=size, dark=dark) as browser:
            for name in names(folder, "en"):
                browser.go(f"{served}/{name}")
                if browser.has(".qr svg"):
                    uri = browser.qr_code()
                    assert uri.startswith("otpauth://totp/") and uri in browser.driver.page_source.replace("&amp;", "&"), name
                    break
            else:
                pytest.fail("no page has a QR code")


def test_hangul_is_drawn_and_the_page_names_its_language(folder, served):
    with Browser("ko") as browser:
        for name in names(folder, "ko"):
            browser.go(f"{served}/{name}")
            assert browser.driver.execute_script("return document.documentElement.lang") == "ko"
            assert any("가" <= letter <= "힣" for letter in browser.text), name


def test_every_control_is_reached_by_the_keyboard_and_shows_the_focus(folder, served):
    """Tab moves through each page: everything to press or fill in gets the focus in turn, and looks different then."""
    from selenium.webdriver.common.keys import Keys

    with Browser() as browser:
        for name in names(folder, "en"):
            browser.go(f"{served}/{name}")
            script = ("return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), summary, select, textarea')]"
                      ".filter(e => e.checkVisibility() && !e.disabled && !e.hidden && e.type != 'radio').length")
            there = browser.driver.execute_script(script)
            browser.driver.execute_script("document.activeElement.blur(); window.seen = new Set(); window.unseen = [];")
            for _ in range(there + 2):
                browser.driver.switch_to.active_element.send_keys(Keys.TAB)
                browser.driver.execute_script(
                    "const e = document.activeElement; if (e && e != document.body) { window.seen.add(e); const s = getComputedStyle(e);"
                    "if (s.outlineStyle == 'none' && s.boxShadow == 'none') window.unseen.push(e.outerHTML.slice(0, 120)); }")
            reached, unseen = browser.driver.execute_script("return [window.seen.size, window.unseen]")
            assert reached >= there and not unseen, (name, reached, there, unseen)
