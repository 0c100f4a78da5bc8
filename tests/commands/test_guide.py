"""otp-admin guide: what it says under which policy, and that its screens are what people see."""

import base64
import hashlib
import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import unicodedata

import pytest
import scan
from machine import ROOT
from talk import Talk
from test_dialogue_transcript import QUESTIONS

LANGUAGES = ["en", "ko"]
TRANSCRIPTS = ROOT / "tests/behaviour/enrolments/transcripts"
GROUPS = r"\b[A-Z2-7]{4}( [A-Z2-7]{4})+"
CODE = r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}"
VOID = {"meta", "path"}
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "section", "div", "p", "ol", "li", "kbd", "a", "figure",
    "figcaption", "pre", "svg", "path", "text", "footer",
}


def guide(machine, *arguments, **options):
    return machine.admin("guide", *arguments, **options).stdout


class Page(html.parser.HTMLParser):
    """The elements of a page, its words, and its screens; whatever a guide may not have is an error."""

    def __init__(self, source):
        super().__init__()
        self.open, self.words, self.screens, self.style, self.links, self.policy, self.tags = [], "", [], "", [], "", []
        self.feed(source)
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        assert tag in ALLOWED, tag
        attributes = dict(attributes)
        for name, value in attributes.items():
            assert not name.startswith("on") and name not in ("style", "src", "srcset", "action"), (tag, name)
            assert name != "href" or value.startswith("https://"), value
        self.tags.append(tag)
        if tag == "a":
            self.links.append(attributes["href"])
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        if attributes.get("class") == "screen":
            self.screens.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in VOID or self.open.pop() == tag, tag

    def handle_data(self, data):
        if "style" in self.open:
            self.style += data
        if "head" in self.open:
            return
        self.words += data if "svg" not in self.open else "[QR code]"
        if "pre" in self.open:
            self.screens[-1] += data
        elif "svg" in self.open:
            self.screens[-1] += "\n[QR code]\n"


def widths(text):
    return [sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line) for line in text.splitlines()]


def squeezed(text):
    return " ".join(text.split())


@pytest.fixture
def elsewhere(machine):
    """Runs `otp-admin guide` where /etc/pam.d and /etc/security have these files and no others."""

    def run(services=(), security=(), words=(), user="root", status=0, clock=True):
        for name, files in (("pam.d", dict(services)), ("security", dict(security))):
            directory = machine.directory / name
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
            directory.chmod(0o755)
            for file, text in files.items():
                (directory / file).write_text(text)
                (directory / file).chmod(0o644)
        shutil.copy(machine.words("otp-admin")[0], machine.directory / "security/otp-admin")
        script = (
            f"mount --bind {machine.directory}/pam.d /etc/pam.d && mount --bind {machine.directory}/security /etc/security && "
            f'exec setpriv --reuid {user} --regid {user} --clear-groups /etc/security/otp-admin "$@"'
        )
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", "guide", *words],
            capture_output=True, text=True, env=machine.environment() if clock else {"PATH": os.environ["PATH"]}, timeout=60,
        )
        assert done.returncode == status, done
        return done.stdout if status == 0 else done.stderr

    return run


