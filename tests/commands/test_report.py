"""otp-admin report, and the parts of it that list shares."""

import csv
import fcntl
import io
import json
import os
import re
import subprocess
import time

import pexpect
import pytest
from machine import ROOT, START
from users import Users

LOGINS = {
    "be asked for a code": "asked", "be refused: locked until": "locked", "be refused: disabled": "locked",
    "be refused: no authenticator": "refused", "be let in without a code until": "let-in-until",
    "be let in without a code (": "let-in", "be offered to set up": "offered", "set up an authenticator": "sets-up",
}


@pytest.fixture
def users(machine):
    return Users(machine)


@pytest.fixture
def staff(users):
    """Four people, two of them in wheel, of whom alice has an authenticator."""
    users.add("alice", "bobby", "carol", "david")
    users.group("wheel", 2001, "alice", "bobby")
    users.group("kiosk", 2002, "carol")
    users.admin("provision", "alice", "--json")
    return users


def rows(users, *arguments, **options):
    """Runs a report; returns its users by name, and the whole report."""
    report = json.loads(users.admin("report", "--json", *arguments, **options).stdout)
    names = [row["user"] for row in report["users"]]
    assert len(names) == len(set(names))
    return {row["user"]: row for row in report["users"]}, report


# --------------------------------------------------------------------------------------------------- demands and rules


def test_report_says_who_must_and_who_has_an_authenticator_and_by_which_rule(staff, machine):
    machine.policy('[enforce]\ngroups = ["wheel", "kiosk", "20999"]\nexempt_groups = ["kiosk"]\nexempt_users = ["david"]\n')
    found, report = rows(staff)
    assert list(found) == ["alice", "bobby", "carol", "david", "root"]
    told = {name: (row["must"], row["rule"], row["rule_group"], row["groups"], row["enrolled"]) for name, row in found.items()}
    assert told == {
        "alice": ("now", "group", "wheel", ["wheel"], True), "bobby": ("now", "group", "wheel", ["wheel"], False),
        "carol": ("no", "exempt-group", "kiosk", ["kiosk"], False), "david": ("no", "exempt-user", None, [], False),
        # A group that cannot be looked up counts as containing everybody.
        "root": ("now", "unknown-group", "20999", [], False),
    }
    (device,) = found["alice"]["authenticators"]
    assert device == {"name": "phone", "type": "totp", "created": START, "last_used": None}
    assert found["alice"]["recovery_codes_left"] == 10 and found["bobby"]["recovery_codes_left"] is None
    assert [found[name]["login"] for name in found] == ["asked", "refused", "let-in", "let-in", "refused"]
    summary = report["summary"]
    assert (summary["users"], summary["enrolled"], summary["missing"], summary["problems"]) == (5, 1, 2, 0)
    by_group = {one.pop("group"): one for one in summary["by_group"]}
    assert by_group["wheel"] == {"users": 2, "enrolled": 1, "missing": 1}
    assert {one["rule"]: one["users"] for one in summary["by_rule"]} == {
        "group": 2, "exempt-group": 1, "exempt-user": 1, "unknown-group": 1
    }
    assert report["complete"] and "20999" in report["notes"][0] and report["time"] == START


def test_text_has_columns_and_a_summary(staff, machine):
    done = staff.admin("report")
    table, totals, by_rule = done.stdout.split("\n\n")
    lines = table.splitlines()
    assert [line.split()[0] for line in lines] == ["user", "alice", "bobby", "carol", "david", "root"]
    assert lines[1].index("phone") == lines[0].index("authenticators") and "everybody" in lines[2]
    assert "5 users, 1 of them with an authenticator" in totals and "4 must have one now" in totals
    assert by_rule.splitlines()[1].split() == ["everybody", "5", "1", "4", "4"]
    assert done.stderr == ""
    korean = staff.admin("report", "--lang", "ko").stdout
    assert "사용자 5명" in korean and "everybody" in korean


