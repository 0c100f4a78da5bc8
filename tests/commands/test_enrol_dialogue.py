"""The dialogue of otp-enroll, from its first line to the answer at a login."""

import os
import re
import stat
import subprocess

import pytest
import scan
from talk import CODE, KEPT, SAVE, Talk, enrol


def test_code_of_the_enrolled_authenticator_is_accepted_afterwards(machine):
    secret, _ = enrol(machine)
    machine.now += 30
    status, screen = machine.try_code("daemon", machine.code(secret))
    assert status == 0 and "would have succeeded" in screen


def test_code_that_proved_the_authenticator_opens_no_login(machine):
    secret, _ = enrol(machine)
    status, screen = machine.try_code("daemon", machine.code(secret))
    assert status == 1 and "already used" in screen


def test_recovery_code_that_was_shown_works_once(machine):
    _, codes = enrol(machine)
    assert len(codes) == 10 and len(set(codes)) == 10
    assert machine.try_code("daemon", codes[3])[0] == 0
    assert machine.try_code("daemon", codes[3])[0] == 1
    assert machine.status("daemon")["recovery_codes_left"] == 9


def test_record_is_owned_by_root_and_has_the_chosen_values(machine):
    enrol(machine, "--name", "회사 전화")
    status = machine.status("daemon")
    assert status["authenticators"] == [{"name": "회사 전화", "created": machine.now, "last_used": machine.now}]
    credential = machine.records / "daemon/credential.toml"
    assert stat.S_IMODE(credential.stat().st_mode) == 0o640 and credential.stat().st_uid == 0


def test_key_in_groups_is_the_key_of_the_uri_and_the_settings_are_spelled_out(machine):
    talk = Talk(machine)
    secret = talk.secret()
    grouped = re.search(r"Key to type \(leave out spaces\): ((?:[A-Z2-7]{4} ?)+)\r\n", talk.screen)[1]
    assert grouped.replace(" ", "") == secret and len(secret) == 32
    assert re.search(r"Key to copy: (\w+)\r\n", talk.screen)[1] == secret
    assert "time-based, 6 digits, 30 s, SHA-1" in talk.screen


def test_long_key_is_shown_in_lines_of_groups_and_in_one_line_to_copy(machine):
    machine.policy('[code]\nalgorithm = "SHA256"\n')
    talk = Talk(machine)
    secret = talk.secret()
    grouped = re.search(r"Key to type \(leave out spaces\):\r\n((?: {4}[A-Z2-7 ]+\r\n)+)", talk.screen)[1].splitlines()
    assert [len(line) for line in grouped] == [4 + 39, 4 + 24] and "".join(grouped).replace(" ", "") == secret
    assert re.search(r"Key to copy: (\w+)\r\n", talk.screen)[1] == secret and len(secret) == 52
    talk.answer(machine.code(secret, 0, "--totp=SHA256"))
    talk.keep()
    assert talk.end() == 0


def test_policys_settings_for_codes_reach_screen_uri_and_authenticator(machine):
    machine.policy('issuer = "Example & Co"\n[code]\nalgorithm = "SHA256"\ndigits = 8\nperiod = 60\n')
    talk = Talk(machine)
    secret = talk.secret()
    assert "time-based, 8 digits, 60 s, SHA-256" in talk.screen
    assert talk.uri.startswith("otpauth://totp/Example%20%26%20Co:daemon?")
    assert talk.uri.endswith("&issuer=Example%20%26%20Co&algorithm=SHA256&digits=8&period=60")
    talk.answer(machine.code(secret, 0, "--totp=SHA256", "--digits=8", "--time-step-size=60s"))
    talk.keep()
    assert talk.end() == 0


def test_issuer_is_the_short_name_of_the_host_unless_policy_names_one(machine):
    talk = Talk(machine)
    talk.secret()
    host = os.uname().nodename.split(".")[0]
    assert f"/{host}:daemon?" in talk.uri and talk.uri.endswith(f"&issuer={host}")


