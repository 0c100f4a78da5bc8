"""An authenticator set up in a login of Cockpit, whose page alters what it is told to show.

The host here treats messages as cockpit-session 287 and its page do: it joins everything that is told to one line, which
loses its line ends, its runs of spaces and each byte that is not ASCII. A question loses its line ends and runs of spaces.
"""

import pathlib
import re

import pytest

import codes
import doors
from application import SUCCESS, Application, line, program  # noqa: F401  (a fixture)
from login_enrolment import ENGLISH, KEY_IN_GROUPS, KOREAN
from policy_file import policy  # noqa: F401  (a fixture)
from self_service import RECOVERY_CODE, status

pytestmark = pytest.mark.promised_by("ours")

HERE = '[service.cockpit]\nat_login = "{}"\nqr = "unicode"\n'
PASSWORD = "Password: "


def one_line(text):
    return re.sub(r"\s+", " ", text)


class Page:
    """One page of Cockpit: what a user reads and is asked."""

    def __init__(self, told, question):
        self.told = one_line(" ".join(told))
        self.told = "".join(c if c.isascii() else "?" * len(c.encode()) for c in self.told)
        self.question = one_line(question)

    @property
    def text(self):
        return f"{self.told} {self.question}"


class Cockpit(Application):
    """A login at Cockpit."""

    def account(self, answer):
        """Runs the account phase; `answer` gives a reply to each page. Returns what PAM said in the end, and what was told after
        the last page."""
        self._process.stdin.write(line("acct_mgmt", "live"))
        self._process.stdin.flush()
        told = []
        for text in self._process.stdout:
            word, _, rest = text.decode().rstrip("\n").partition(" ")
            if word == "told":
                told.append(rest)
            elif word == "asked":
                reply = answer(Page(told, rest))
                doors.TYPED.append(reply)
                self._process.stdin.write(line("reply", reply))
                self._process.stdin.flush()
                told = []
            elif word == "=":
                return int(rest), told
            else:
                # A further line of the same message.
                (told or pytest.fail(f"a line without a message: {text}"))[-1] += f"\n{text.decode()}"
        pytest.fail("the application is gone")


@pytest.fixture
def cockpit(program, under_test, clock, journal):  # noqa: F811
    path = pathlib.Path("/etc/pam.d/cockpit")
    before = path.read_text() if path.exists() else None
    ours = under_test.line()
    path.write_text(f"auth required pam_unix.so nodelay\nauth {ours}\naccount {ours}\naccount required pam_unix.so\n")
    with Cockpit(program) as running:
        yield running
    path.unlink() if before is None else path.write_text(before)


def enrol(cockpit, account, words, clock, mistakes=()):
    """The pages of an enrolment; `mistakes` are typed before the first right code."""
    cockpit.start(account, "cockpit")
    assert cockpit.authenticate(account.password).code == SUCCESS
    pages, mistakes = [], iter(mistakes)

    def answer(page):
        pages.append(page)
        if page.question.endswith(words.new_code):
            if (mistake := next(mistakes, None)) is not None:
                return mistake
            key = next(filter(None, (KEY_IN_GROUPS.search(one.question) for one in pages)))[0]
            account.codes = codes.Codes(key.replace(" ", ""), clock)
            return account.codes.now()
        return words.kept if page.question.endswith(words.are_kept) else ""

    code, told = cockpit.account(answer)
    assert code == SUCCESS
    (done,) = told
    assert account.name in done and done.isascii(), "a message without a question after it is ASCII"
    return pages