def test_grace_and_deadline_are_reported(staff, machine):
    machine.policy('[enforce]\nfrom = "2027-02-01"\n')
    found, report = rows(staff)
    assert (found["bobby"]["must"], found["bobby"]["login"]) == ("later", "let-in-until")
    assert found["bobby"]["must_from"] == 1_801_440_000 and found["alice"]["must"] == "later"
    assert report["summary"]["missing_later"] == 4 and report["summary"]["missing"] == 0
    assert "2027-02-01 00:00 UTC" in staff.admin("report").stdout
    machine.policy('[enforce]\ngrace = "2d"\n')
    directory = machine.records / "bobby"
    directory.mkdir(mode=0o700)
    directory.chmod(0o2770)
    found, _ = rows(staff)
    assert found["bobby"]["grace_began"] is None and found["bobby"]["must_from"] == START + 2 * 86400
    began = START - 86400
    path = directory / "first-login"
    path.write_text(f"version = 1\nuid = 1002\nfirst_login = {began}\n")
    path.chmod(0o640)
    found, _ = rows(staff)
    assert (found["bobby"]["grace_began"], found["bobby"]["must_from"]) == (began, began + 2 * 86400)
    path.write_text(f"version = 1\nuid = 1002\nfirst_login = {began - 86400}\n")
    assert rows(staff)[0]["bobby"]["must"] == "now"


def test_service_with_rules_of_its_own_is_reported_by_them(staff, machine):
    machine.policy('[service.sudo]\nexempt_groups = ["wheel"]\n')
    assert rows(staff)[0]["bobby"]["login"] == "refused"
    assert rows(staff, "--service", "sudo")[0]["bobby"]["login"] == "let-in"


POLICIES = [
    "", '[enforce]\ngroups = []\n', '[enforce]\ngroups = ["wheel"]\n', '[enforce]\ngroups = ["2001"]\nfrom = "2027-02-01"\n',
    '[enforce]\nexempt_groups = ["wheel"]\n[enroll]\nat_login = "offer"\n', '[enroll]\nat_login = "require"\n',
    '[enforce]\ngrace = "14d"\n[enroll]\nat_login = "offer"\n', '[enforce]\ngroups = ["gone"]\nexempt_groups = ["1003"]\n',
    '[service.sudo]\nexempt_groups = ["wheel"]\n',
]


@pytest.mark.parametrize("policy", POLICIES)
def test_report_says_the_same_of_every_user_as_policy_show(staff, machine, policy):
    """tests/behaviour/policies/test_foretold.py compares that with real logins."""
    machine.policy(policy)
    for service in ([], ["--service", "sudo"]):
        found, _ = rows(staff, *service)
        for name, row in found.items():
            sentence = staff.admin("policy", "show", name, *service).stdout.splitlines()[0].removeprefix(f"{name} would ")
            (login,) = [word for beginning, word in LOGINS.items() if sentence.startswith(beginning)]
            assert row["login"] == login, (name, sentence)


def test_locked_accounts_and_the_last_refusal_are_reported(staff, machine):
    alice = json.loads(staff.admin("provision", "alice", "--json", "--force").stdout)
    wrong = machine.wrong_code(alice["secret"])
    for _ in range(5):
        child = pexpect.spawn(*(lambda words: (words[0], words[1:]))(
            staff.words(*machine.words("otp-enroll", "--user", "alice", "test"))),
            env=machine.environment(), encoding="utf-8", timeout=30)
        child.expect("code: ")
        child.sendline(wrong)
        child.expect(pexpect.EOF)
        child.wait()
        child.close()
    found, report = rows(staff)
    assert found["alice"]["locked"] and found["alice"]["locked_until"] == START + 900 and found["alice"]["login"] == "locked"
    assert found["alice"]["last_refusal"] == {"time": START, "id": "wrong-code"}
    assert report["summary"]["locked"] == 1
    (listed,) = json.loads(staff.admin("list", "--json").stdout)
    assert listed["last_refusal"] == {"time": START, "id": "wrong-code"}
    (row,) = csv.DictReader(staff.admin("list", "--csv").stdout.splitlines())
    assert (row["last_refusal"], row["last_refusal_time"]) == ("wrong-code", "2027-01-15 08:00:10")
    assert "2027-01-15 08:00 UTC wrong-code" in staff.admin("list").stdout
    assert "locked until 2027-01-15 08:16 UTC" in staff.admin("report").stdout
    assert list(rows(staff, "--only", "locked")[0]) == ["alice"]


