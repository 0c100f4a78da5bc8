"""Events of real logins and commands are given to a real hook."""

import os
import pathlib
import pwd
import stat
import subprocess

import pexpect
import pytest

import notified
from application import AUTH_ERR, SUCCESS, application, program, service  # noqa: F401  (fixtures among them)
from notified import GOT, INCOMING, QUEUE, TAKEN, hook, notify, section, waiting  # noqa: F401
from policy_file import policy  # noqa: F401

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]


def test_events_of_an_account_reach_the_hook_in_their_order(hook, application, alice, under_test, clock):
    for _ in range(5):
        assert application.login(alice, alice.codes.wrong()).code == AUTH_ERR
    assert application.login(alice, alice.recovery_codes[0], rhost="192.0.2.7").code == SUCCESS
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    assert hook.events() == []
    notify()
    assert hook.names(alice) == [*["otp.reject"] * 4, "otp.lock", "otp.recovery", "otp.accept"]
    recovery = hook.events()[5]
    assert recovery["service"] == "application" and recovery["remote_address"] == "192.0.2.7"
    assert recovery["keys"]["recovery_codes_left"] == "9" and recovery["time"] == "2027-01-15T08:00:10Z"
    assert recovery["written_by_uid"] == 0 and recovery["attempt"] == 1
    assert len({event["id"] for event in hook.events()}) == 7
    assert waiting() == 0


def test_logins_at_every_door_of_root_reach_the_hook(hook, every_door, alice, clock):
    for name in ("sshd", "sudo", "su"):
        assert every_door[name].attempt(alice, alice.password, alice.codes.now()).admitted
        clock.advance(30)
    notify()
    assert hook.names(alice) == ["otp.accept"] * 3
    assert [event["service"] for event in hook.events()] == ["sshd", "sudo", "su"]


def test_only_chosen_events_are_queued(hook, policy, application, alice):
    policy(section(["lock"]))
    assert application.login(alice, alice.codes.wrong()).code == AUTH_ERR
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    assert waiting() == 0


@pytest.mark.parametrize("text", ["", '[hooks]\nrun = "/run/hook"\n', '[hooks]\nevents = ["accept"]\n'])
def test_without_a_program_or_events_nothing_is_queued(hook, policy, application, alice, text):
    notified.forget()
    policy(text)
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    assert not QUEUE.exists()


def test_hook_runs_as_its_user_and_inherits_nothing_of_ours(hook, application, alice):
    hook.does("id > /run/hook-got/id; env > /run/hook-got/env; ls -l /proc/self/fd > /run/hook-got/fds; pwd > /run/hook-got/pwd;"
              "cat /var/lib/pam_otp/*/credential.toml /var/lib/pam_otp/.queue/taken/* > /run/hook-got/records; grep -E '^Cap|^NoNew' "
              "/proc/self/status > /run/hook-got/caps; cat /proc/$PPID/environ > /run/hook-got/runner; kill -9 $PPID; true")
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    with open("/etc/shadow") as secret:
        os.set_inheritable(secret.fileno(), True)
        notify(close_fds=False)
    user = pwd.getpwnam(notified.USER)
    assert (GOT / "id").read_text().strip() == (
        f"uid={user.pw_uid}({notified.USER}) gid={user.pw_gid}({notified.USER}) groups={user.pw_gid}({notified.USER})")
    names = {line.split("=")[0] for line in (GOT / "env").read_text().splitlines()}
    assert names - {"PWD", "OLDPWD", "_", "SHLVL"} == {"PATH", "LANG", "HOME", "SHELL"} | (names & {"LD_PRELOAD"})
    assert (GOT / "pwd").read_text() == "/\n"
    assert (GOT / "records").read_text() == ""
    assert (GOT / "runner").read_text() == ""
    open_files = [line.split(" -> ")[1] for line in (GOT / "fds").read_text().splitlines() if " -> " in line]
    assert len(open_files) == 4 and not any("shadow" in name or "queue" in name for name in open_files), open_files
    capabilities = dict(line.split(":\t") for line in (GOT / "caps").read_text().splitlines())
    assert int(capabilities["CapEff"], 16) == 0 and int(capabilities["CapPrm"], 16) == 0
    assert waiting() == 0


