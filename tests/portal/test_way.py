"""A user's whole way, with a browser and a phone and nothing else, in both languages and on both screens."""

import pytest
from browser import DESK, PHONE, Browser
from portals import HOME, Person
from web_servers import PAGE, PORTAL, WIKI

pytestmark = pytest.mark.promised_by("ours")

WAYS = pytest.mark.parametrize("language, size", [("en", PHONE), ("en", DESK), ("ko", PHONE), ("ko", DESK)])


def enrol_in_the_login(person):
    """F1: after the password the login itself shows the QR code."""
    browser = person.browser
    person.begin()
    if not browser.has(".qr svg"):
        browser.press(browser.one("form.card button"))
    person.scan()
    browser.fill("answer", person.account.codes.now())
    person.read_recovery_codes()
    browser.tick("answer")


@WAYS
def test_from_the_first_login_to_the_lock_and_out_of_it(portal, nginx, clock, someone, language, size):
    with Browser(language, size) as browser:
        person = Person(someone, browser, clock)
        enrol_in_the_login(person)
        assert person.kept() and person.is_in()

        # F2: every later login.
        person.log_out()
        assert not person.is_in()
        person.log_in()
        assert person.is_in()

        # F13: new recovery codes.
        old = person.recovery_codes
        browser.go(f"{HOME}recovery-codes")
        browser.press(browser.one("main form button"))
        person.prove()
        new = person.read_recovery_codes()
        browser.tick("kept")
        assert not set(old) & set(new) and person.is_in()

        # F3: a second device, with a key of its own.
        first = someone.codes
        browser.go(f"{HOME}devices/add")
        browser.fill("name", "tablet")
        person.prove()
        person.scan()
        second = someone.codes
        browser.fill("code", second.now())
        if browser.has("[name=kept]"):
            browser.tick("kept")
        browser.go(HOME)
        assert len(browser.all("a[href^='/devices/remove']")) == 2

        # F15: it is removed again, and its codes count no more.
        someone.codes = first
        browser.press(next(link for link in browser.all("a[href^='/devices/remove']") if "tablet" in link.get_attribute("href")))
        browser.press(browser.one("main form button"))
        person.prove()
        browser.go(HOME)
        assert len(browser.all("a[href^='/devices/remove']")) == 1

        # F17: five wrong codes lock.
        person.log_out()
        for _ in range(5):
            person.log_in(code=first.wrong())
            assert not person.is_in()
        person.log_in()
        assert not person.is_in()

        # F19: a recovery code opens the lock.
        person.log_in(code=new[0])
        assert person.is_in()
        assert not browser.violations()


@pytest.mark.parametrize("leave", ["cancel", "tab", "elsewhere"])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_leaving_half_way_saves_nothing(portal, nginx, clock, someone, steps, leave):
    """The user leaves after the password, after the QR code, or before saying that the recovery codes are kept."""
    with Browser() as browser:
        person = Person(someone, browser, clock)
        person.begin()
        if steps > 0 and not browser.has(".qr svg"):
            browser.press(browser.one("form.card button"))
        if steps > 1:
            person.scan()
            browser.fill("answer", someone.codes.now())
            person.read_recovery_codes()
        if leave == "cancel":
            browser.press(browser.one("form[action='/login/cancel'] button"))
        elif leave == "tab":
            browser.close_tab()
        else:
            browser.go("about:blank")
        assert not person.kept()
        assert not person.is_in() and not person.kept()


def test_page_behind_nginx_opens_only_after_both_factors(portal, nginx, clock, someone_enrolled):
    with Browser() as browser:
        person = Person(someone_enrolled, browser, clock)
        browser.go(f"https://{WIKI}/notes.txt")
        assert PAGE.strip() not in browser.text and browser.address.startswith(f"https://{PORTAL}/login")
        browser.fill("user", someone_enrolled.name)
        browser.fill("answer", someone_enrolled.password)
        half = browser.address
        browser.go(f"https://{WIKI}/notes.txt")
        assert PAGE.strip() not in browser.text
        browser.go(half)
        browser.fill("answer", person.code())
        browser.go(f"https://{WIKI}/notes.txt")
        assert browser.text.strip() == PAGE.strip() and browser.address == f"https://{WIKI}/notes.txt"
        person.log_out()
        browser.go(f"https://{WIKI}/notes.txt")
        assert PAGE.strip() not in browser.text


def test_the_portal_works_without_scripts(portal, nginx, clock, someone_enrolled):
    with Browser(scripts=False) as browser:
        person = Person(someone_enrolled, browser, clock)
        person.log_in()
        assert person.is_in()
        person.log_out()
        assert not person.is_in()


def test_the_cookie_changes_at_the_login_and_no_script_sees_it(portal, nginx, clock, someone_enrolled):
    with Browser() as browser:
        person = Person(someone_enrolled, browser, clock)
        person.begin()
        before = browser.cookies()
        browser.fill("answer", person.code())
        after = browser.cookies()
        assert all(cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Lax" and name.startswith("__Host-")
                   for name, cookie in after.items())
        assert not {cookie["value"] for cookie in before.values()} & {cookie["value"] for cookie in after.values()}
        assert browser.driver.execute_script("return document.cookie") == ""


def test_another_site_can_neither_show_the_portal_in_a_frame_nor_send_its_forms(portal, nginx, clock, someone_enrolled):
    with Browser() as browser:
        person = Person(someone_enrolled, browser, clock)
        person.log_in()
        page = ("<iframe id=f src='https://portal.example.org/'></iframe>"
                "<form method=post action='https://portal.example.org/logout'><button>x</button></form>")
        browser.go(f"data:text/html,{page}")
        frame = browser.one("#f")
        browser.driver.switch_to.frame(frame)
        assert not browser.all("main")
        browser.driver.switch_to.default_content()
        browser.press(browser.one("button"))
        assert person.is_in()
