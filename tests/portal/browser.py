"""Debian's Chromium, as a person uses it: ChromeDriver drives it, on a loopback network of the test's own."""

import base64
import math
import pathlib
import re
import subprocess
import tempfile

from clock import REAL_TIME
from selenium import webdriver
from selenium.common.exceptions import SessionNotCreatedException, StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.support.wait import WebDriverWait

WORLD = pathlib.Path("/run/pam_otp-tests")
AXE = WORLD / "web/axe.min.js"
# The limit for every wait: no step takes as long, however busy the machine is.
SECONDS = 600
# ChromeDriver gives Chromium a minute to start, and has no option for that.
STARTS = 5
# The sizes of a phone and of a desktop screen.
PHONE, DESK = (360, 740), (1280, 900)
# Without these options Chromium asks for hosts that this network does not have.
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--ignore-certificate-errors",
    "--host-resolver-rules=MAP *.example.org 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class Browser:
    """`with Browser() as browser:`; a new one knows no cookie."""

    def __init__(self, language="en", size=DESK, scripts=True, dark=False):
        self.language, self.size, self._scripts, self._dark = language, size, scripts, dark

    def __enter__(self):
        self._home = tempfile.TemporaryDirectory(prefix="chromium.")
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in (*ARGUMENTS, f"--user-data-dir={self._home.name}/profile", f"--window-size={self.size[0]},{self.size[1]}"):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {
            "intl.accept_languages": {"en": "en-US,en", "ko": "ko-KR,ko"}[self.language],
            "download.default_directory": self._home.name, "download.prompt_for_download": False,
            **({} if self._scripts else {"profile.managed_default_content_settings.javascript": 2}),
        })
        service = Service("/usr/bin/chromedriver", env={"PATH": "/usr/bin:/bin", "HOME": self._home.name, "LC_ALL": "C.UTF-8", **REAL_TIME})
        RemoteConnection.set_timeout(SECONDS)
        self.driver = self._started(service, options)
        self.driver.set_page_load_timeout(SECONDS)
        self.driver.set_script_timeout(SECONDS)
        self._emulate("setDeviceMetricsOverride", width=self.size[0], height=self.size[1], deviceScaleFactor=1,
                      mobile=self.size == PHONE)
        self._emulate("setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"},
                                                    {"name": "prefers-reduced-motion", "value": "reduce"}])
        return self

    def _started(self, service, options):
        for left in reversed(range(STARTS)):
            try:
                return webdriver.Chrome(service=service, options=options)
            except SessionNotCreatedException:
                if not left:
                    raise

    def __exit__(self, *_):
        self.driver.quit()
        self._home.cleanup()

    def _emulate(self, what, **how):
        self.driver.execute_cdp_cmd(f"Emulation.{what}", how)

    # -------------------------------------------------------------------------------------------------------- a person

    def go(self, address):
        self.driver.get(address)

    @property
    def address(self):
        return self.driver.current_url

    @property
    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        found = self.seen(selector)
        assert found, f"{selector} is not on the page {self.address}:\n{self.text}"
        return found[0]

    def seen(self, selector):
        """Returns the displayed elements for that selector."""
        return [element for element in self.all(selector) if element.is_displayed()]

    def has(self, selector):
        return bool(self.seen(selector))

    def close_tab(self):
        """Closes the tab, and goes on in a new one."""
        (old,) = self.driver.window_handles
        self.driver.switch_to.new_window("tab")
        (new,) = set(self.driver.window_handles) - {old}
        self.driver.switch_to.window(old)
        self.driver.close()
        self.driver.switch_to.window(new)

    def press(self, element):
        """Clicks an element that leads to another page, and waits for that page."""
        self.turn(element.click)

    def turn(self, act):
        """Does something that leads to another page, and waits until that page is complete: later searches must find its elements."""
        before = self.driver.find_element(By.TAG_NAME, "html")
        act()
        self.wait_for(lambda: is_gone(before), "another page")
        self.wait_for(lambda: not self._scripts or self.driver.execute_script("return document.readyState") == "complete", "complete page")

    def wait_for(self, condition, what):
        """Waits until the condition holds. Between two pages there is no page to ask, so it does not hold yet."""
        WebDriverWait(self.driver, SECONDS, ignored_exceptions=[WebDriverException]).until(lambda _: condition(), f"no {what}")

    def fill(self, field, text):
        """Types into the field of that name and sends its form."""
        element = self.one(f"[name={field}]")
        element.clear()
        element.send_keys(text)
        self.press(element.find_element(By.XPATH, "ancestor::form//button[not(@type) or @type='submit']"))

    def tick(self, field):
        element = self.one(f"[name={field}]")
        element.click()
        self.press(element.find_element(By.XPATH, "ancestor::form//button[not(@type) or @type='submit']"))

    # ------------------------------------------------------------------------------------------------- a person's keyboard

    def focused(self):
        return self.driver.switch_to.active_element

    def reach(self, selector):
        """Moves the focus there by Tab alone."""
        for _ in range(60):
            if self.driver.execute_script("return document.activeElement.matches(arguments[0])", selector):
                return
            self.focused().send_keys(Keys.TAB)
        raise AssertionError(f"{selector} is not reached by Tab on {self.address}")

    def type(self, text):
        self.focused().send_keys(text)

    def enter(self):
        """Presses Enter where that leads to another page."""
        self.turn(lambda: self.focused().send_keys(Keys.ENTER))

    def cookies(self):
        return {cookie["name"]: cookie for cookie in self.driver.execute_cdp_cmd("Network.getAllCookies", {})["cookies"]}

    # -------------------------------------------------------------------------------------------------------- looking

    def picture(self, path):
        """Saves a picture of the whole page, however long it is."""
        # The browser is asked, not the page, which may run no script.
        height = math.ceil(self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]["height"])
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": self.size[0], "height": height, "scale": 1}})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def qr_code(self):
        """Returns the text that a phone reads off the screen."""
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            self.picture(pathlib.Path(file.name))
            done = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file.name],
                                  capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **REAL_TIME})
        read = done.stdout.splitlines()
        assert len(read) == 1, f"{len(read)} codes on the page {self.address}:\n{self.text}"
        return read[0]

    def violations(self):
        """Returns axe-core's findings, as lines; there is none on a page that everybody can use."""
        if not self.driver.execute_script("return typeof axe == 'object'"):
            self.driver.execute_script(AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations), e => done([{id: String(e), nodes: []}]))")
        return [f"{one['id']}: {one.get('help', '')}: " + " | ".join(node["html"][:160] for node in one["nodes"]) for one in found]

    def overflows(self):
        """Returns the elements that make a page scroll sideways, after the widths; nothing if the page fits."""
        return self.driver.execute_script(
            "const all = document.documentElement, wide = all.clientWidth; if (all.scrollWidth <= wide) return [];"
            "return [`${all.scrollWidth} of ${wide}`, ...[...document.querySelectorAll('body *')]"
            ".filter(e => e.getBoundingClientRect().right > wide + 1).slice(0, 5).map(e => e.outerHTML.slice(0, 120))]")


def is_gone(element):
    """Returns whether the page with that element has gone."""
    try:
        element.is_enabled()
    except StaleElementReferenceException:
        return True
    return False


def secret_of(uri):
    return re.search(r"[?&]secret=([A-Z2-7]+)", uri)[1]
