"""Work of users on their accounts in a browser, and their mistakes: in both languages and on both screens."""

import pathlib
import re

import accounts
import pytest
from browser import DESK, PHONE, Browser
from codes import PERIOD
from portals import ENROLS, HOME, Person

pytestmark = pytest.mark.promised_by("ours")

# test_way.py has every language at every size; one test of each is enough here.
WAYS = pytest.mark.parametrize("language, size", [("en", DESK), ("ko", PHONE)])
LANGUAGES = pytest.mark.parametrize("language", ["en", "ko"])
FIVE_MINUTES = 5 * 60 // PERIOD
SLOW = {"en": "5 minutes ago: the clock of the device is slow", "ko": "5분 전의 인증 코드입니다. 기기의 시계가 그만큼 늦습니다"}
FAST = {"en": "in 5 minutes: the clock of the device is fast", "ko": "5분 뒤의 인증 코드입니다. 기기의 시계가 그만큼 빠릅니다"}
LOG = pathlib.Path("/var/log/auth.log")
# No user must have an authenticator yet, and the login offers one.
OFFERS = ENROLS.replace('"require"', '"offer"') + '[enforce]\nfrom = "2027-02-01"\n'
DEADLINE = 1_801_440_000


@WAYS
def test_a_new_phone_takes_the_place_of_the_old_one(portal, nginx, clock, someone_enrolled, language, size):
    """F14: the old device, its recovery codes and its logins end together."""
    with Browser(language, size) as browser, Browser(language, size) as elsewhere:
        person, there = Person(someone_enrolled, browser, clock), Person(someone_enrolled, elsewhere, clock)
        there.log_in()
        person.log_in()
        old, old_codes = someone_enrolled.codes, someone_enrolled.recovery_codes
        assert person.is_in() and there.is_in() and len(person.devices()) == 1

        person.begin_to_replace("new phone")
        person.scan()
        assert not browser.violations() and not browser.overflows()
        browser.fill("code", someone_enrolled.codes.now())
        new_codes = person.read_recovery_codes()
        assert not browser.violations() and not browser.overflows()
        browser.tick("kept")
        assert person.devices() == ["new phone"]
        # The portal checks a login every 10 s.
        elsewhere.wait_for(lambda: not there.is_in(), "end of the login by the old device")

        person.log_out()
        clock.advance(PERIOD)
        person.log_in(code=old.now())
        assert not person.is_in()
        person.log_in(code=old_codes[0])
        assert not person.is_in()
        person.log_in()
        assert person.is_in()
        person.log_out()
        person.log_in(code=new_codes[0])
        assert person.is_in()


@WAYS
def test_a_user_tries_a_code_and_reads_the_events(portal, nginx, clock, enrol, someone_enrolled, journal, language, size):
    """A code is tried without logging out; the events afterwards are only those of the user's own account."""
    first = len(journal.lines())
    other = enrol("other")
    with Browser(language, size) as browser:
        person, stranger = Person(someone_enrolled, browser, clock), Person(other, browser, clock)
        stranger.log_in()
        stranger.log_out()
        person.log_in()
        browser.go(f"{HOME}try")
        browser.fill("code", person.code())
        assert browser.has(".note.good") and not browser.has(".note.bad")
        browser.fill("code", someone_enrolled.codes.now())
        assert browser.has(".note.bad")
        assert {"en": "once", "ko": "한 번만"}[language] in browser.one(".note.bad").text
        browser.fill("code", someone_enrolled.codes.wrong())
        assert {"en": "4 more wrong codes lock the account.", "ko": "4번 더 틀리면 계정이 잠깁니다."}[language] in browser.text
        assert not browser.violations() and not browser.overflows()

        keep_log(journal.lines(first))
        browser.go(f"{HOME}events")
        tones = [entry.get_attribute("class") for entry in browser.all(".events li")]
        assert tones[:4] == ["bad", "bad", "good", "good"], browser.text
        said = [entry.text.lower() for entry in browser.all(".events .event")]
        assert said[0].startswith({"en": "a wrong code", "ko": "잘못된 인증 코드"}[language]), said
        assert said[1].startswith({"en": "a code was entered that had been used", "ko": "이미 사용한 인증 코드"}[language]), said
        assert other.name not in browser.driver.page_source
        assert not browser.violations() and not browser.overflows()
        browser.go(HOME)
        assert {"en": "the code was wrong", "ko": "인증 코드가 맞지 않음"}[language] in browser.text
        LOG.unlink()


def keep_log(lines):
    """Writes the lines into the file that syslog would have written, all in one second."""
    stamped = [re.sub(r"^<\d+>(?:\w{3} [\d ]\d [\d:]{8} )?", "Jan 15 08:00:10 web1 ", line) for line in lines]
    LOG.write_text("\n".join(stamped) + "\n")