@pytest.mark.parametrize(
    "offset, said",
    [
        (-180, "right 3 minutes ago: the clock of the device is slow"),
        (+90, "right in 1 minute 30 seconds: the clock of the device is fast"),
        (-3600, "right 1 hour ago: the clock of the device is slow"),
    ],
)
def test_code_of_a_clock_that_is_off_is_answered_with_how_far_and_which_way(machine, offset, said):
    talk = Talk(machine)
    secret = talk.secret()
    talk.answer(machine.code(secret, offset))
    assert said in talk.until(CODE)
    assert machine.files().keys() == {"pam_otp.conf", "records"}


def test_code_that_matches_nothing_is_told_from_no_code_at_all(machine):
    talk = Talk(machine)
    secret = talk.secret()
    talk.answer(machine.wrong_code(secret))
    assert "does not match" in talk.until(CODE)
    talk.answer("hello")
    assert "not a code: 6 digits" in talk.until(CODE)
    talk.answer(machine.code(secret))
    talk.keep()
    assert talk.end() == 0


IGNORED = [
    ("the hash SHA-256", "해시 SHA-256", ["--totp=SHA1", "--digits=8", "--time-step-size=60s"]),
    ("the 8 digits", "자릿수 8자리", ["--totp=SHA256", "--digits=6", "--time-step-size=60s"]),
    ("the period of 60 s", "주기 60초", ["--totp=SHA256", "--digits=8"]),
    ("the hash SHA-256, the 8 digits and the period of 60 s", "해시 SHA-256, 자릿수 8자리, 주기 60초", ["--totp=SHA1"]),
]


@pytest.mark.parametrize("english, korean, app", IGNORED)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_app_that_ignores_settings_is_told_which_and_never_enrolled(machine, language, english, korean, app):
    machine.policy('[code]\nalgorithm = "SHA256"\ndigits = 8\nperiod = 60\n')
    question, left = (CODE, "2 tries are left") if language == "en" else ("인증 앱에 표시된 8자리 인증 코드: ", "2번 더 입력할 수")
    said = f"ignores {english}, and" if language == "en" else f"이 앱은 {korean} 설정을 무시하므로"
    talk = Talk(machine, "--lang", language)
    secret = re.search(r"secret=([A-Z2-7]+)", talk.until(question))[1]
    for _ in range(2):
        talk.answer(machine.code(secret, 0, *app))
        told = " ".join(talk.until(question).split())
        assert said in told, told
        assert left in told or talk.screen.count(question) > 2
    talk.answer(machine.code(secret, 0, *app))
    assert talk.end() == 1
    assert machine.files().keys() == {"pam_otp.conf", "records"}


def test_another_app_with_the_same_key_completes_the_dialogue(machine):
    machine.policy('[code]\nalgorithm = "SHA512"\n')
    talk = Talk(machine)
    secret = talk.secret()
    talk.answer(machine.code(secret))
    assert "the app ignores the hash SHA-512" in talk.until(CODE)
    talk.answer(machine.code(secret, 0, "--totp=SHA512"))
    talk.keep()
    assert talk.end() == 0


def test_code_with_another_number_of_digits_is_not_a_code(machine):
    machine.policy("[code]\ndigits = 8\n")
    talk = Talk(machine)
    talk.answer(machine.wrong_code(talk.secret()))
    assert "not a code: 8 digits" in talk.until(CODE)


def test_nobody_enrols_under_an_issuer_with_a_colon_and_enrolled_users_go_on(machine, enrolled):
    machine.policy('language = "en"\nissuer = "Dept: Ops"\n')
    reason = f"{machine.conf}, line 2: must not have a colon"
    for arguments in ([], ["add", "tablet"]):
        talk = Talk(machine, *arguments)
        assert talk.end() == 2 and reason in talk.screen and "otpauth" not in talk.screen
    assert reason in machine.admin("provision", "games", status=2).stderr
    assert "tablet" not in str(machine.status("daemon"))
    assert machine.try_code("daemon", machine.code(enrolled["secret"]))[0] == 0
    talk = Talk(machine, "recovery-codes")
    talk.keep()
    assert talk.end() == 0