# -------------------------------------------------------------------------------------------------------- choosing users


def test_system_accounts_are_left_out_unless_asked_for_or_enrolled(users):
    users.add("alice")
    assert list(rows(users)[0]) == ["alice", "root"]
    everybody = rows(users, "--system")[0]
    assert set(everybody) == {"alice", "root", "daemon", "messagebus", "dynamic", "nobody"}
    assert everybody["daemon"]["login_shell"] is False and everybody["alice"]["login_shell"] is True
    users.admin("provision", "daemon", "--json")
    assert list(rows(users)[0]) == ["alice", "daemon", "root"]
    users.defaults = "UID_MIN 2000\n"
    assert list(rows(users)[0]) == ["daemon", "root"]


def test_members_of_a_group_can_be_chosen(staff):
    assert list(rows(staff, "--group", "wheel")[0]) == ["alice", "bobby"]
    assert list(rows(staff, "--group", "wheel", "--only", "unenrolled")[0]) == ["bobby"]
    assert list(rows(staff, "--group", "wheel", "--group", "2002")[0]) == ["alice", "bobby", "carol"]
    # A primary group, and the primary group of a system account.
    staff.group("david", 1004)
    assert list(rows(staff, "--group", "david")[0]) == list(rows(staff, "--group", "1004")[0]) == ["david"]
    assert list(rows(staff, "--group", "nogroup")[0]) == ["nobody"]
    done = staff.admin("report", "--group", "whel", status=1)
    assert done.stdout == "" and done.stderr.splitlines()[1].startswith("hint: ") and "'whel'" in done.stderr


def test_rows_are_chosen_and_the_summary_counts_all_users(staff, machine):
    machine.policy('[enforce]\ngroups = ["wheel"]\n')
    for only, names in (("missing", ["bobby"]), ("unenrolled", ["bobby", "carol", "david", "root"]), ("locked", []), ("problem", [])):
        found, report = rows(staff, "--only", only)
        assert list(found) == names and report["summary"]["users"] == 5
    assert staff.admin("report", "--only", "locked").stdout.startswith("there is nobody to report\n")


def test_names_can_come_from_a_file(staff, tmp_path):
    names = tmp_path / "names"
    names.write_bytes(
        b"bobby\nalice\r\n\nalice\nmallory\n../../etc\n\x1b]0;x\x07\n=cmd\n\xff\xfe\n" + b"x" * 5000 + b"\ndavid"
    )
    found, report = rows(staff, "--users", names)
    assert [name for name, row in found.items() if row["problem"] is None] == ["alice", "bobby", "david"]
    assert "no user is called 'mallory'" in found["mallory"]["problem"] and found["mallory"]["enrolled"] is None
    assert "cannot be a user's name" in found["../../etc"]["problem"] and len(found) == 9
    assert report["summary"]["users"] == 3 and report["summary"]["problems"] == 6 and report["complete"]
    text = staff.admin("report", "--users", names, "--csv").stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    by_name = {row["user"]: row for row in csv.DictReader(io.StringIO(text))}
    assert by_name["'=cmd"]["problem"] and by_name["alice"]["types"] == "totp"
    done = staff.admin("report", "--users", "-", "--json", input="carol\n")
    assert [row["user"] for row in json.loads(done.stdout)["users"]] == ["carol"]


def test_file_without_names_is_refused(staff, tmp_path):
    names = tmp_path / "names"
    for content in (b"a/b\n" * 1001, bytes(range(256)) * 5000):
        names.write_bytes(content)
        assert "cannot be a user's name" in staff.admin("report", "--users", names, status=2).stderr
    assert "cannot read" in staff.admin("report", "--users", tmp_path / "gone", status=2).stderr