@pytest.mark.parametrize("started", ["at a shell's prompt", "by a script"])
def test_hook_cannot_reach_the_terminal_from_which_it_is_started(hook, application, alice, started):
    """A program with root's terminal could type into root's shell."""
    hook.does("if (: < /dev/tty); then echo reached; else echo none; fi > /run/hook-got/terminal 2> /dev/null;"
              "cut -d' ' -f7 /proc/self/stat > /run/hook-got/number")
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    # otp-notify as the leader of a process group, as a shell with job control starts it; and not as the leader.
    command = f"{notified.NOTIFY}; exit $?" if started == "by a script" else f"exec {notified.NOTIFY}"
    shell = pexpect.spawn("/bin/sh", ["-c", command], encoding="utf-8", timeout=600)
    shell.expect(pexpect.EOF)
    shell.wait()
    shell.close()
    assert shell.exitstatus == 0, shell.before
    assert ((GOT / "terminal").read_text(), (GOT / "number").read_text()) == ("none\n", "0\n")
    assert waiting() == 0


def test_no_hook_runs_as_root_or_as_an_unknown_user(hook, application, alice, journal):
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    for user, said in (("root", "no hook runs as root"), ("nobody-of-that-name", "who does not exist")):
        done = notify("--user", user, status=1)
        assert said in done.stderr
        assert any("otp.hook" in line and said in line for line in journal.lines())
    assert hook.events() == [] and waiting() == 1


@pytest.mark.parametrize("spoil, said", [
    (lambda: notified.PROGRAM.chmod(0o775), "others than root may write /run/hook"),
    (lambda: os.chown(notified.PROGRAM, 1, 0), "is owned by user id 1"),
    (lambda: notified.PROGRAM.chmod(0o644), "is no program"),
    (lambda: notified.PROGRAM.unlink(), "No such file"),
])
def test_unsafe_or_missing_program_is_not_started(hook, application, alice, spoil, said):
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    spoil()
    assert said in notify(status=1).stderr
    assert hook.events() == [] and waiting() == 1
    hook.does(notified.KEEPS)
    notify()
    assert hook.names(alice) == ["otp.accept"]


def test_event_that_the_hook_refuses_comes_again_later_with_the_same_id(hook, application, alice, carol, clock, journal):
    hook.does("cat >> /run/hook-got/refused; exit 22")
    before = len(journal.lines())
    for account in (alice, carol):
        assert application.login(account, account.codes.wrong()).code == AUTH_ERR
        assert application.login(account, account.codes.now()).code == SUCCESS
    notify()
    # Only the first event of each account was tried.
    assert len((GOT / "refused").read_text().splitlines()) == 2 and waiting() == 4
    (told,) = [line for line in journal.lines(before) if "otp.hook" in line]
    assert 'count="2" source="/run/hook" reason="ended with status 22"' in told
    hook.does(notified.KEEPS)
    notify()
    assert hook.events() == [], "too early"
    clock.advance(61)
    notify()
    for account in (alice, carol):
        assert hook.names(account) == ["otp.reject", "otp.accept"]
        assert [event["attempt"] for event in hook.events() if event["account"] == account.name] == [2, 1]
    first = {line.split('"id":"')[1][:32] for line in (GOT / "refused").read_text().splitlines()}
    assert first < {event["id"] for event in hook.events()}


def test_refused_event_of_one_account_delays_no_other_account(hook, application, alice, carol, clock):
    hook.does(f"""event=$(cat); case $event in *'"account":"{alice.name}"'*) exit 1;; esac; echo "$event" >> /run/hook-got/events""")
    for _ in range(2):
        for account in (alice, carol):
            assert application.login(account, account.codes.now()).code == SUCCESS
        clock.advance(30)
    notify()
    assert hook.names(carol) == ["otp.accept"] * 2 and hook.names(alice) == []