@LANGUAGES
def test_nothing_is_registered_anew_while_the_account_is_locked(portal, nginx, clock, someone_enrolled, language):
    """F18."""
    with Browser(language) as browser:
        person = Person(someone_enrolled, browser, clock)
        person.log_in()
        before = person.record()
        browser.go(f"{HOME}try")
        for _ in range(5):
            browser.fill("code", someone_enrolled.codes.wrong())
        said = []
        for path in ("devices/replace", "devices/add", "recovery-codes", "set-up"):
            browser.go(f"{HOME}{path}")
            said.append(browser.text)
            assert not browser.has("[name=name]") and not browser.has("[name=answer]"), browser.text
        assert any({"en": "locked", "ko": "잠"}[language] in text for text in said), said
        person.begin()
        assert not browser.has(".qr svg")
        assert person.record() == before


@WAYS
@pytest.mark.parametrize("steps, said", [(-FIVE_MINUTES, SLOW), (FIVE_MINUTES, FAST)], ids=["slow", "fast"])
def test_a_phone_whose_clock_is_off_is_told_by_how_much(portal, nginx, clock, someone_enrolled, language, size, steps, said):
    """F23: the code is typed back. The field has the focus, and nothing is saved before a right code."""
    with Browser(language, size) as browser:
        person = Person(someone_enrolled, browser, clock)
        person.log_in()
        before = person.record()
        person.begin_to_replace("new phone")
        person.scan()
        browser.fill("code", someone_enrolled.codes.at_step(steps))
        assert said[language] in browser.one("#code-error").text
        assert {"en": "2 tries are left.", "ko": "2번 더 입력할 수 있습니다."}[language] in browser.one("#code-error").text
        assert is_at_the_error(browser, "code") and browser.driver.title.startswith({"en": "Error: ", "ko": "오류: "}[language])
        assert not browser.violations() and not browser.overflows()
        assert person.record() == before
        browser.fill("code", someone_enrolled.codes.now())
        person.read_recovery_codes()
        browser.tick("kept")
        assert person.devices() == ["new phone"] and person.record() != before


@LANGUAGES
def test_a_phone_whose_clock_is_off_is_told_so_in_the_first_login(portal, nginx, clock, someone, language):
    """The module itself says so in the login."""
    with Browser(language) as browser:
        person = Person(someone, browser, clock)
        person.begin()
        if not browser.has(".qr svg"):
            browser.press(browser.one("form.card button"))
        person.scan()
        browser.fill("answer", someone.codes.at_step(-FIVE_MINUTES))
        assert SLOW[language] in browser.text and not person.kept()
        assert browser.focused().get_attribute("name") == "answer"
        browser.fill("answer", someone.codes.now())
        person.read_recovery_codes()
        browser.tick("answer")
        assert person.kept() and person.is_in()


def is_at_the_error(browser, field):
    """Returns whether the focus is in that field, and the field says that it is wrong and why."""
    focused = browser.focused()
    described = (focused.get_attribute("aria-describedby") or "").split()
    return focused.get_attribute("id") == field and focused.get_attribute("aria-invalid") == "true" and f"{field}-error" in described


@LANGUAGES
def test_the_focus_goes_to_the_field_with_the_error(portal, nginx, clock, someone_enrolled, language):
    with Browser(language) as browser:
        person = Person(someone_enrolled, browser, clock)
        browser.go(f"{HOME}login")
        browser.driver.execute_script("document.querySelector('#user').required = false")
        browser.fill("user", "")
        assert is_at_the_error(browser, "user")
        person.log_in(code=someone_enrolled.codes.wrong())
        assert browser.focused().get_attribute("id") == "user"
        assert browser.focused().get_attribute("aria-describedby") == "refused" and browser.has("#refused")
        person.log_in()
        for path, name in (("devices/add", '"'), ("devices/replace", "back\\slash")):
            browser.go(f"{HOME}{path}")
            browser.fill("name", name)
            assert is_at_the_error(browser, "name"), path
            assert not browser.violations()
        browser.go(f"{HOME}recovery-codes")
        browser.press(browser.one("main form button"))
        person.prove()
        browser.driver.execute_script("document.querySelector('#kept').required = false")
        browser.press(browser.one("main form.card button"))
        assert is_at_the_error(browser, "kept")
        assert not browser.violations()