@pytest.mark.parametrize("language, words", [("en", ENGLISH), ("ko", KOREAN)], ids=["en", "ko"])
def test_everything_that_must_be_read_is_in_the_questions_whole(cockpit, bobby, policy, clock, language, words):  # noqa: F811
    policy(f'language = "{language}"\n' + HERE.format("require"))
    pages = enrol(cockpit, bobby, words, clock)
    begin, key, kept = pages
    assert [page.question.endswith(asked) for page, asked in zip(pages, (words.begin, words.new_code, words.are_kept))] == [True] * 3
    # No message is sent that would be altered, and nothing is drawn.
    assert [page.told for page in pages] == ["", "", ""]
    # A key or a recovery code may also contain these letters.
    assert not re.search("[\u2580\u2584\u2588]|@@|(?<![0-9A-Z])QR(?![0-9A-Z])", "".join(page.text for page in pages))
    assert bobby.name in begin.question
    groups = KEY_IN_GROUPS.search(key.question)[0]
    secret = groups.replace(" ", "")
    (uri,) = re.findall(r"otpauth://\S+", key.question)
    assert f"secret={secret}&" in uri and f" {secret} | " in key.question
    # The recovery codes are in their order, and each is a word by itself.
    found = re.findall(rf"\((\d+)\) ({RECOVERY_CODE})[,.] ", kept.question)
    assert [int(number) for number, _ in found] == list(range(1, 11)) and len({code for _, code in found}) == 10
    assert status(bobby)["enrolled"]


@pytest.mark.parametrize("language, words", [("en", ENGLISH), ("ko", KOREAN)], ids=["en", "ko"])
def test_mistakes_are_told_with_the_next_question(cockpit, bobby, policy, clock, language, words):  # noqa: F811
    policy(f'language = "{language}"\n' + HERE.format("require"))
    pages = enrol(cockpit, bobby, words, clock, mistakes=["nonsense", "000"])
    codes_asked = [page.question for page in pages if page.question.endswith(words.new_code)]
    assert len(codes_asked) == 3
    first, second, third = codes_asked
    assert "otpauth" in first and "otpauth" not in second + third
    left = {"en": ["2 tries are left", "One try is left"], "ko": ["2번 더", "1번 더"]}[language]
    assert left[0] in second and left[1] in third


@pytest.mark.parametrize("language", ["en", "ko"])
def test_deadline_is_told_in_ascii_and_later_is_an_answer(cockpit, bobby, policy, clock, language):  # noqa: F811
    policy(f'language = "{language}"\n[enforce]\nfrom = "2027-02-01"\n' + HERE.format("offer"))
    words = {"en": ENGLISH, "ko": KOREAN}[language]
    cockpit.start(bobby, "cockpit")
    assert cockpit.authenticate(bobby.password).code == SUCCESS
    pages = []
    code, told = cockpit.account(lambda page: pages.append(page) or words.later)
    (page,) = pages
    assert code == SUCCESS and page.question.endswith(words.begin_or_later)
    assert "17 days" in page.told and "?" not in page.told and not status(bobby)["enrolled"]


def test_recovery_code_read_at_cockpit_admits(cockpit, bobby, policy, clock):  # noqa: F811
    policy(HERE.format("require"))
    pages = enrol(cockpit, bobby, ENGLISH, clock)
    cockpit.end()
    code = re.search(RECOVERY_CODE, pages[-1].question)[0]
    clock.advance(60)
    assert cockpit.login(bobby, bobby.password, code, service="cockpit").code == SUCCESS


def test_other_service_with_the_same_policy_gets_separate_lines(cockpit, bobby, policy, under_test, clock):  # noqa: F811
    """Only Cockpit gets this form."""
    policy(HERE.format("require").replace("cockpit", "cockpit2"))
    path = pathlib.Path("/etc/pam.d/cockpit2")
    path.write_text(pathlib.Path("/etc/pam.d/cockpit").read_text())
    cockpit.start(bobby, "cockpit2")
    assert cockpit.authenticate(bobby.password).code == SUCCESS
    pages = []
    with pytest.raises(StopIteration):
        replies = iter([""])
        cockpit.account(lambda page: pages.append(page) or next(replies))
    path.unlink()
    assert "otpauth" in pages[1].told and pages[1].question == ENGLISH.new_code


def test_without_a_section_nobody_enrols_at_cockpit(cockpit, bobby, policy):  # noqa: F811
    policy('[enroll]\nat_login = "require"\n')
    cockpit.start(bobby, "cockpit")
    answer = cockpit.authenticate(bobby.password, "123456")
    assert answer.code != SUCCESS and answer.asked == [PASSWORD, ENGLISH.code]