def test_clock_that_runs_back_changes_no_order_and_delays_nothing(hook, application, alice, clock):
    assert application.login(alice, alice.codes.wrong()).code == AUTH_ERR
    hook.does("exit 1")
    notify()
    clock.advance(-7200)
    assert application.login(alice, alice.recovery_codes[0]).code == SUCCESS
    hook.does(notified.KEEPS)
    notify()
    assert hook.names(alice) == ["otp.reject", "otp.recovery"]


def test_two_runs_at_once_give_no_event_twice(hook, application, alice, carol):
    hook.does("cat >> /run/hook-got/events; : > /run/hook-got/started; while ! [ -e /run/hook-got/go ]; do :; done")
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    with subprocess.Popen([notified.NOTIFY], stdin=subprocess.DEVNULL) as first:
        while not (GOT / "started").exists():
            assert first.poll() is None
        # The second run leaves the new event to the first, which looks again before it ends.
        assert application.login(carol, carol.codes.now()).code == SUCCESS
        notify()
        assert len(hook.events()) == 1
        (GOT / "go").touch()
        assert first.wait(timeout=600) == 0
    assert hook.names() == ["otp.accept"] * 2 and waiting() == 0


def test_logins_of_64_processes_at_once_reach_the_hook_once_each(hook, application, alice):
    codes = application.crowd(64, alice, alice.codes.now())
    assert codes.count(SUCCESS) == 1
    notify()
    assert sorted(hook.names(alice)).count("otp.accept") == 1
    assert len({event["id"] for event in hook.events()}) == len(hook.events())


def test_wrong_codes_of_64_processes_at_once_lock_and_the_lock_reaches_the_hook(hook, application, alice):
    application.crowd(64, alice, alice.codes.wrong())
    notify()
    assert hook.names(alice).count("otp.lock") == 1 and hook.names(alice).count("otp.reject") == 4


def test_only_root_and_the_helper_reach_the_queue(hook, application, alice):
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    for place in (QUEUE, INCOMING, TAKEN, next(INCOMING.iterdir())):
        for command in (["ls", place], ["touch", place / "x"], ["rm", "-rf", place], ["cat", place]):
            done = subprocess.run(command, user=alice.name, group=pwd.getpwnam(alice.name).pw_gid, extra_groups=[], capture_output=True)
            assert done.returncode != 0 or command[0] == "rm"
    modes = {place.name: stat.S_IMODE(place.stat().st_mode) for place in (QUEUE, INCOMING, TAKEN)}
    assert modes == {".queue": 0o2750, "incoming": 0o2770, "taken": 0o2700}
    (event,) = INCOMING.iterdir()
    assert stat.S_IMODE(event.stat().st_mode) == 0o640


def test_change_of_the_policy_is_an_event(hook, policy, journal):
    policy(section(), "[code]", "window = 2")
    notify()
    notify()
    (event,) = hook.events()
    assert (event["event"], event["severity"]) == ("otp.policychanged", "notice")
    assert event["keys"]["source"] == "/etc/security/pam_otp.conf" and "account" not in event
    policy(section(), "[code]", "window = 2", "digits = 77")
    notify()
    assert len(hook.events()) == 1, "a policy that cannot be read names no hook"
    (told,) = [line for line in journal.lines() if "otp.policychanged" in line and "refused" in line]
    assert "line 7" in told
    policy(section())
    notify()
    assert [event["severity"] for event in hook.events()] == ["notice", "warning", "notice"]


def test_events_for_a_hook_no_longer_named_are_forgotten(hook, policy, application, alice, journal):
    assert application.login(alice, alice.codes.now()).code == SUCCESS
    policy("")
    notify()
    assert waiting() == 0
    assert any("otp.hook" in line and 'count="' in line and "forgotten" in line for line in journal.lines())