def test_three_wrong_codes_end_the_dialogue_with_nothing_changed(machine):
    talk = Talk(machine, "--qr-file", machine.directory / "code.png", "--save", machine.directory / "codes")
    wrong = machine.wrong_code(talk.secret())
    for left in ("2 tries are left", "One try is left"):
        talk.answer(wrong)
        assert left in talk.until(CODE)
    talk.answer(wrong)
    assert talk.end() == 1
    assert "otp-enroll: no code of the new authenticator was right" in talk.screen and "hint: " in talk.screen
    assert machine.files().keys() == {"pam_otp.conf", "records"}


@pytest.mark.parametrize("answer", ["", " ", "y", "yes", "ok", "kep", "keptt"])
def test_enter_and_other_words_do_not_confirm(machine, answer):
    talk = Talk(machine)
    talk.prove()
    talk.until(SAVE)
    talk.answer("")
    talk.until(KEPT)
    talk.answer(answer)
    assert "Nothing is saved before" in talk.until(KEPT)
    assert machine.files().keys() == {"pam_otp.conf", "records"}


@pytest.mark.parametrize("before", ["nobody enrolled", "enrolled"])
def test_after_five_wrong_words_nothing_is_saved_and_the_files_are_removed(machine, before):
    if before == "enrolled":
        machine.provision("daemon")
    files = machine.files()
    talk = Talk(machine, "--qr-file", machine.directory / "code.svg", "--save", machine.directory / "codes")
    talk.prove()
    for answer in ["", "yes", "keptt", "copy"]:
        talk.until(KEPT)
        talk.answer(answer)
    talk.until(KEPT)
    assert (machine.directory / "codes").exists() and (machine.directory / "code.svg").exists()
    talk.answer("y")
    assert talk.end() == 1
    assert 'otp-enroll: "kept" was not typed; nothing was changed' in talk.screen and "hint: start again" in talk.screen
    assert machine.files() == files


def test_fifth_answer_may_be_the_word(machine):
    talk = Talk(machine)
    talk.prove()
    talk.until(SAVE)
    talk.answer("")
    for answer in ["", "yes", "keptt", "copy", "kept"]:
        talk.until(KEPT)
        talk.answer(answer)
    assert talk.end() == 0
    assert machine.status("daemon")["recovery_codes_left"] == 10


@pytest.mark.parametrize("word", ["kept", " KEPT "])
def test_word_that_confirms_is_not_taken_for_a_file_name(machine, word):
    talk = Talk(machine)
    talk.prove()
    talk.until(SAVE)
    talk.answer(word)
    assert "Saved" not in talk.until(KEPT)
    assert machine.files().keys() == {"pam_otp.conf", "records"}


def test_proven_code_is_all_that_is_asked_where_policy_issues_no_recovery_codes(machine):
    machine.policy("[recovery]\ncodes = 0\n")
    talk = Talk(machine)
    talk.prove()
    assert talk.end() == 0 and "recovery" not in talk.screen
    assert machine.status("daemon")["recovery_codes_left"] == 0


def test_replaced_authenticator_and_its_recovery_codes_stop_working(machine):
    first, old_codes = enrol(machine, "--name", "old phone")
    machine.now += 60
    talk = Talk(machine)
    second = talk.prove()
    assert "(old phone)" in talk.screen and "replaced" in talk.screen
    talk.keep()
    assert talk.end() == 0
    machine.now += 60
    assert machine.try_code("daemon", machine.code(first))[0] == 1
    assert machine.try_code("daemon", old_codes[0])[0] == 1
    assert machine.try_code("daemon", machine.code(second))[0] == 0


def test_record_changed_meanwhile_is_left_alone(machine):
    path = machine.directory / "codes"
    talk = Talk(machine, "--save", path)
    talk.prove()
    theirs = machine.provision("daemon")
    talk.keep(save=None)
    assert talk.end() == 1 and "changed in the meantime" in talk.screen
    assert not path.exists()
    assert machine.try_code("daemon", machine.code(theirs["secret"]))[0] == 0


