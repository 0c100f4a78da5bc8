"""Plays the portal's part of packaging/demo: Debian's nginx in front of a static page, and a newcomer with a browser.

The browser is a small one, without pictures and scripts: tests/portal/visitor.py.
"""

import html
import re
import sys
import textwrap

sys.path.insert(0, "/run/pam_otp-tests/suite/portal")

import codes
import portals
import visitor
import web_servers

PAGE = f"https://{web_servers.WIKI}/"


def tell(story, module, user, clock):
    """Plays three steps. `user` has a password and no authenticator. The last login shows how many recovery codes are left."""
    story.step("portal: a page behind nginx sends a newcomer to the login, which sets up an authenticator")
    with portals.Portal(module), web_servers.Nginx():
        browser = visitor.Browser()
        story.must(not browser.sees(PAGE), "the page was open to everybody")
        recovery_code = enrol(story, browser, user, clock)
        story.must(browser.sees(PAGE), "the page did not open after the enrolment")
        print(f"    {PAGE} opens: {web_servers.PAGE.strip()}")
        browser.get("/")
        browser.post("/logout")
        story.must(not browser.sees(PAGE), "the page was open after logging out")

        story.step("portal: the page opens only after the password and a code")
        browser = visitor.Browser()
        browser.begin(PAGE, user)
        browser.answer(user.password)
        print(shown(browser.page))
        half = browser.page
        story.must(browser.asks() and not browser.sees(PAGE), "the password alone opened the page")
        browser.page = half
        # The code that proved the device is used up.
        browser.answer(user.codes.at_step(1))
        story.must(browser.sees(PAGE), "password and code did not open the page")
        print(f"    {PAGE} opens: {web_servers.PAGE.strip()}")

        story.step("portal: the phone is gone, and a recovery code lets the user in")
        browser = visitor.Browser()
        browser.begin(PAGE, user)
        browser.answer(user.password)
        browser.answer(user.codes.wrong())
        print(shown(browser.page))
        story.must(not browser.sees(PAGE), "a wrong code opened the page")
        browser.begin(PAGE, user)
        browser.answer(user.password)
        browser.answer(recovery_code)
        print(shown(browser.page))
        while browser.asks():
            browser.answer("")
        story.must(browser.sees(PAGE), "a recovery code did not open the page")
        print(f"    {PAGE} opens: {web_servers.PAGE.strip()}")


def enrol(story, browser, user, clock):
    """Plays the newcomer, from the password to the recovery codes; returns one of them."""
    browser.begin(PAGE, user)
    browser.answer(user.password)
    print(shown(browser.page))
    if "secret=" not in browser.page.body:
        browser.answer("")
    print(shown(browser.page))
    secret = re.search(r"[?&](?:amp;)?secret=([A-Z2-7]+)", browser.page.body)
    story.must(secret and "<svg" in browser.page.body, "there was no QR code on the page")
    user.codes = codes.Codes(secret[1], clock)
    browser.answer(user.codes.now())
    print(shown(browser.page))
    found = re.findall(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", browser.page.text)
    story.must(len(found) == 10, "there were no recovery codes")
    browser.answer("kept")
    return found[0]


def shown(page):
    """The text of the page as a person reads it, shortened."""
    body = re.search(r"<main.*?</main>", page.body, re.S)
    text = re.sub(r"<(script|style|svg|details).*?</\1>|<[^>]*>", " ", body[0], flags=re.S) if body else page.body
    return textwrap.indent("\n".join(textwrap.wrap(" ".join(html.unescape(text).split()), 100)), "    | ")