# ---------------------------------------------------------------------------------------------------------------- what it is


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_fits_80_columns_and_has_no_control_characters(machine, language):
    machine.policy('issuer = "' + "Example" * 9 + '"\n[code]\nalgorithm = "SHA512"\ndigits = 8\nperiod = 120\n[recovery]\ncodes = 32\n')
    text = guide(machine, "--lang", language)
    assert max(widths(text)) <= 80
    assert text == guide(machine, "--lang", language, "--text")
    assert all(line == line.rstrip() for line in text.splitlines())
    assert not [letter for letter in text if unicodedata.category(letter) == "Cc" and letter != "\n"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_stands_alone_and_says_the_same_as_the_text(machine, language):
    machine.policy('issuer = "Example"\n')
    page = Page(guide(machine, "--html", "--lang", language))
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert page.policy == f"default-src 'none'; style-src 'sha256-{digest}'"
    assert "url(" not in page.style and "@import" not in page.style and page.links == []
    assert len(page.screens) == 3 and page.tags.count("svg") == 1
    text = re.sub(r"(?m)^ *\d+\. ", "", guide(machine, "--lang", language)).replace("[QR 코드]", "[QR code]")
    # The text has lines in other places, quotes and frames.
    assert re.sub(r"\W", "", page.words) == re.sub(r"\W", "", text)


def test_the_language_is_that_of_the_command(machine):
    machine.policy('language = "ko"\n')
    assert "2단계 인증" in guide(machine)
    machine.policy("")
    machine.locale = {"LC_ALL": "ko_KR.UTF-8"}
    assert "2단계 인증" in guide(machine)
    assert "2단계 인증" not in guide(machine, "--lang", "en")


def test_the_name_is_what_readers_call_the_site_and_the_issuer_what_apps_show(machine):
    machine.policy('issuer = "ex.org"\n')
    text = guide(machine, "--name", "Example University")
    assert text.startswith("Logging in to Example University with a code\n")
    assert 'The entry is called "ex.org"' in squeezed(text)


# ------------------------------------------------------------------------------------------------------ what the policy says

SWITCHES = [
    ("[code]\ndigits = 8", ["a code of 8 digits", "Not every app"], ["8자리 인증 코드", "지원하지 않는 인증 앱"]),
    ("[code]\nperiod = 60", ["every 60 seconds", "KeePassXC can"], ["60초마다", "KeePassXC 등"]),
    ("[code]\nperiod = 61", ["KeePassXC 2.7.10 can"], ["KeePassXC 2.7.10 등"]),
    ('[code]\nalgorithm = "SHA256"', ["SHA-256). On a computer"], ["SHA-256)을 지원하지"]),
    ("[recovery]\ncodes = 7", ["Each of the 7 recovery codes"], ["복구 코드 7개는"]),
    ("[recovery]\nopens_lock = false", ["Your administrator can open it."], ["관리자에게 잠금 해제를 요청할 수 있습니다."]),
    ("[lockout]\nfailures = 3", ["3 wrong codes in a row lock"], ["연속 3번 잘못 입력하면 계정이 잠깁니다."]),
    ('[lockout]\nunlock_after = "1h"', ["ends after 1 hour."], ["1시간 뒤에 자동으로 풀립니다."]),
    ('[lockout]\nunlock_after = "never"', ["does not end by itself"], ["자동으로 풀리지 않습니다."]),
    ('[lockout]\nunlock_after_max = "2h"', ["up to 2 hours."], ["최대 2시간 동안"]),
    ("[lockout]\ndisable_after = 20", ["After 20 wrong codes"], ["연속 20번 잘못 입력하면 계정 사용이 중지"]),
    ("[enroll]\nmax_authenticators = 2", ["up to 2 devices", "'otp-enroll add tablet'"], ["2대까지", "'otp-enroll add tablet'"]),
    ("[enforce]\ngroups = []", ["You need not use it."], ["등록 여부는 선택할 수 있습니다."]),
    ('[enforce]\ngroups = ["staff"]', ["Some accounts do not need one"], ["등록하지 않아도 되는 계정도"]),
    ('[enforce]\nexempt_users = ["nobody"]', ["Some accounts do not need one"], ["등록하지 않아도 되는 계정도"]),
    ('[service.su]\nexempt_groups = ["staff"]', ["Some accounts do not need one"], ["등록하지 않아도 되는 계정도"]),
    ('[enforce]\nfrom = "2027-02-01"', ["until 2027-02-01 00:00 UTC."], ["2027-02-01 00:00 UTC까지는"]),
    ('[enforce]\ngrace = "7d"', ["for 7 days from your first login"], ["처음 로그인한 때부터 7일 동안"]),
    ('[enforce]\nfrom = "2027-02-01"\ngrace = "7d"', ["2027-02-01 00:00 UTC, or for 7 days"], ["2027-02-01 00:00 UTC까지(처음 로그인한 때부터 7일"]),
    ('[trust]\nremember = "8h"', ["the same program does not ask you for another for 8 hours"], ["8시간 동안은 같은 주소에서 같은 프로그램으로"]),
    ('[service.sshd]\nremember = "8h"', ["some programs do not ask you for another for up to 8 hours"], ["최대 8시간 동안"]),
    ('[trust]\nnetworks = ["10.0.0.0/8"]', ["From some networks"], ["일부 네트워크에서"]),
    ('[service.sshd]\nnetworks = ["10.0.0.0/8"]', ["From some networks"], ["일부 네트워크에서"]),
    ('[recovery]\nemail = true\n[mail]\naddress = "{user}@example.org"', ["Or type 'email'"], ["'email'을 입력하면"]),
    ('[enroll]\nverify_email = true\n[mail]\naddress = "{user}@example.org"',
     ["Type the code that is mailed", "***@example.org"], ["이메일로 받은 코드를 입력해 주세요.", "***@example.org"]),
    ('[enroll]\nat_login = "require"', ["Log in with your password. Press Enter", "Logging in to Example takes a second factor"],
     ["등록을 시작하려면 Enter를", "Press Enter to set it up"]),
    ('[enroll]\nat_login = "offer"\n[enforce]\ngrace = "7d"', ["or type 'later' to put it off", 'or type "later":'],
     ["미루려면 'later'나 '나중에'를"]),
    ('[enroll]\nat_login = "require"\nqr = "none"', ["add an entry and type the key"], ["항목을 추가하고 키를"]),
    ('language = "ko"', ["'otp-enroll --lang en'", '"인증 코드:"'], ["'otp-enroll' 명령을", '"인증 코드:" 질문']),
]


@pytest.mark.parametrize("policy, english, korean", SWITCHES, ids=[policy for policy, _, _ in SWITCHES])
def test_every_switch_of_the_policy_changes_what_is_said(machine, policy, english, korean):
    for language, phrases in (("en", english), ("ko", korean)):
        # A bare key comes before all sections.
        machine.policy('issuer = "Example"\n')
        usual = squeezed(guide(machine, "--lang", language))
        machine.policy(f'issuer = "Example"\n{policy}\n')
        said = squeezed(guide(machine, "--lang", language))
        for phrase in phrases:
            assert phrase in said and phrase not in usual, phrase
    words = Page(guide(machine, "--html", "--lang", "en")).words
    for phrase in english:
        assert phrase.replace("'", "") in squeezed(words).replace("'", "")


def test_without_recovery_codes_none_are_spoken_of(machine):
    machine.policy("[recovery]\ncodes = 0\n")
    assert "recovery" not in guide(machine, "--lang", "en").lower()
    assert "복구" not in guide(machine, "--lang", "ko")
    assert len(Page(guide(machine, "--html")).screens) == 2


def test_a_deadline_that_has_passed_is_not_spoken_of(machine):
    machine.policy('[enforce]\nfrom = "2020-01-01"\n')
    assert "You cannot log in without a code." in guide(machine)


def test_a_mailed_code_is_no_way_to_a_new_phone(machine):
    machine.policy('[recovery]\ncodes = 0\nemail = true\n[mail]\naddress = "{user}@example.org"\n')
    text = guide(machine, "--lang", "en")
    lost = squeezed(text[text.index("A lost phone"):text.index("Locked\n")])
    assert "- Type 'email' where" in lost and "this login. Ask your administrator to remove the lost phone." in lost


def test_mail_is_not_spoken_of_where_none_is_sent(machine):
    machine.policy("[recovery]\nemail = true\n[enroll]\nverify_email = true\n")
    assert "mail" not in guide(machine, "--lang", "en")


LINES = "auth required pam_unix.so\nauth required pam_otp.so\naccount required pam_otp.so\n"


def test_a_login_is_said_to_enrol_where_it_does(elsewhere):
    policy = {"pam_otp.conf": '[enroll]\nat_login = "require"\n'}
    said = squeezed(elsewhere({"sshd": LINES, "login": LINES, "cockpit": LINES}, policy))
    assert "Log in with your password through login or ssh. Press Enter" in said
    # No account line, no other module, or a program that may keep what it shows.
    shut = {"sshd": "auth required pam_unix.so\nauth required pam_otp.so\n", "login": LINES.split("\n", 1)[1], "cockpit": LINES}
    for services in (shut, {"cockpit": LINES}):
        said = squeezed(elsewhere(services, policy))
        assert "run 'otp-enroll' in a terminal" in said and "Press Enter" not in said
    named = {"pam_otp.conf": '[service.cockpit]\nat_login = "require"\n'}
    assert "through cockpit." in squeezed(elsewhere({"cockpit": LINES}, named))


def test_users_whom_nullok_lets_in_are_not_told_that_they_cannot_log_in(elsewhere):
    """Nor that a login sets up an authenticator: its account line asks for none."""
    policy = {"pam_otp.conf": '[enroll]\nat_login = "require"\n'}
    lenient = LINES.replace("pam_otp.so", "pam_otp.so nullok")
    said = squeezed(elsewhere({"login": lenient, "sshd": lenient}, policy))
    assert "You need not use it." in said and "Log in as before, and run 'otp-enroll'" in said
    assert "You cannot log in" not in said and "Press Enter" not in said
    said = squeezed(elsewhere({"login": LINES, "sshd": lenient}, policy))
    assert "You cannot log in without a code. Some programs let you in without one until you have set it up." in said
    assert "Log in with your password through login. Press Enter" in said


def test_a_login_is_described_by_the_section_of_its_service(elsewhere):
    policy = '[enroll]\nat_login = "offer"\n[enforce]\ngrace = "7d"\n'
    assert "type 'later'" in squeezed(elsewhere({"sshd": LINES}, {"pam_otp.conf": policy}))
    policy += '[service.sshd]\nat_login = "require"\nqr = "none"\n'
    said = elsewhere({"sshd": LINES}, {"pam_otp.conf": policy})
    assert "later" not in said and "[QR code]" not in said and "add an entry and type the key" in squeezed(said)


def test_a_portal_is_named_with_its_address(elsewhere):
    enrols = '[service.otp-portal]\nat_login = "require"\n'
    portal = 'url = "https://login.example.org/"\n[limits]\nsessions = 7\n'
    both = {"pam_otp.conf": enrols, "pam_otp-portal.conf": portal}
    said = squeezed(elsewhere(security=both))
    assert "Open https://login.example.org and log in with your password. Or run 'otp-enroll' in a terminal." in said
    page = Page(elsewhere(security=both, words=["--html"]))
    assert set(page.links) == {"https://login.example.org"}
    # It looks after devices, even if it enrols nobody at a login.
    said = squeezed(elsewhere(security={"pam_otp.conf": "", "pam_otp-portal.conf": portal}))
    assert "Open https" not in said and "Use https://login.example.org or 'otp-enroll recovery-codes'" in said
    for shut in ({"pam_otp.conf": enrols}, {"pam_otp.conf": enrols, "pam_otp-portal.conf": "#url = \"https://login.example.org\"\n"}):
        assert "https" not in elsewhere(security=shut)


def test_nobody_needs_to_be_root(elsewhere):
    files = {"pam_otp.conf": 'issuer = "Example"\n', "pam_otp-portal.conf": 'url = "https://login.example.org"\n'}
    # libfaketime is root's in this test; so the clock is the real one, and goes on between the two.
    both = [elsewhere(security=files, user=user, clock=False) for user in ("daemon", "root")]
    assert len({re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?", "", one) for one in both}) == 1


# ---------------------------------------------------------------------------------------------------------- what it must not

HOSTILE = "<script>alert(1)</script>&amp;\"'><img src=x onerror=alert(2)>"


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_text_and_never_markup(machine, language):
    toml = HOSTILE.replace('"', '\\"')
    machine.policy(f'issuer = "{toml}"\n')
    assert len(HOSTILE) <= 64
    for words in ([], ["--name", HOSTILE]):
        page = Page(guide(machine, "--html", "--lang", language, *words))
        assert HOSTILE in page.words
    assert HOSTILE in squeezed(guide(machine, "--lang", language)).replace(" ", "") or HOSTILE in guide(machine, "--lang", language)


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31mred", "x" * 65])
def test_a_name_that_cannot_be_one_is_refused(machine, name):
    done = subprocess.run(machine.words("otp-admin", "guide", "--name", name), capture_output=True, text=True, env=machine.environment())
    assert done.returncode == 2 and "must have at most 64 characters, on one line" in done.stderr and done.stdout == ""


@pytest.mark.parametrize(
    "policy, reason",
    [
        ("\n[code]\ndigits = 9\n", ", line 3: "),
        ("\nno_such_key = 1\n", ", line 2: "),
        ('\nissuer = "Dept: Ops"\n', ", line 2: must not have a colon"),
        ("not toml", ", line 1: "),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused_with_its_line(machine, policy, reason):
    machine.policy(policy)
    for form in ("--text", "--html"):
        done = machine.admin("guide", form, status=2)
        assert done.stdout == "" and f"{machine.conf}{reason}" in done.stderr
    machine.conf.unlink()
    assert "missing" in machine.admin("guide", status=2).stderr


def test_a_portal_that_cannot_be_right_is_refused_with_its_line(elsewhere):
    files = {"pam_otp.conf": "", "pam_otp-portal.conf": 'url = "javascript:alert(1)"\n'}
    said = elsewhere(security=files, status=2)
    assert "/etc/security/pam_otp-portal.conf, line 1: must be https:// and a host" in said


def test_output_that_cannot_be_written_is_an_error_and_a_reader_that_left_is_not(machine):
    with open("/dev/full", "w") as full:
        done = machine.admin("guide", "--html", status=2, stdout=full)
    assert "No space left" in done.stderr
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as gone:
        assert machine.admin("guide", stdout=gone).stderr == ""


def test_nothing_is_made_or_changed(machine):
    before = machine.files()
    guide(machine, "--html")
    assert machine.files() == before


def test_no_camera_reads_the_qr_code(machine, tmp_path):
    """The word across it destroys more than its error correction can mend; without the word it is read."""
    machine.policy('issuer = "Example"\n')
    source = guide(machine, "--html")
    drawn = re.search(r'<svg viewBox="0 0 (\d+) .*?</svg>', source, re.S)
    side, scale = int(drawn[1]), 8
    modules = [[scan.WHITE] * side for _ in range(side)]
    for x, y, run in re.findall(r"M(\d+) (\d+)h(\d+)v1h-", drawn[0]):
        modules[int(y)][int(x):int(x) + int(run)] = [scan.BLACK] * int(run)

    def read():
        path = tmp_path / "code.pgm"
        rows = b"".join(b"".join(bytes([shade]) * scale for shade in row) * scale for row in modules)
        path.write_bytes(b"P5 %d %d 255\n" % (side * scale, side * scale) + rows)
        return scan.picture(path)

    (uri,) = read()
    assert uri == "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example"
    left, top, across, down = map(int, re.search(r'stroke="#a61b1b" d="M(\d+) (\d+)h(\d+)v(\d+)h', drawn[0]).groups())
    for row in modules[top:top + down]:
        row[left:left + across] = [scan.WHITE] * across
    assert read() == []


# ------------------------------------------------------------------------------------------------- the screens are real ones

def played(machine, language, digits=6, codes=True, options=()):
    """The lines of a real enrolment at a terminal that breaks none, with the key, codes and user of the guide."""
    code, save, kept = QUESTIONS[language]
    talk = Talk(machine, "--lang", language, size=(60, 600))
    shown = talk.until(code)
    secret = re.search(r"secret=([A-Z2-7]+)", shown)[1]
    right = machine.code(secret, 0, *options)
    talk.answer(right)
    if codes:
        talk.until(save)
        talk.answer("")
        talk.until(kept)
        talk.answer({"en": "kept", "ko": "보관"}[language])
    assert talk.end() == 0
    screen = talk.screen.replace("\r", "")
    drawn = scan.drawn_lines(screen)
    (uri,) = {talk_uri for talk_uri in scan.drawing(drawn, machine.directory, background="dark")}
    assert secret in uri
    lines = screen.rstrip("\n").split("\n")
    at = lines.index(drawn[0])
    lines[at:at + len(drawn)] = ["[QR code]"]
    numbers = iter(range(1, 100))
    order = {}
    for line in lines:
        for found in re.findall(CODE, line):
            order[found] = None
    half = (len(order) + 1) // 2
    # In two columns: the left one has the first half.
    ordered = [*list(order)[0::2], *list(order)[1::2]] if len(order) > 1 else list(order)
    assert len(ordered[:half]) == half
    for found, number in zip(ordered, numbers):
        order[found] = f"EXAM-P1E0-0000-{number:04}"
    text = "\n".join(lines).replace(f" {right}\n", f" {'12345678'[:digits]}\n")
    text = re.sub(CODE, lambda found: order[found[0]], text)
    example = base64.b32encode(b"".join([b"1234567890"] * 7)[: len(secret) * 5 // 8]).decode().rstrip("=")
    text = text.replace(secret, example)
    groups = iter(re.findall("....?", example))
    text = re.sub(GROUPS, lambda found: " ".join(next(groups) for _ in found[0].split()), text)
    user = {"en": "alice", "ko": "gildong"}[language]
    return text.replace("daemon", user).splitlines()


def shown(machine, language):
    """The lines of the guide's screens of an enrolment, and the command above them."""
    *enrolment, _ = Page(guide(machine, "--html", "--lang", language)).screens
    lines = "\n".join(enrolment).replace("[QR 코드]", "[QR code]").splitlines()
    lines = [line.replace("EXAMPLE", "").replace("예시", "") for line in lines]
    return lines[0], lines[1:]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "policy, digits, codes, options",
    [
        ("", 6, True, ()),
        ('[code]\nalgorithm = "SHA256"\ndigits = 8\nperiod = 60\n[recovery]\ncodes = 9\n', 8, True,
         ("--totp=SHA256", "--digits=8", "--time-step-size=60s")),
        ("[code]\ndigits = 7\n[recovery]\ncodes = 0\n", 7, False, ("--totp", "--digits=7")),
    ],
)
def test_the_screens_of_an_enrolment_are_those_of_a_real_one(machine, language, policy, digits, codes, options):
    machine.policy(f'issuer = "Example"\nlanguage = "{language}"\n{policy}')
    command, lines = shown(machine, language)
    assert command == "$ otp-enroll"
    real = [line.rstrip() for line in played(machine, language, digits, codes, options) if line.strip()]
    assert [line.rstrip() for line in lines if line.strip()] == real


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_screens_of_a_login_are_those_of_a_real_one(machine, language):
    """Compared with the transcript of a login by ssh, which `tests/behaviour` holds to what sshd shows."""
    machine.policy(f'issuer = "Example"\nlanguage = "{language}"\n[enroll]\nat_login = "require"\n')
    page = Page(guide(machine, "--html", "--lang", language))
    recorded = (TRANSCRIPTS / f"{language}.txt").read_text()
    first, following = (recorded.split("\n== ")[at].split("\n", 1)[1] for at in (0, 1))

    def bare(text):
        text = re.sub(r"\(USER@[\d.]+\)|admitted:USER|\[QR (code|코드)\]|EXAMPLE|예시", "", text)
        text = re.sub(CODE, "CODE", re.sub(GROUPS, "GROUPS", text))
        text = re.sub(r"(secret=|: )(?:[A-Z2-7]{32}|K{32})\b", r"\1KEY", text).replace("KKKK " * 7 + "KKKK", "GROUPS")
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC|123456\b|#{6}", "", text).replace("XXXX-XXXX-XXXX-XXXX", "CODE")
        return squeezed(text.replace(os.uname().nodename, "HOST").replace("alice", "USER").replace("gildong", "USER"))

    assert bare("\n".join(page.screens[:2])) == bare(first)
    assert bare(page.screens[2]) == bare(following)