def test_locked_account_cannot_enrol_again(machine, enrolled):
    wrong = machine.wrong_code(enrolled["secret"])
    for _ in range(5):
        machine.try_code("daemon", wrong)
    talk = Talk(machine)
    assert talk.end() == 1
    assert "is locked" in talk.screen and "otp-admin unlock daemon" in talk.screen and "otpauth" not in talk.screen


def test_lock_that_began_during_the_dialogue_holds(machine, enrolled):
    talk = Talk(machine)
    talk.prove()
    wrong = machine.wrong_code(enrolled["secret"])
    for _ in range(5):
        machine.try_code("daemon", wrong)
    talk.keep()
    assert talk.end() == 1 and "is locked" in talk.screen
    assert machine.status("daemon")["locked"] is True


# ------------------------------------------------------------------------------------------------------------ the files


def test_save_writes_codes_with_account_host_and_date_for_the_owner_alone(machine):
    path = machine.directory / "codes"
    _, codes = enrol(machine, "--save", path)
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert re.findall(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", text) == codes and len(codes) == 10
    assert f"daemon at {os.uname().nodename}, 2027-01-15 08:00 UTC" in text
    assert max(map(len, text.splitlines())) <= 80 and "\x1b" not in text


def test_codes_are_also_saved_to_a_path_typed_at_the_question(machine):
    talk = Talk(machine)
    talk.prove()
    path = machine.directory / "codes"
    codes = talk.keep(save=str(path))
    assert talk.end() == 0
    assert all(code in path.read_text() for code in codes)


def test_file_of_save_is_removed_if_no_codes_were_issued(machine):
    machine.policy("[enroll]\nmax_authenticators = 2\n")
    enrol(machine)
    path = machine.directory / "codes"
    talk = Talk(machine, "--save", path, "add", "tablet")
    talk.secret()
    assert path.exists()
    talk.answer(machine.code(re.search(r"secret=([A-Z2-7]+)", talk.uri)[1]))
    assert talk.end() == 0 and "is enrolled\r\n" in talk.screen
    assert not path.exists()


@pytest.mark.parametrize("option, name", [("--save", "codes"), ("--qr-file", "code.png")])
@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_files_are_never_overwritten_and_links_never_followed(machine, option, name, kind):
    path, other = machine.directory / name, machine.directory / "other"
    if kind == "file":
        path.write_text("precious")
    else:
        path.symlink_to(other)
        if kind == "link":
            other.write_text("precious")
    before = machine.files()
    talk = Talk(machine, option, path)
    assert talk.end() == 1
    assert f"otp-enroll: {path}: exists already" in talk.screen
    assert machine.files() == before


def test_existing_file_typed_at_the_question_is_refused_and_asked_for_again(machine):
    path = machine.directory / "precious"
    path.write_text("precious")
    talk = Talk(machine)
    talk.prove()
    talk.until(SAVE)
    talk.answer(str(path))
    assert "never overwritten" in talk.until(SAVE)
    talk.answer(str(machine.directory / "no/such/directory"))
    assert "cannot write" in talk.until(SAVE)
    talk.answer("")
    talk.until(KEPT)
    talk.answer("kept")
    assert talk.end() == 0 and path.read_text() == "precious"


@pytest.mark.parametrize("extension", ["svg", "png"])
def test_picture_scans_as_the_uri_and_is_the_owners_alone(machine, extension):
    path = machine.directory / f"code.{extension}"
    talk = Talk(machine, "--qr-file", path, "--qr", "none")
    talk.prove()
    talk.keep()
    assert talk.end() == 0 and f"Delete {path} now" in talk.screen
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert scan.picture(path) == [talk.uri]


# --------------------------------------------------------------------------------------------------------- the QR code


SMALL, LARGE = (24, 80), (60, 200)


@pytest.mark.parametrize("background", ["dark", "light"])
@pytest.mark.parametrize("terminal", ["xterm-256color", "linux"])
@pytest.mark.parametrize("style, size", [("unicode", SMALL), ("unicode", LARGE), ("ascii", LARGE)])
def test_drawn_qr_code_scans_on_a_dark_and_on_a_light_terminal(machine, style, size, terminal, background):
    machine.terminal = terminal
    talk = Talk(machine, "--qr", style, size=size)
    talk.secret()
    lines = scan.drawn_lines(talk.screen)
    assert scan.drawing(lines, machine.directory, background=background) == [talk.uri]
    assert "█" not in talk.screen and ("▀" in talk.screen) == (size == SMALL)
    assert ("48;5;16m" in talk.screen) == (terminal != "linux")
    assert '"inverted"' not in talk.screen


def test_large_screen_gets_a_painted_qr_code_with_the_key_in_sight_above_it(machine):
    talk = Talk(machine, size=LARGE)
    talk.secret()
    lines = talk.screen.replace("\r", "").split("\n")
    drawn = scan.drawn_lines(talk.screen)
    assert all(not re.sub(r"\x1b\[[\d;]*m", "", line).strip() for line in drawn), "no character that a font could leave gaps in"
    (key,) = [number for number, line in enumerate(lines) if line.startswith("Key to type")]
    assert len(lines) - key <= LARGE[0] and key < lines.index(drawn[0])


@pytest.mark.parametrize("word", ["inverted", " Inverted ", "반전"])
@pytest.mark.parametrize("style", ["unicode", "ascii"])
def test_terminal_without_colours_gets_no_escape_codes_and_an_inverted_qr_code_on_request(machine, style, word):
    machine.terminal = "dumb"
    talk = Talk(machine, "--qr", style)
    secret = talk.secret()
    lines = scan.drawn_lines(talk.screen)
    assert scan.drawing(lines, machine.directory, background="dark") == [talk.uri]
    assert scan.drawing(lines, machine.directory, background="light") == [], "zbarimg does not read white on black"
    talk.answer(word)
    again = talk.until("device shows now: ")
    lines = scan.drawn_lines(again)
    assert scan.drawing(lines, machine.directory, background="light") == [talk.uri]
    assert "\x1b" not in talk.screen and "left" not in again, "the word is not one of the three tries"
    assert again.count('type "inverted"') == 1
    talk.answer(machine.code(secret))
    talk.keep()
    assert talk.end() == 0


def test_word_is_a_wrong_code_after_five_inversions(machine):
    machine.terminal = "dumb"
    talk = Talk(machine)
    talk.secret()
    for _ in range(5):
        talk.answer("inverted")
        assert "left" not in talk.until("device shows now: ")
    talk.answer("inverted")
    again = talk.until("device shows now: ")
    assert "2 tries are left" in again and scan.drawn_lines(again) == []


def test_word_is_a_wrong_code_where_colours_are_set(machine):
    talk = Talk(machine)
    talk.secret()
    talk.answer("inverted")
    assert "2 tries are left" in talk.until("device shows now: ")


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LANG": "en_US.ISO-8859-1"}, {}])
def test_qr_code_is_drawn_in_ascii_outside_utf_8(machine, locale):
    machine.locale = locale
    talk = Talk(machine)
    talk.secret()
    assert talk.screen.isascii()
    lines = scan.drawn_lines(talk.screen)
    assert scan.drawing(lines, machine.directory, background="dark") == [talk.uri]


def test_qr_code_and_question_fit_a_screen_of_80_by_24(machine):
    machine.policy('issuer = "gateway-17.example.org"\n')
    talk = Talk(machine, user="www-data", size=(24, 80))
    talk.secret()
    lines = talk.screen.replace("\r", "").split("\n")
    drawn = scan.drawn_lines(talk.screen)
    below = lines[lines.index(drawn[0]):]
    assert len(below) <= 24 and below[:-1] == drawn, "nothing stands between the code and the question"
    assert all(len(re.sub(r"\x1b\[[\d;]*m", "", line)) <= 80 for line in drawn)
    assert scan.drawing(drawn, machine.directory, background="dark") == [talk.uri]


def test_terminal_too_narrow_for_the_qr_code_says_so_and_still_shows_key_and_uri(machine):
    talk = Talk(machine, size=(60, 30))
    talk.secret()
    assert scan.drawn_lines(talk.screen) == []
    assert "columns" in talk.screen and "Key to copy: " in talk.screen


# ------------------------------------------------------------------------------------------------- languages and output


def test_option_locale_or_policy_choose_korean(machine):
    for arguments, locale, policy in [
        (["--lang", "ko"], {"LC_ALL": "C.UTF-8"}, ""),
        ([], {"LC_ALL": "ko_KR.UTF-8"}, ""),
        ([], {"LC_ALL": "C.UTF-8"}, 'language = "ko"\n'),
    ]:
        machine.locale = locale
        machine.policy(policy)
        talk = Talk(machine, *arguments, user="nobody")
        talk.until("인증 앱에 표시된 6자리 인증 코드: ")
        secret = re.search(r"secret=([A-Z2-7]+)", talk.screen)[1]
        talk.answer(machine.code(secret))
        talk.until("저장 안 함: Enter): ")
        talk.answer("")
        talk.until("입력해 주세요: ")
        talk.answer("보관")
        assert talk.end() == 0 and "발급했습니다" in talk.screen
        machine.admin("reset", "nobody")
        machine.now += 60


def test_option_overrules_the_locale(machine):
    machine.locale = {"LC_ALL": "ko_KR.UTF-8"}
    talk = Talk(machine, "--lang", "en")
    talk.until(CODE)


def test_only_the_result_goes_to_standard_output_and_no_secret_does(machine):
    out, errors = machine.directory / "out", machine.directory / "errors"
    talk = Talk(machine)
    talk.child.close(force=True)
    words = machine.words("otp-enroll", "--user", "daemon")
    talk.child = __import__("pexpect").spawn(
        "/bin/sh", ["-c", 'out=$1 errors=$2; shift 2; exec "$@" >"$out" 2>"$errors"', "sh", str(out), str(errors), *words],
        env=machine.environment(), encoding="utf-8", timeout=20, dimensions=(60, 200),
    )
    talk.prove()
    talk.keep()
    assert talk.end() == 0
    assert out.read_text() == 'daemon: authenticator "phone" is enrolled, with 10 recovery codes\n'
    assert errors.read_text() == ""


def test_refuses_without_a_terminal_and_names_the_command_without_questions(machine):
    done = machine.run("otp-enroll", "--user", "daemon", status=1)
    assert "no terminal" in done.stderr and "otp-admin provision daemon" in done.stderr
    assert machine.files().keys() == {"pam_otp.conf", "records"}


def test_name_is_demanded_under_sudo_so_that_nobody_enrols_root_by_mistake(machine):
    done = machine.run("otp-enroll", status=1, environment={"SUDO_USER": "daemon"})
    assert "--user daemon" in done.stderr
    done = machine.run("otp-enroll", status=1, environment={"SUDO_USER": "\x1b[2J"})
    assert "\x1b" not in done.stderr and "--user NAME" in done.stderr


def test_caller_enrols_without_a_name_and_without_sudo(machine):
    talk = Talk(machine)
    talk.child.close(force=True)
    talk.child = machine.spawn()
    secret = talk.prove()
    talk.keep()
    assert talk.end() == 0 and ":root?" in talk.uri
    machine.now += 30
    assert machine.try_code("root", machine.code(secret))[0] == 0


def test_unknown_user_is_refused(machine):
    assert "no user is called" in machine.run("otp-enroll", "--user", "no-such-user", status=1).stderr


def test_options_of_the_dialogue_are_refused_with_a_subcommand(machine):
    words = machine.words("otp-enroll", "--save", machine.directory / "codes", "status")
    done = subprocess.run(words, env=machine.environment(), capture_output=True, text=True)
    assert done.returncode == 2 and "--save" in done.stderr
