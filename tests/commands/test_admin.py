"""The commands of otp-admin."""

import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import unicodedata

import pytest
from machine import TARGET


def lock(machine, user, secret):
    wrong = machine.wrong_code(secret)
    for _ in range(5):
        machine.try_code(user, wrong)


# --------------------------------------------------------------------------------------------------------- provision


def test_provision_prints_exactly_the_promised_keys(machine):
    made = machine.provision("daemon", "--name", "robot")
    assert list(made) == ["user", "authenticator", "secret", "uri", "recovery_codes"]
    assert (made["user"], made["authenticator"]) == ("daemon", "robot")
    assert len(made["recovery_codes"]) == 10 and f"secret={made['secret']}&" in made["uri"]
    assert machine.try_code("daemon", machine.code(made["secret"]))[0] == 0
    assert machine.try_code("daemon", made["recovery_codes"][9])[0] == 0


def test_provision_as_text_says_the_same_things(machine):
    text = machine.admin("provision", "daemon").stdout
    key = re.search(r"^key in groups +((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})$", text, re.M)[1].replace(" ", "")
    assert re.search(r"^key to copy +([A-Z2-7]+)$", text, re.M)[1] == key
    assert f"secret={key}" in text and "time-based, 6 digits, 30 s" in text
    assert len(re.findall(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", text)) == 10
    assert machine.try_code("daemon", machine.code(key))[0] == 0


def test_long_key_is_shown_in_lines_of_eight_groups_and_in_one_line_to_copy(machine):
    machine.policy('[code]\nalgorithm = "SHA512"\n')
    rows = machine.admin("provision", "daemon").stdout.splitlines()
    first = next(at for at, row in enumerate(rows) if row.startswith("key in groups "))
    key = re.fullmatch(r"key to copy +([A-Z2-7]{103})", rows[first + 4])[1]
    groups = [row.removeprefix("key in groups").strip() for row in rows[first:first + 4]]
    assert "".join(groups).replace(" ", "") == key and max(map(len, groups)) == 39
    assert machine.try_code("daemon", machine.code(key, 0, "--totp=SHA512"))[0] == 0


def test_provision_refuses_an_enrolled_user_and_force_replaces(machine, enrolled):
    before = machine.files()
    done = machine.admin("provision", "daemon", "--json", status=1)
    assert done.stdout == "" and "--force" in done.stderr and machine.files() == before
    second = machine.provision("daemon", "--force")
    assert machine.try_code("daemon", machine.code(enrolled["secret"]))[0] == 1
    assert machine.try_code("daemon", enrolled["recovery_codes"][0])[0] == 1
    assert machine.try_code("daemon", machine.code(second["secret"]))[0] == 0


def test_provision_issues_no_recovery_codes_where_policy_wants_none(machine):
    machine.policy("[recovery]\ncodes = 0\n")
    assert machine.provision("daemon")["recovery_codes"] == []
    assert "recovery" not in machine.admin("provision", "nobody").stdout


def test_secrets_that_cannot_be_printed_are_an_error(machine):
    with open("/dev/full", "w") as full:
        done = machine.admin("provision", "daemon", "--json", status=2, stdout=full)
    assert "No space left" in done.stderr and "provision daemon --force" in done.stderr
    reader, writer = os.pipe()
    os.close(reader)
    done = machine.admin("provision", "nobody", status=2, stdout=writer)
    os.close(writer)
    assert "Broken pipe" in done.stderr


def test_no_secret_is_printed_if_the_record_cannot_be_written(machine):
    machine.records.chmod(0o777)
    done = machine.admin("provision", "daemon", "--json", status=2)
    assert done.stdout == "" and "mode 0777" in done.stderr


# ------------------------------------------------------------------------------------------------------ list and show


def test_list_names_all_enrolled_users_in_columns(machine, enrolled):
    machine.provision("www-data")
    lines = machine.admin("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["user", "daemon", "www-data"]
    assert lines[1].index("phone") == lines[2].index("phone") == lines[0].index("authenticator")
    assert "2027-01-15 08:00 UTC" in lines[1]


def test_korean_columns_line_up_too(machine, enrolled):
    machine.provision("www-data", "--name", "회사 전화")

    def column_of(line, text):
        return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line[: line.index(text)])

    lines = machine.admin("list", "--lang", "ko").stdout.splitlines()
    date = "2027-01-15"
    assert column_of(lines[1], date) == column_of(lines[2], date) == column_of(lines[0], "등록")


def test_list_can_be_json_or_csv(machine, enrolled):
    listed = json.loads(machine.admin("list", "--json").stdout)
    assert [{**machine.status("daemon"), "last_refusal": None, "problem": None}] == listed
    (row,) = csv.DictReader(machine.admin("list", "--csv").stdout.splitlines())
    assert (row["user"], row["authenticators"], row["locked"]) == ("daemon", "phone", "false")


def test_empty_list_says_so(machine):
    assert machine.admin("list").stdout == "nobody is enrolled\n"
    assert json.loads(machine.admin("list", "--json").stdout) == []


def test_reader_that_closes_early_is_no_error(machine, enrolled):
    reader, writer = os.pipe()
    os.close(reader)
    done = machine.admin("list", status=0, stdout=writer)
    os.close(writer)
    assert done.stderr == ""


def test_show_prints_everything_but_secrets(machine, enrolled):
    machine.try_code("daemon", machine.wrong_code(enrolled["secret"]))
    text = machine.admin("show", "daemon").stdout
    assert "phone, enrolled 2027-01-15 08:00 UTC, never used" in text and "10 of 10 left" in text
    assert "1 in a row; 4 more would lock" in text and "2027-01-15 08:00 UTC: the code was wrong (wrong-code)" in text
    assert enrolled["secret"] not in text.replace(" ", "")
    assert not any(code in text for code in enrolled["recovery_codes"])


def test_show_says_until_when_and_why_an_account_is_locked(machine, enrolled):
    lock(machine, "daemon", enrolled["secret"])
    machine.now += 300
    text = machine.admin("show", "daemon").stdout
    assert "locked until 2027-01-15 08:16 UTC (10 minutes from now) after too many wrong codes" in text
    # During a lock, the number of failures left before one has no meaning.
    assert "5 in a row\n" in text


def test_show_says_that_a_user_has_no_authenticator(machine):
    assert machine.admin("show", "nobody").stdout == "nobody has no authenticator\n"


# --------------------------------------------------------------------------------------------------- unlock and reset


def test_unlock_lifts_the_lock_and_says_so(machine, enrolled):
    lock(machine, "daemon", enrolled["secret"])
    said = machine.admin("unlock", "daemon").stdout
    assert "no longer locked (it was until 2027-01-15 08:16 UTC); failures in a row forgotten: 5" in said
    assert machine.try_code("daemon", machine.code(enrolled["secret"]))[0] == 0


def test_unlock_without_a_lock_says_so_and_succeeds(machine, enrolled):
    before = machine.files()
    assert machine.admin("unlock", "daemon").stdout == "daemon was not locked\n"
    assert machine.files() == before


def test_unlock_forgets_failures_that_have_not_locked_yet(machine, enrolled):
    machine.try_code("daemon", machine.wrong_code(enrolled["secret"]))
    assert "failures in a row forgotten: 1" in machine.admin("unlock", "daemon").stdout
    assert machine.status("daemon")["failures"] == 0


def test_unlock_does_not_make_a_used_code_usable(machine, enrolled):
    code = machine.code(enrolled["secret"])
    assert machine.try_code("daemon", code)[0] == 0
    machine.admin("unlock", "daemon")
    status, screen = machine.try_code("daemon", code)
    assert status == 1 and "already used" in screen


def test_unlock_of_a_user_without_an_authenticator_is_refused(machine):
    assert "nobody has no authenticator" in machine.admin("unlock", "nobody", status=1).stderr


def test_reset_removes_everything_and_may_be_repeated(machine, enrolled):
    assert "removed" in machine.admin("reset", "daemon").stdout
    assert [path.name for path in machine.records.iterdir()] == [".enrolled"]
    assert "nothing was kept" in machine.admin("reset", "daemon").stdout
    assert machine.status("daemon")["enrolled"] is False


# ---------------------------------------------------------------------------------------------------------- failures


def damage_state(directory):
    (directory / "state").write_bytes(b"\0" * 4096)


def remove_state(directory):
    (directory / "state").unlink()


def empty_credential(directory):
    (directory / "credential.toml").write_text("")


def garble_credential(directory):
    path = directory / "credential.toml"
    path.write_text(path.read_text().replace("secret =", "secrets ="))


def open_to_everybody(directory):
    (directory / "credential.toml").chmod(0o666)


@pytest.mark.parametrize("damage", [damage_state, remove_state, empty_credential, garble_credential, open_to_everybody],
                         ids=lambda damage: damage.__name__)
def test_damaged_record_is_explained_everywhere_and_reset_removes_it(machine, enrolled, damage):
    directory = machine.records / "daemon"
    damage(directory)
    for program, arguments in [
        ("otp-admin", ["show", "daemon"]), ("otp-admin", ["unlock", "daemon"]), ("otp-admin", ["provision", "daemon"]),
        ("otp-enroll", ["--user", "daemon", "status"]),
    ]:
        done = machine.run(program, *arguments, status=2)
        assert str(directory) in done.stderr and enrolled["secret"] not in done.stderr and done.stdout == ""
    listed = json.loads(machine.admin("list", "--json").stdout)
    assert listed[0]["user"] == "daemon" and listed[0]["enrolled"] is None and str(directory) in listed[0]["problem"]
    assert "problem" in machine.admin("list").stdout
    machine.admin("reset", "daemon")
    assert not directory.exists()


def test_force_replaces_a_damaged_record(machine, enrolled):
    damage_state(machine.records / "daemon")
    made = machine.provision("daemon", "--force")
    assert machine.try_code("daemon", machine.code(made["secret"]))[0] == 0


def test_hint_names_the_user(machine, enrolled):
    remove_state(machine.records / "daemon")
    assert "otp-admin reset daemon" in machine.admin("show", "daemon", status=2).stderr


@pytest.mark.parametrize("command", ["show", "unlock", "provision"])
def test_unknown_user_is_refused(machine, command):
    for name in ("no-such-user", "../daemon", "", "a\x1bb"):
        done = machine.admin(command, name, status=1)
        assert "no user is called" in done.stderr


def test_record_of_a_removed_user_is_listed_and_can_be_removed(machine, enrolled):
    gone = machine.records / "left-last-year"
    (machine.records / "daemon").rename(gone)
    assert "no longer a user" in machine.admin("show", "left-last-year", status=1).stderr
    assert "otp-admin reset left-last-year" in machine.admin("list").stdout
    machine.admin("reset", "left-last-year")
    assert not gone.exists()


def test_missing_records_are_not_taken_for_an_empty_store(machine):
    machine.records.rmdir()
    for arguments in (["list"], ["show", "daemon"], ["unlock", "daemon"], ["reset", "daemon"], ["provision", "daemon"]):
        done = machine.admin(*arguments, status=2)
        assert done.stdout == "" and "missing" in done.stderr
    assert not machine.records.exists()


def test_first_enrolment_alone_creates_the_default_directory_for_root_alone(machine):
    script = """
        mount -t tmpfs -o mode=755 tmpfs /var/lib && mount -t tmpfs -o mode=755 tmpfs /etc/security && cd /
        "$@" list && echo listed
        "$@" provision daemon --json > /dev/null && stat -c "%A %U %F" /var/lib/pam_otp && "$@" show daemon | head -1
        rm -r /var/lib/pam_otp && ln -s /var/lib/elsewhere /var/lib/pam_otp
        "$@" provision daemon || ls /var/lib
    """
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", TARGET / "otp-admin", "--conf", machine.conf],
        capture_output=True, text=True, env=machine.environment(),
    )
    assert done.stdout.splitlines() == ["drwx------ root directory", "user            daemon", "pam_otp"]
    assert done.stderr.count("is missing") == 2


def test_policy_that_cannot_be_read_stops_every_command(machine):
    machine.policy("nonsense = 1\n")
    assert "pam_otp.conf, line 1" in machine.admin("list", status=2).stderr


@pytest.fixture
def for_everybody():
    """The binaries in a directory where any user can run them."""
    directory = pathlib.Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    directory.chmod(0o755)
    for program in ("otp-admin", "otp-enroll"):
        shutil.copy(TARGET / program, directory)
    yield directory
    shutil.rmtree(directory)


@pytest.mark.parametrize(
    "words",
    [["otp-admin", "list"], ["otp-admin", "reset", "daemon"], ["otp-admin", "policy", "check"],
     ["otp-admin", "policy", "show", "daemon"]],
    ids=" ".join,
)
def test_users_other_than_root_are_refused_and_told_what_to_do(for_everybody, words):
    program, *arguments = words
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", for_everybody / program, *arguments],
        capture_output=True, text=True, env={"LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 1 and done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first == f"{program}: only root may do this" and second.startswith("hint: ") and "sudo" in second


def test_refusal_is_in_korean_too(for_everybody):
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", for_everybody / "otp-admin", "--lang", "ko", "list"],
        capture_output=True, text=True,
    )
    assert done.returncode == 1 and "이 작업은 root만 할 수 있습니다" in done.stderr


@pytest.mark.parametrize("arguments", [["--lang", "ko"], ["--lang=ko"], []])
def test_help_and_wrong_calls_are_in_korean_where_the_language_is(machine, arguments):
    machine.policy('language = "ko"\n')
    for words, status, said in [
        (["--help"], 0, "사용법: otp-admin "),
        (["help", "policy", "show"], 0, "사용법: otp-admin policy show "),
        (["lst"], 2, "오류: 'lst' 명령이 없습니다.\n비슷한 이름: list\n"),
        (["show"], 2, "오류: 필요한 인자가 없습니다: <USER>\n"),
    ]:
        line = machine.words("otp-admin", *arguments, *words)
        done = subprocess.run(line, capture_output=True, text=True, env=machine.environment())
        shown, other = (done.stdout, done.stderr) if status == 0 else (done.stderr, done.stdout)
        assert done.returncode == status and said in shown and other == "", done


def test_states_are_in_korean_but_not_for_programs(machine, enrolled):
    assert machine.admin("list", "--lang", "ko").stdout.splitlines()[1].split()[-1] == "정상"
    assert "open" in machine.admin("list").stdout
    csv, same = (machine.admin("list", "--csv", "--lang", language).stdout for language in ("ko", "en"))
    assert csv == same


def test_help_and_version_are_open_to_every_user(for_everybody):
    for program in ("otp-admin", "otp-enroll"):
        for option in ("--help", "--version"):
            done = subprocess.run(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", for_everybody / program, option],
                capture_output=True, text=True,
            )
            assert done.returncode == 0 and program in done.stdout