def test_orphaned_and_unreadable_records_are_reported(staff, machine):
    staff.admin("provision", "carol", "--json")
    staff.admin("provision", "david", "--json")
    staff.people = [line for line in staff.people if not line.startswith("carol:")]
    staff.people.append("ally:x:1002:1002::/:/bin/sh")
    (machine.records / "david/state").write_bytes(b"")
    (machine.records / "alice").rename(machine.records / "ally")
    found, report = rows(staff)
    assert set(found) == {"ally", "alice", "bobby", "carol", "david", "root"}
    assert "otp-admin reset carol" in found["carol"]["problem"] and found["carol"]["must"] is None
    assert "state" in found["david"]["problem"]
    assert (found["david"]["must"], found["david"]["enrolled"], found["david"]["login"]) == ("now", None, None)
    assert "otp-admin move ally bobby" in found["ally"]["problem"] and found["bobby"]["problem"] is None
    assert report["summary"]["problems"] == 3 and report["summary"]["users"] == 4
    assert set(rows(staff, "--only", "problem")[0]) == {"ally", "carol", "david"}
    listed = {row["user"]: row["problem"] for row in json.loads(staff.admin("list", "--json").stdout)}
    assert listed == {name: found[name]["problem"] for name in ("ally", "carol", "david")}


# --------------------------------------------------------------------------------- name services that do not list all users


def test_name_service_that_lists_no_users_is_reported(users, machine):
    users.add("alice")
    users.add_quiet("erika", "frank", "gerda", "henry", groups=["wheel:x:3001:erika,frank"])
    users.group("team", 2005, "gerda", "nobody-at-all")
    machine.policy('[enforce]\ngroups = ["wheel", "team"]\n')
    users.admin("provision", "frank", "--json")
    done = users.admin("report", "--json")
    found = {row["user"]: row for row in json.loads(done.stdout)["users"]}
    # Frank has a record, and the group file names gerda; erika and henry are named nowhere.
    assert list(found) == ["alice", "frank", "gerda", "root"]
    assert (found["frank"]["rule_group"], found["gerda"]["rule_group"], found["alice"]["must"]) == ("wheel", "team", "no")
    report = json.loads(done.stdout)
    assert not report["complete"] and "'quiet' lists no users" in report["notes"][0]
    done = users.admin("report")
    assert done.stderr.startswith("otp-admin: some users may be missing here: ") and "some users may be missing here" in done.stdout
    # Only a look-up of erika tells which group contains her.
    found, report = rows(users, "--users", "-", input="erika\nhenry\nalice\n")
    assert report["complete"] and report["notes"] == []
    assert [(row["rule"], row["rule_group"]) for row in found.values()] == [
        ("not-demanded", None), ("group", "wheel"), ("not-demanded", None)
    ]
    assert list(rows(users, "--users", "-", "--group", "wheel", input="erika\nhenry\nalice\n")[0]) == ["erika"]
    for name in ("erika", "henry"):
        verdict = users.admin("policy", "show", name).stdout
        assert ("be refused" in verdict) == (name == "erika")
    assert [row["user"] for row in json.loads(users.admin("list", "--json").stdout)] == ["frank"]


def test_name_service_before_the_files_is_asked_first(users):
    users.add("alice", first=1001)
    users.add_quiet("alice", "erika", first=5001)
    users.services = {"passwd": "quiet files", "group": "quiet files"}
    assert rows(users)[0]["alice"]["uid"] == 5001
    users.services = {"passwd": "files quiet", "group": "files quiet"}
    assert rows(users)[0]["alice"]["uid"] == 1001


@pytest.mark.parametrize("command", ["list", "report"])
def test_failure_in_the_middle_leaves_well_formed_output(users, machine, command):
    users.add_quiet("erika", "unreachable", "zelda")
    users.admin("provision", "erika", "--json")
    for name in ("unreachable", "zelda"):
        (machine.records / name).mkdir(mode=0o700)
    done = users.admin(command, "--json", status=2)
    assert "the name service did not answer" in done.stderr.splitlines()[-2]
    found = json.loads(done.stdout)
    if command == "report":
        assert found["summary"] is None and not found["complete"]
        found = found["users"]
    assert "erika" in [row["user"] for row in found] and "zelda" not in [row["user"] for row in found]
    text = users.admin(command, "--csv", status=2).stdout
    assert text.endswith("\n") and "erika" in text


