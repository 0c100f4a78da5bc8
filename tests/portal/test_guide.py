"""The guide for the people who log in, in a browser: on a phone, on a desk, and on one sheet of paper."""

import base64
import json
import pathlib
import re
import subprocess
import tempfile

import pytest
import sshd
from browser import DESK, PHONE, WORLD, Browser

pytestmark = pytest.mark.promised_by("ours")

USUAL = 'issuer = "Example"\n'
# Whatever makes a guide longer, all at once.
LONGEST = (
    'issuer = "The Example University, Computing Services & Friends (main site)"\n[code]\nalgorithm = "SHA512"\ndigits = 8\nperiod = 90\n'
    '[recovery]\ncodes = 32\nemail = true\n[mail]\naddress = "{user}@example.org"\n'
    '[enroll]\nat_login = "offer"\nmax_authenticators = 3\nverify_email = true\n'
    '[enforce]\ngroups = ["staff"]\nfrom = "2030-02-01"\ngrace = "14d"\n[trust]\nnetworks = ["10.0.0.0/8"]\nremember = "8h"\n'
)
POLICIES = {"usual": USUAL, "longest": LONGEST}
# A4 in inches, as pages are measured in print.
A4 = {"paperWidth": 210 / 25.4, "paperHeight": 297 / 25.4}


@pytest.fixture(scope="module")
def guides():
    """The address of the guide by each policy in each language."""
    # Where ChromeDriver listens.
    sshd.bring_loopback_up()
    with tempfile.TemporaryDirectory() as place:
        found = {}
        for name, text in POLICIES.items():
            conf = pathlib.Path(place, f"{name}.conf")
            conf.write_text(text)
            for language in ("en", "ko"):
                path = pathlib.Path(place, f"{name}.{language}.html")
                command = [WORLD / "bin/otp-admin", "--conf", conf, "--lang", language, "guide", "--html"]
                path.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
                found[name, language] = f"file://{path}"
        yield found


@pytest.mark.parametrize("language, size, dark", [("en", PHONE, False), ("en", DESK, True), ("ko", PHONE, True), ("ko", DESK, False)])
def test_everybody_can_use_it(guides, language, size, dark):
    with Browser(language, size, dark=dark) as browser:
        for name in POLICIES:
            browser.go(guides[name, language])
            assert browser.violations() + browser.overflows() == [], name


@pytest.mark.parametrize("language", ["en", "ko"])
def test_its_style_counts_and_nothing_is_refused_or_fetched(guides, language):
    """Its own policy lets the style in by a digest: one that is not the style's leaves the page bare."""
    with Browser(language) as browser:
        for name in POLICIES:
            browser.go(guides[name, language])
            assert browser.driver.execute_script("return getComputedStyle(document.querySelector('main')).display") == "grid"
            assert browser.driver.execute_script("return performance.getEntriesByType('resource').length") == 0
            complaints = [entry["message"] for entry in browser.driver.get_log("browser") if "favicon" not in entry["message"]]
            assert not complaints, json.dumps(complaints)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_line_of_recovery_codes_is_broken_on_a_phone(guides, language):
    with Browser(language, PHONE) as browser:
        for name in POLICIES:
            browser.go(guides[name, language])
            tops = browser.driver.execute_script(
                "const found = []; for (const pre of document.querySelectorAll('pre')) for (const node of pre.childNodes) {"
                "  if (node.nodeType != 3) continue;"
                "  for (const row of node.data.matchAll(/^ +\\d+  EXAM.*$/gm)) {"
                "    const range = document.createRange(); range.setStart(node, row.index); range.setEnd(node, row.index + row[0].length);"
                "    found.push(new Set([...range.getClientRects()].map(one => Math.round(one.top))).size); } } return found;")
            assert tops and set(tops) == {1}, (name, tops)


@pytest.mark.parametrize("name, language", [(name, language) for name in POLICIES for language in ("en", "ko")])
def test_it_prints_on_one_page(guides, name, language):
    with Browser(language) as browser:
        browser.go(guides[name, language])
        assert pages(browser) == 1
        # That pages are counted at all.
        browser.driver.execute_script("document.querySelector('main').append(...document.querySelector('main').cloneNode(true).children)")
        assert pages(browser) > 1


def pages(browser):
    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {**A4, "preferCSSPageSize": True})
    return len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(printed["data"])))


def test_no_camera_reads_its_qr_code(guides):
    with Browser() as browser, tempfile.NamedTemporaryFile(suffix=".png") as file:
        for name in POLICIES:
            browser.go(guides[name, "en"])
            assert browser.has("figure svg")
            path = browser.picture(pathlib.Path(file.name))
            done = subprocess.run(["zbarimg", "--quiet", "--raw", path], capture_output=True)
            assert done.stdout == b"", name
