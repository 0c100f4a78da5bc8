"""conf/fail2ban, applied by fail2ban's own reader to the lines of real logins: guesses count, and nothing else does."""

import pathlib
import re
import subprocess
import tarfile
import tempfile

import pytest

import sshd
from application import SERVICE, Application, application, program, service  # noqa: F401  (fixtures)
from locking import FAILURES
from places import HERE

pytestmark = pytest.mark.promised_by("ours")

AUTHPRIV = 10


@pytest.fixture(scope="module")
def fail2ban():
    """The unpacked package, with our files where an administrator copies them."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="fail2ban."))
    with tarfile.open("bin/fail2ban.tar") as archive:
        archive.extractall(place)
    return place


@pytest.fixture
def counted(fail2ban, journal, tmp_path):
    """`counted(LINES)` returns the addresses that fail2ban would count, by the filter as shipped or in another mode."""

    def addresses(lines, form="file", mode="normal"):
        log = tmp_path / "auth.log"
        log.write_text("".join(f"{line}\n" for line in lines))
        command = [
            "/usr/bin/python3", fail2ban / "usr/bin/fail2ban-regex", "--config", fail2ban / "etc/fail2ban", "--usedns", "no",
            "--out", "ip", log, f"pam_otp[mode={mode}, logtype={form}]",
        ]
        environment = {"PYTHONPATH": str(fail2ban / "usr/lib/python3/dist-packages"), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert "ERROR" not in done.stderr + done.stdout, done
        return done.stdout.split()

    return addresses


def as_written(lines, program="sshd"):
    """The lines as syslogd writes them: without the priority, and with the name of the machine."""
    written = []
    for line in lines:
        priority, when, tag, rest = re.fullmatch(r"<(\d+)>(\w{3} [\d ]\d [\d:]{8})? ?([^:\[]+)(.*)", line).groups()
        when = when or "Jan 15 08:00:10"
        if "pam_otp(" in rest or tag == "otp-helper":
            assert int(priority) // 8 == AUTHPRIV, "journalmatch looks for these"
        name = program if tag == "sshd" else tag
        written.append(f"{when} web1 {name}{rest}")
    return written


def logins(account, stranger, ssh):
    """Makes logins of every kind; returns how many are guesses, and how many meet a locked account."""
    code = account.codes.now()
    assert ssh.attempt(account, account.password, code).admitted
    assert ssh.attempt(account, account.password, code).refused  # used
    assert ssh.attempt(account, account.password, "").refused
    assert ssh.attempt(account, account.password, account.password).refused
    assert ssh.attempt(account, "not" + account.password, "").refused
    assert ssh.attempt(stranger, stranger.password, "123456").refused  # has no authenticator
    for _ in range(FAILURES):
        assert ssh.attempt(account, account.password, account.codes.wrong()).refused
    for _ in range(2):
        assert ssh.attempt(account, account.password, account.codes.now()).refused
    return FAILURES, 2


def test_guesses_count_and_nothing_else_does(counted, journal, alice, bobby, ssh):
    """Under both names of sshd (from OpenSSH 9.8 on it has another one), in a file and in the journal."""
    first = len(journal.lines())
    guesses, while_locked = logins(alice, bobby, ssh)
    for name in ("sshd", "sshd-session"):
        lines = as_written(journal.lines(first), name)
        assert any(f" {name}: pam_otp(sshd:auth): otp.lock " in line for line in lines)
        for form in ("file", "journal"):
            assert counted(lines, form) == [sshd.HOST] * guesses
            assert counted(lines, form, "aggressive") == [sshd.HOST] * (guesses + while_locked)


def test_every_service_counts_and_only_numeric_addresses_do(counted, journal, alice, application, service):
    first = len(journal.lines())
    for rhost in (HERE, "2001:db8::1", "::ffff:192.0.2.9", "host.example.org", None):
        application.login(alice, alice.codes.wrong(), rhost=rhost)
    assert counted(as_written(journal.lines(first))) == [HERE, "2001:db8::1", "192.0.2.9"]


def test_guesses_by_a_program_that_is_not_root_count_once(counted, program, journal, alice, service):
    """The helper writes the log entry, with the address that the program claims."""
    first = len(journal.lines())
    with Application(program, alice) as theirs:
        theirs.login(alice, alice.codes.now(), rhost=HERE)
    for _ in range(FAILURES):
        with Application(program, alice) as theirs:
            theirs.login(alice, alice.codes.wrong(), rhost=HERE)
    lines = as_written(journal.lines(first))
    for form in ("file", "journal"):
        assert counted(lines, form) == [HERE] * FAILURES


class Named:
    def __init__(self, name):
        self.name = name


def test_unknown_name_counts_and_cannot_forge_another_address(counted, journal, application, service):
    first = len(journal.lines())
    names = ["nobody1", 'x" service="sshd" rhost="198.51.100.1', "x rhost=198.51.100.1", 'x\\" rhost="198.51.100.1" counted="yes"']
    for name in names:
        application.login(Named(name), "123456", rhost=HERE)
    assert counted(as_written(journal.lines(first))) == [HERE] * len(names)


def test_account_lines_and_other_modules_do_not_count(counted):
    lines = [
        f'Jan 15 08:00:10 web1 sshd[7]: pam_otp(sshd:account): otp.notenrolled user="a" service="sshd" rhost="{HERE}" '
        'phase="account" result="refused" account="unknown"',
        f'Jan 15 08:00:10 web1 sshd[7]: pam_unix(sshd:auth): otp.lock user="a" service="sshd" rhost="{HERE}"',
        f'Jan 15 08:00:10 web1 sshd[7]: Invalid user pam_otp(sshd:auth): otp.lock user="a" service="sshd" rhost="{HERE}" from 1.2.3.4',
        f'Jan 15 08:00:10 web1 sshd[7]: pam_otp(sshd:auth): otp.replay user="a" service="sshd" rhost="{HERE}" message="already-used"',
    ]
    assert counted(lines) == [] and counted(lines, mode="aggressive") == []


def test_users_cannot_have_an_address_banned_by_writing_to_the_journal(fail2ban, counted, program, journal, bobby, service):
    """Users' programs can use the module or logger, and claim any address. Such a line looks the same, but root has not
    written it."""
    first = len(journal.lines())
    with Application(program, bobby) as theirs:
        theirs.login(Named("nosuch"), "123456", rhost="198.51.100.1")
    assert counted(as_written(journal.lines(first))) == ["198.51.100.1"]
    alternatives = matches_of(fail2ban)
    assert alternatives and all("_UID=0" in fields for fields in alternatives), alternatives


def matches_of(fail2ban):
    """The journal fields that fail2ban's own reader asks for, as alternatives: all fields of one must hold."""
    script = (
        "from fail2ban.client.filterreader import FilterReader\n"
        "reader = FilterReader('pam_otp', 'pam_otp', {}, basedir=__import__('sys').argv[1])\n"
        "assert reader.read(), 'cannot be read'\n"
        "reader.getOptions({})\n"
        "print(*(' '.join(line[3:]) for line in reader.convert() if line[2] == 'addjournalmatch'), sep='\\n')\n"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-c", script, fail2ban / "etc/fail2ban"], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(fail2ban / "usr/lib/python3/dist-packages"), "PATH": "/usr/bin:/bin"},
    )
    return [fields.split() for match in done.stdout.splitlines() for fields in match.split(" + ")]


def test_jail_names_the_filter_and_a_backend_that_needs_no_file(fail2ban):
    """By fail2ban's own reader of jails."""
    script = (
        "from fail2ban.client.jailsreader import JailsReader\n"
        "reader = JailsReader(basedir=__import__('sys').argv[1], force_enable=False)\n"
        "assert reader.read() and reader.getOptions('pam_otp'), 'cannot be read'\n"
        "print(*(word for line in reader.convert() for word in map(str, line)), sep='\\n')\n"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-c", script, fail2ban / "etc/fail2ban"], capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(fail2ban / "usr/lib/python3/dist-packages"), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()
    assert "pam_otp" in words and "systemd" in words and "addjournalmatch" in words
    assert "SYSLOG_FACILITY=10" in done.stdout and "otp" in done.stdout