# ------------------------------------------------------------------------------------------------- many users, and locks


def copies(machine, names, first=1001):
    """Copies the first user's record to these users."""
    model = machine.records / "alice"
    credential, state = (model / "credential.toml").read_bytes(), (model / "state").read_bytes()
    for number, name in enumerate(names, first):
        own = machine.records / name
        own.mkdir(mode=0o700)
        own.chmod(0o2770)
        theirs = credential.replace(b'"alice"', f'"{name}"'.encode()).replace(b"uid = 1001", f"uid = {number}".encode())
        for path, content, mode in (("credential.toml", theirs, 0o640), ("state", state, 0o660)):
            (own / path).write_bytes(content)
            (own / path).chmod(mode)


def test_thousands_of_users_come_in_order(staff, machine):
    names = [f"user{number:05}" for number in range(3000)]
    staff.add(*names, first=10_000)
    copies(machine, names[::2] + [], first=10_000)
    for name in names[::2]:
        path = machine.records / name / "credential.toml"
        path.write_bytes(re.sub(rb"(?m)^uid = \d+", b"uid = %d" % (10_000 + int(name[4:])), path.read_bytes()))
    found, report = rows(staff)
    assert list(found) == sorted(found) and len(found) == 3005
    assert all(found[name]["enrolled"] is (int(name[4:]) % 2 == 0) and found[name]["problem"] is None for name in names)
    assert report["summary"]["enrolled"] == 1501
    listed = [row["user"] for row in json.loads(staff.admin("list", "--json").stdout)]
    assert listed == ["alice", *names[::2]]
    lines = staff.admin("list").stdout.splitlines()
    assert len(lines) == 1502 and len({line.index("2027-01-15") for line in lines[1:]}) == 1
    assert len(list(csv.DictReader(staff.admin("report", "--csv").stdout.splitlines()))) == 3005


def test_held_records_delay_nobody(staff, machine):
    """Users can hold their own records, and many of them may do so."""
    names = [f"user{number:05}" for number in range(200)]
    staff.add(*names, first=1100)
    copies(machine, names, first=1100)
    before = {name: row["problem"] for name, row in rows(staff)[0].items()}
    assert set(before.values()) == {None}
    held = [os.open(machine.records / name, os.O_RDONLY) for name in ["alice", *names]]
    for descriptor in held:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    # An old refusal is over, which can be seen without a lock.
    assert {row["problem"] for row in rows(staff)[0].values()} == {None}
    for name in ["alice", *names]:
        (machine.records / name / "state").rename(machine.records / name / "aside")
    began = time.monotonic()
    problems = {name: row["problem"] for name, row in rows(staff)[0].items()}
    took = time.monotonic() - began
    assert all("another program holds the record" in problems[name] for name in ["alice", *names])
    # Without a common limit this would take at least 201 times 50 ms; the bound does not measure the machine.
    assert took < 60
    for descriptor in held:
        os.close(descriptor)
    for name in ["alice", *names]:
        (machine.records / name / "aside").rename(machine.records / name / "state")
    assert {row["problem"] for row in rows(staff)[0].values()} == {None}