@pytest.mark.parametrize("leave", ["cancel", "tab", "elsewhere"])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_leaving_a_change_half_way_saves_nothing(portal, nginx, clock, someone_enrolled, steps, leave):
    """The user leaves before the password, after the QR code, or before saying that the recovery codes are kept."""
    with Browser() as browser:
        person = Person(someone_enrolled, browser, clock)
        person.log_in()
        old, before, devices = someone_enrolled.codes, person.record(), person.devices()
        browser.go(f"{HOME}devices/replace")
        browser.fill("name", "new phone")
        if steps > 0:
            person.prove()
            person.scan()
        if steps > 1:
            browser.fill("code", someone_enrolled.codes.now())
            person.read_recovery_codes()
        new, someone_enrolled.codes = someone_enrolled.codes, old
        assert person.record() == before
        if leave == "cancel":
            browser.press(browser.one("form[action='/change/cancel'] button"))
        elif leave == "tab":
            browser.close_tab()
        else:
            browser.go("about:blank")
        # The overview is another page: a user who comes to it has left the change.
        assert person.devices() == devices and person.record() == before
        browser.go(f"{HOME}change")
        assert not browser.has(".qr svg") and not browser.has(".codes"), "the change is still there"
        person.log_out()
        if steps:
            clock.advance(PERIOD)
            person.log_in(code=new.now())
            assert not person.is_in()
        person.log_in()
        assert person.is_in() and person.record() == before


LATER = "button[name=answer][value=later]"


@WAYS
def test_setting_up_can_wait_before_the_deadline_and_not_after_it(portal, nginx, clock, policy, language, size):
    policy(OFFERS)
    with Browser(language, size) as browser:
        person = Person(accounts.create("waits"), browser, clock)
        for _ in range(2):
            person.begin()
            assert browser.has(LATER) and not browser.has(".qr svg")
            browser.press(browser.one(LATER))
            assert person.is_in() and not person.kept()
            assert browser.has("a[href='/set-up']")
            browser.press(browser.one("a[href='/set-up']"))
            assert not browser.violations() and not browser.overflows()
            browser.press(browser.one("form[action='/set-up/later'] button"))
            assert browser.has(".note.good") and person.is_in() and not person.kept()
            person.log_out()
        clock.set(DEADLINE)
        person.begin()
        assert not browser.has(LATER)
        if not browser.has(".qr svg"):
            browser.press(browser.one("form.card button"))
        assert browser.has(".qr svg") or not person.is_in()
        assert not person.kept()


@LANGUAGES
def test_the_whole_way_by_the_keyboard_alone(portal, nginx, clock, someone, language):
    """The way leads from the first login through the QR code to the overview and a new key, without a pointer and without scripts."""
    with Browser(language) as browser:
        person = Person(someone, browser, clock)
        browser.go(f"{HOME}login")
        assert browser.driver.execute_script("return document.documentElement.lang") == language
        assert browser.focused().get_attribute("name") == "user"
        browser.type(someone.name)
        browser.enter()
        assert browser.focused().get_attribute("name") == "answer"
        browser.type(someone.password)
        browser.enter()
        if not browser.has(".qr svg"):
            browser.enter()
        person.scan()
        browser.reach("#answer")
        field = browser.focused()
        assert (field.get_attribute("autocomplete"), field.get_attribute("inputmode")) == ("one-time-code", "numeric")
        browser.type(someone.codes.now())
        browser.enter()
        person.read_recovery_codes()
        browser.reach("#answer")
        browser.type(" ")
        browser.enter()
        assert person.kept() and person.is_in()

        browser.reach("a[href='/devices/replace']")
        browser.enter()
        browser.reach("#name")
        browser.type("tablet")
        browser.enter()
        for _ in range(2):
            if browser.focused().get_attribute("name") == "answer":
                browser.type(someone.password if browser.focused().get_attribute("type") == "password" else person.code())
                browser.enter()
        person.scan()
        browser.reach("#code")
        browser.type(someone.codes.now())
        browser.enter()
        person.read_recovery_codes()
        browser.reach("#kept")
        browser.type(" ")
        browser.enter()
        assert person.devices() == ["tablet"]
        browser.reach("form[action='/logout'] button")
        browser.enter()
        assert not person.is_in()


@LANGUAGES
def test_the_whole_way_without_scripts(portal, nginx, clock, someone, language):
    with Browser(language, PHONE, scripts=False) as browser:
        person = Person(someone, browser, clock)
        person.begin()
        if not browser.has(".qr svg"):
            browser.press(browser.one("form.card button"))
        person.scan()
        browser.fill("answer", someone.codes.now())
        person.read_recovery_codes()
        # Buttons that need a script are missing, and the page says how to do without.
        assert not browser.has("[data-copy]") and not browser.has("[data-print]") and browser.has("noscript p")
        browser.tick("answer")
        assert person.kept() and person.is_in()
        person.log_out()
        person.log_in()
        assert person.is_in()

        person.begin_to_replace("new phone")
        person.scan()
        browser.fill("code", someone.codes.now())
        codes = person.read_recovery_codes()
        assert not browser.has("[data-copy]") and not browser.has("[data-print]") and browser.has("noscript p")
        browser.tick("kept")
        assert person.devices() == ["new phone"]
        browser.go(f"{HOME}try")
        browser.fill("code", codes[0])
        assert browser.has(".note.good")
        for path in ("events", "sessions"):
            browser.go(f"{HOME}{path}")
            assert browser.has("h1")
        person.log_out()
        assert not person.is_in()
