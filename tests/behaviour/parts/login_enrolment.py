"""An authenticator set up inside a login: the dialogue as a new user sees it, question by question."""

import dataclasses
import pathlib
import re

import pytest

import codes
import doors
from clock import wait_until
from self_service import RECOVERY_CODE
from under_test import Ours

REQUIRE = '[enroll]\nat_login = "require"\n'
OFFER = '[enroll]\nat_login = "offer"\n'
AHEAD = '[enforce]\nfrom = "2027-02-01"\n'
UNTIL_THEN = 17 * 24 * 3600
KEY_IN_GROUPS = re.compile(r"(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}")


@dataclasses.dataclass(frozen=True)
class Words:
    """The questions in one language, and the words that answer them."""

    begin: str
    begin_or_later: str
    new_code: str
    are_kept: str
    code: str
    kept: str
    later: str
    inverted: str
    not_seen: str

    @property
    def questions(self):
        return [self.begin_or_later, self.begin, self.new_code, self.are_kept, self.code]


ENGLISH = Words(
    begin="Press Enter to set it up: ",
    begin_or_later='Press Enter to set it up, or type "later": ',
    new_code="6-digit code that the device shows now: ",
    are_kept='Type "kept" when the recovery codes are kept: ',
    code="Verification code: ",
    kept="kept",
    later="later",
    inverted="inverted",
    not_seen='If the app sees no QR code, type "inverted" to swap light and dark.',
)
KOREAN = Words(
    begin="등록을 시작하려면 Enter를 눌러 주세요: ",
    begin_or_later='등록하려면 Enter를 누르고, 미루려면 "later"나 "나중에"를 입력해 주세요: ',
    new_code="인증 앱에 표시된 6자리 인증 코드: ",
    are_kept='복구 코드를 보관했으면 "kept" 또는 "보관"을 입력해 주세요: ',
    code="인증 코드: ",
    kept="보관",
    later="나중에",
    inverted="반전",
    not_seen='인증 앱이 QR 코드를 인식하지 못하면 "inverted"나 "반전"을 입력해 주세요.',
)
PASSWORD = "Password: "


class Enrolment:
    """A login of a user without an authenticator: `with Enrolment(door, account, clock) as login:`.

    `question` is the current question, None after the end; `told` is the text right before it. `device` and
    `recovery_codes` are those that the screen showed.
    """

    def __init__(self, door, account, clock, words=ENGLISH):
        self.account = account
        self.words = words
        self.device = self.secret = None
        self.recovery_codes = []
        self._clock = clock
        self._visit = door.visit(account, prompts=words.questions)
        self._read = 0
        self._next()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()

    @property
    def screen(self):
        """Everything that was on the terminal so far."""
        return self._visit._text

    @property
    def prompts(self):
        """All questions so far."""
        return self._visit.prompts

    @property
    def uri(self):
        return re.search(r"otpauth://\S+", self.screen)[0]

    def answer(self, reply):
        """Answers, and does not wait for the next question."""
        self._visit.reply(reply)

    def type(self, reply):
        """Answers, and waits for the next question."""
        self.answer(reply)
        self._next()

    def go_on(self):
        """Answers like a user who wants to get in."""
        self.type(self._right_answer())

    def up_to(self, *questions):
        """Answers until one of these questions is asked."""
        while self.question not in questions:
            assert self.question, f"the end, and never asked {questions}:\n{self.screen}"
            self.go_on()
        return self

    def outcome(self):
        """The outcome, after the last answer."""
        assert self.question is None, f"one question too many: {self.question!r} in\n{self.screen}"
        return self._visit.ended()

    def finish(self):
        """Answers to the end, where the user is admitted; the account then has the authenticator and the recovery codes."""
        while self.question:
            self.go_on()
        outcome = self.outcome()
        assert outcome.admitted, outcome
        self.account.codes, self.account.recovery_codes = self.device, self.recovery_codes
        return outcome

    def cut(self):
        self._visit.cut()

    def _next(self):
        self.question = self._visit.prompt()
        self.told = self.screen[self._read:]
        self._read = len(self.screen)
        if self.question == self.words.new_code and self.device is None:
            self.secret = re.search(r"secret=([A-Z2-7]+)", self.uri)[1]
            self.device = codes.Codes(self.secret, self._clock)
            # The log is searched for them afterwards.
            doors.TYPED += [self.secret, KEY_IN_GROUPS.search(self.told)[0], self.uri]
        if self.question == self.words.are_kept and not self.recovery_codes:
            self.recovery_codes = re.findall(RECOVERY_CODE, self.told)
            doors.TYPED += self.recovery_codes

    def _right_answer(self):
        if self.question == self.words.new_code:
            return self.device.now()
        answers = {PASSWORD: self.account.password, self.words.begin: "", self.words.begin_or_later: "",
                   self.words.are_kept: self.words.kept}
        assert self.question in answers, f"nobody sets anything up here:\n{self.screen}"
        return answers[self.question]


def enrol(door, account, clock, words=ENGLISH):
    """The whole path of a new user, who is admitted at its end."""
    with Enrolment(door, account, clock, words) as login:
        login.result = login.finish()
    return login


def kept_on_disk(without=()):
    """Everything below /var/lib/pam_otp: kind, mode, owner and contents of each file and directory."""
    top = Ours.state_directory
    found = {}
    for path in [top, *sorted(top.rglob("*"))]:
        if path.relative_to(top).as_posix() in without:
            continue
        about = path.lstat()
        contents = path.read_bytes() if path.is_file() else None
        found[path.relative_to(top).as_posix()] = (oct(about.st_mode), about.st_uid, about.st_gid, contents)
    return found


def logins_of(account):
    """The process ids of programs that name the account on their command line, as sshd and su do."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue  # it ended meanwhile
        if account.name.encode() in words:
            found.append(int(process.name))
    return found


def wait_until_cut_off(account):
    """Waits until sshd and su have ended all logins of the account."""
    wait_until(lambda: not logins_of(account), f"end of the logins of {account}")


# ------------------------------------------------------------------------------------------------------------ fixtures


@pytest.fixture
def lines(every_door, password_then_code, under_test):
    """`lines(auth=..., account=..., arguments=...)` writes /etc/pam.d for every door; it stays until a test writes it again.

    A line of the account phase that begins with "@" is taken unchanged.
    """

    def write(auth=None, account=None, arguments=""):
        auth = auth or ["required pam_unix.so nodelay", under_test.line(arguments)]
        account = [under_test.line(arguments), "required pam_unix.so"] if account is None else account
        text = [f"auth {line}" for line in auth]
        text += [line if line.startswith("@") else f"account {line}" for line in account]
        for door in every_door.values():
            pathlib.Path("/etc/pam.d", door.service).write_text("\n".join([*text, "session required pam_permit.so", ""]))

    return write


@pytest.fixture
def both_lines(lines):
    """The stack that pam_otp-setup(7) recommends: our auth line, and our account line above all others."""
    lines()


@pytest.fixture(params=["sshd", "su"])
def talking_door(every_door, clock, request):
    """The doors that run as root and pass on PAM's messages."""
    return every_door[request.param]