def test_held_record_with_a_recent_refusal_is_reported_with_a_problem(staff, machine):
    alice = json.loads(staff.admin("provision", "alice", "--json", "--force").stdout)
    words = staff.words(*machine.words("otp-enroll", "--user", "alice", "test"))
    child = pexpect.spawn(words[0], words[1:], env=machine.environment(), encoding="utf-8", timeout=30)
    child.expect("code: ")
    child.sendline(machine.wrong_code(alice["secret"]))
    child.expect(pexpect.EOF)
    held = os.open(machine.records / "alice", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    for command in ("list", "report"):
        found = json.loads(staff.admin(command, "--json").stdout)
        (row,) = [row for row in (found if command == "list" else found["users"]) if row["user"] == "alice"]
        assert row["enrolled"] and row["failures"] == 1 and "another program holds the record" in row["problem"]
    machine.now += 120
    assert rows(staff)[0]["alice"]["problem"] is None
    os.close(held)


def test_progress_is_shown_at_a_terminal(staff, machine, tmp_path):
    staff.add(*(f"user{number:05}" for number in range(3000)), first=10_000)
    # A clock on which everything takes long.
    slow = {"FAKETIME": "@2027-01-15 08:00:10 x20000", "FAKETIME_DONT_FAKE_MONOTONIC": "0"}
    words = staff.words(*machine.words("otp-admin", "report", "--csv"))

    def shown(output):
        ours, theirs = os.openpty()
        with output.open("wb") as file:
            subprocess.run(words, stdin=subprocess.DEVNULL, stdout=file, stderr=theirs, env=machine.environment(**slow), check=True)
        os.close(theirs)
        text = b""
        while chunk := read(ours):
            text += chunk
        os.close(ours)
        return text.decode()

    text = shown(tmp_path / "out")
    assert re.search(r"\r\d+ of 3005\x1b\[K", text) and text.endswith("\r\x1b[K")
    assert (tmp_path / "out").read_text().count("\n") == 3006
    # No progress is shown on a pipe.
    done = subprocess.run(words, capture_output=True, text=True, env=machine.environment(**slow), check=True)
    assert done.stderr == ""


def read(descriptor):
    """Reads what is there; a terminal without a program reports the end as an error."""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""


def test_reader_that_closes_early_is_no_error(staff):
    reader, writer = os.pipe()
    os.close(reader)
    assert staff.admin("report", status=0, stdout=writer).stderr == ""
    os.close(writer)


def test_report_writes_nothing_and_shows_no_secret(staff, machine):
    alice = json.loads(staff.admin("provision", "alice", "--json", "--force").stdout)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in machine.records.rglob("*") if path.is_file()}
    text = "".join(staff.admin("report", *form).stdout for form in ([], ["--json"], ["--csv"]))
    assert alice["secret"] not in text and not any(code in text for code in alice["recovery_codes"])
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in machine.records.rglob("*") if path.is_file()}


# -------------------------------------------------------------------------------------------------------------- formats


def keys_in_manual(section):
    """The bold words in the section of otp-admin(8) about output for programs."""
    text = (ROOT / "packaging/man/otp-admin.8").read_text().replace("\\-", "-")
    (body,) = re.findall(rf"(?ms)^\.SS {section}\n(.*?)^\.S[SH] ", text)
    words = re.findall(r"(?m)^\.BR? (\w+)", body) + re.findall(r"\\fB(\w+)\\fR", body)
    return set(words)


def keys_of(value):
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


def test_manual_has_exactly_the_keys_of_the_report(staff, machine):
    machine.policy('[enforce]\ngroups = ["wheel"]\n')
    child_of = json.loads(staff.admin("report", "--json").stdout)
    told = keys_of(child_of) | {"time", "id"}
    of_list = keys_of(json.loads(staff.admin("list", "--json").stdout)) | {"time", "id"}
    in_list, in_report = keys_in_manual("list --json"), keys_in_manual("report --json")
    assert of_list <= in_list and in_list <= of_list | {"null", "otp"}
    assert told <= in_list | in_report and in_report <= told | {"null", "list", "false"}


def test_report_is_one_object_list_is_one_array_and_csv_has_headers_whatever_is_found(users):
    users.people = []
    users.services = {"passwd": "files", "group": "files"}
    report = json.loads(users.admin("report", "--json").stdout)
    assert report["users"] == [] and report["summary"]["users"] == 0
    assert users.admin("report", "--csv").stdout.count("\n") == 1
    assert users.admin("list", "--csv").stdout.count("\n") == 1
    assert json.loads(users.admin("list", "--json").stdout) == []
