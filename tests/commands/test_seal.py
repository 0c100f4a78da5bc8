"""`otp-admin seal`: a sealed record can be opened only with its key and in its own place, whatever is interrupted."""

import base64
import collections
import re
import subprocess

import pytest
from record_files import UID, USER, files  # noqa: F401  (a fixture)
from second_implementation import Refused, read_credential, write_credential

OTHER = "nobody"


@pytest.fixture
def key(machine):
    """The file of the key, which does not exist yet and which the policy does not name."""
    return machine.directory / "seal"


def named(machine, key):
    machine.policy(f'[seal]\nkey = "{key}"\n')


def new_key(machine, key):
    """Makes the key, and a policy that names it."""
    named(machine, key)
    return machine.admin("seal", "--new-key").stdout


def ids(path):
    """The ids of the keys in a file, read as the page says."""
    from second_implementation import Sealed

    return list(Sealed(path.read_text(), USER, UID).keys)


def credential(machine, user=USER):
    return machine.records / user / "credential.toml"


def accepted(machine, user, secret, offset=0):
    status, said = machine.try_code(user, machine.code(secret, offset))
    assert status in (0, 1, 2), said
    return status == 0


def status_lines(machine, **options):
    done = machine.admin("seal", "--status", **options)
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())


# -------------------------------------------------------------------------------------------------------------- secrecy


def encodings(secret):
    """Every form in which the bytes of a key could be in a file."""
    raw = base64.b32decode(secret + "=" * (-len(secret) % 8))
    texts = {raw.hex(), base64.b32encode(raw).decode().rstrip("="), base64.b32hexencode(raw).decode().rstrip("=")}
    # Inside longer data, base64 and base32 depend on where the bytes begin; only the middle of each form stays the
    # same.
    for before in range(3):
        middle = base64.b64encode(bytes(before) + raw).decode()[4:-8]
        texts |= {middle, middle.translate(str.maketrans("+/", "-_"))}
    for before in range(5):
        texts.add(base64.b32encode(bytes(before) + raw).decode()[8:-8])
    spelled = texts | {text.upper() for text in texts} | {text.lower() for text in texts}
    pieces = {raw} | {text.encode() for text in spelled} | {text.encode("utf-16-le") for text in spelled}
    # A part of the key would be a leak as well.
    pieces |= {raw[at:at + 6] for at in range(len(raw) - 5)}
    return pieces


def everything_in(directory):
    return b"\n".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def assert_tells_none(content, secrets):
    for secret in secrets:
        assert not [piece for piece in encodings(secret) if piece in content], "the content has a key in it"


def test_records_and_their_backup_hold_no_key_in_any_encoding(machine, key):
    before = [machine.provision(user)["secret"] for user in (USER, "bin")]
    content = everything_in(machine.records)
    for secret in before:
        assert [piece for piece in encodings(secret) if piece in content], "the search finds an unsealed key"
    new_key(machine, key)
    after = [machine.provision("sys")["secret"], machine.provision("sync", "--hotp")["secret"]]
    machine.admin("seal")
    backup = machine.directory / "backup.tar"
    subprocess.run(["tar", "-C", machine.records, "-cf", backup, "."], check=True)
    for content in (everything_in(machine.records), backup.read_bytes()):
        assert_tells_none(content, before + after)
        assert key.read_text().splitlines()[1].encode() not in content
    assert accepted(machine, USER, before[0]) and accepted(machine, "sys", after[0])


def test_sealing_key_is_in_no_output_and_in_no_arguments(machine, key):
    said = new_key(machine, key)
    machine.provision(USER)
    trace = machine.directory / "trace"
    words = ["strace", "-f", "-e", "trace=execve,write", "-s", "4096", "--output", trace]
    for arguments in (["seal"], ["seal", "--rotate"], ["seal", "--status"]):
        secrets = [line for line in key.read_text().splitlines() if not line.startswith("#")]
        done = subprocess.run([*map(str, words), *machine.words("otp-admin", *arguments)], capture_output=True, text=True,
                              env=machine.environment(), stdin=subprocess.DEVNULL, timeout=60)
        assert done.returncode == 0, done.stderr
        said += done.stdout + done.stderr + "".join(
            line for line in trace.read_text().splitlines() if "execve(" in line or "write(1," in line or "write(2," in line
        )
        for secret in secrets:
            assert secret not in said


# ------------------------------------------------------------------------------------------------ sealing and its errors


def test_record_admits_while_it_is_sealed_sealed_again_and_unsealed(machine, key):
    secret = machine.provision(USER)["secret"]
    assert "not sealed: 1" in machine.admin("seal", "--status", "--key", key, status=2).stdout
    assert status_lines(machine)["key file"] == "none"
    assert "is made" in new_key(machine, key) and key.stat().st_mode & 0o777 == 0o640
    assert accepted(machine, USER, secret), "an unsealed record is read"
    assert status_lines(machine, status=1)["not sealed"] == "1"
    assert "1 record is sealed" in machine.admin("seal").stdout
    assert "secret" not in credential(machine).read_text().split("\n", 1)[1]
    (first,) = ids(key)
    assert status_lines(machine) == {
        "key file": str(key), "key": first, "sealed by it": "1", "sealed by older keys": "0",
        "sealed by other keys": "0", "not sealed": "0", "not readable": "0",
    }
    machine.now += 60
    assert accepted(machine, USER, secret)
    assert "0 were written" in machine.admin("seal").stdout
    assert "1 record is sealed" in machine.admin("seal", "--rotate").stdout
    (second,) = ids(key)
    assert second != first and status_lines(machine)["key"] == second
    machine.now += 60
    assert accepted(machine, USER, secret)
    assert "remove the key" in machine.admin("seal", "--undo").stdout
    machine.policy("")
    machine.now += 60
    assert accepted(machine, USER, secret)


def test_seal_speaks_korean(machine, key):
    named(machine, key)
    assert "생성함" in machine.admin("--lang", "ko", "seal", "--new-key").stdout
    assert "봉인되었습니다" in machine.admin("--lang", "ko", "seal").stdout


def test_refusals_say_why(machine, key):
    named(machine, key)
    assert "is missing" in machine.admin("seal", status=2).stderr
    new_key(machine, key)
    assert "holds a key already" in machine.admin("seal", "--new-key", status=1).stderr
    key.chmod(0o644)
    assert "mode" in machine.admin("seal", status=2).stderr
    key.chmod(0o640)
    machine.policy("")
    assert "names no key file" in machine.admin("seal", status=1).stderr
    assert "all 0 records" in machine.admin("seal", "--key", key).stdout


def test_two_commands_at_once_do_not_make_two_keys(machine, key):
    new_key(machine, key)
    holder = subprocess.Popen(["flock", "--exclusive", key.parent, "sh", "-c", "echo held; read _"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        before = key.read_bytes()
        assert "another otp-admin" in machine.admin("seal", "--rotate", status=2).stderr
        assert key.read_bytes() == before
    finally:
        holder.communicate("")


@pytest.mark.parametrize("hinder, said", [
    (lambda machine, key: key.unlink(), "is missing"),
    (lambda machine, key: key.chmod(0o666), "mode"),
    (lambda machine, key: key.write_text("0123456789abcdef" * 4 + "\n"), "is sealed by the key"),
    (lambda machine, key: key.write_text("not a key\n"), "line 1"),
    (lambda machine, key: machine.policy(""), "names no key"),
], ids=["missing", "open to all", "another", "damaged", "not named"])
def test_sealed_record_refuses_without_its_key_and_says_why(machine, key, hinder, said):
    new_key(machine, key)
    secret = machine.provision(USER)["secret"]
    files = {path: path.read_bytes() for path in (key, machine.conf, machine.records / USER / "state")}
    hinder(machine, key)
    status, told = machine.try_code(USER, machine.code(secret))
    assert status == 2 and said in told and "hint: " in told, told
    assert secret not in told and "not enrolled" not in told
    # The rest of the account's data is still shown, and no failure was counted.
    assert machine.status(USER)["authenticators"]
    assert (machine.records / USER / "state").read_bytes() == files[machine.records / USER / "state"]
    for path, content in files.items():
        path.write_bytes(content)
    key.chmod(0o640)
    assert accepted(machine, USER, secret)


def test_record_in_another_users_place_is_refused(machine, key):
    new_key(machine, key)
    mine, theirs = machine.provision(USER), machine.provision(OTHER)
    # First the whole record, in the other user's directory.
    text = credential(machine).read_text()
    (sealed,) = re.findall('^sealed = "(.*)"$', text, re.MULTILINE)
    other = credential(machine, OTHER)
    kept = other.read_text()
    state = other.parent / "state"
    states = [path.read_bytes() for path in (credential(machine).parent / "state", state)]
    other.write_text(text)
    assert "is the record of another user" in machine.run("otp-enroll", "--user", OTHER, "status", status=2).stderr
    # Then the record with changed names and its state; and the sealed key alone, in the other user's record.
    renamed = text.replace(f'user = "{USER}"', f'user = "{OTHER}"').replace(f"uid = {UID}\n", "uid = 65534\n")
    for changed, whose in ((renamed, 0), (re.sub('(?m)^sealed = ".*"$', f'sealed = "{sealed}"', kept), 1)):
        other.write_text(changed)
        state.write_bytes(states[whose])
        status, told = machine.try_code(OTHER, machine.code(mine["secret"]))
        assert status == 2 and "does not open" in told, told
    other.write_text(kept)
    assert accepted(machine, OTHER, theirs["secret"])


def test_swapped_authenticators_are_refused(machine, key):
    new_key(machine, key)
    machine.policy(f'[enroll]\nmax_authenticators = 2\n[seal]\nkey = "{key}"\n')
    made = machine.provision(USER)
    read = read_credential(credential(machine).read_bytes(), USER, UID, key.read_text())
    import copy

    second = copy.copy(read.authenticators[0])
    second.id, second.name, second.secret = "0123456789abcdef", "other", bytes(range(20))
    read.authenticators.append(second)
    text = write_credential(read, key.read_text()).decode()
    state = machine.records / USER / "state"
    first, other = re.findall('^sealed = "(.*)"$', text, re.MULTILINE)
    swapped = text.replace(first, "HERE").replace(other, first).replace("HERE", other)
    credential(machine).write_text(swapped)
    with pytest.raises(Refused):
        read_credential(swapped.encode(), USER, UID, key.read_text())
    from second_implementation import fresh_state, write_record

    state.write_bytes(write_record(fresh_state(read), 1) + write_record(fresh_state(read), 2))
    status, told = machine.try_code(USER, machine.code(made["secret"]))
    assert status == 2 and "does not open" in told, told
    credential(machine).write_text(text)
    assert accepted(machine, USER, made["secret"])


def test_damaged_record_keeps_the_old_key(machine, key):
    new_key(machine, key)
    machine.provision(USER)
    machine.provision(OTHER)
    damaged = credential(machine, OTHER)
    whole = damaged.read_text()
    damaged.write_text(whole.replace("sealed = ", "sealde = "))
    (old,) = ids(key)
    done = machine.admin("seal", "--rotate", status=2)
    assert "1 record is unchanged" in done.stderr and OTHER in done.stderr
    assert "is missing" in done.stderr
    korean = machine.admin("--lang", "ko", "seal", "--rotate", status=2).stderr
    assert "등록 정보 1개는 그대로입니다." in korean and OTHER in korean
    assert "is missing" not in korean and re.search(r"[가-힣].*첫 번째: .*[가-힣]", korean)
    assert len(ids(key)) == 2 and ids(key)[1] == old
    assert status_lines(machine, status=1)["not readable"] == "1"
    damaged.write_text(whole)
    assert "was interrupted goes on" in machine.admin("seal", "--rotate").stdout
    assert len(ids(key)) == 1


# ---------------------------------------------------------------------------------------- the second implementation


def test_both_implementations_open_what_the_other_has_sealed(machine, key, files):  # noqa: F811
    new_key(machine, key)
    made = machine.provision(USER)
    content = credential(machine).read_bytes()
    read = read_credential(content, USER, UID, key.read_text())
    letters = base64.b32encode(read.authenticators[0].secret).decode().rstrip("=")
    assert letters == made["secret"]
    written = write_credential(read, key.read_text())
    assert written != content
    credential(machine).write_bytes(written)
    assert accepted(machine, USER, made["secret"])
    for wrong in ("00" * 31 + "01", ""):
        with pytest.raises(Refused):
            read_credential(content, USER, UID, wrong)
    with pytest.raises(Refused):
        read_credential(content.replace(b'user = "daemon"', b'user = "nobody"'), OTHER, UID, key.read_text())


# --------------------------------------------------------------------------------------------------- killed, anywhere


WRITES = ("write", "fsync", "rename", "renameat", "unlinkat", "fchown", "fchmod", "fdatasync", "pwrite64")


def traced(machine, inject, *arguments):
    """Runs the command under strace; returns its writing calls as (name, number, text)."""
    trace = machine.directory / "trace"
    command = ["strace", "--output", trace, "-e", f"trace={','.join(WRITES)}"]
    if inject:
        command += ["-e", f"inject={inject}"]
    subprocess.run([*map(str, command), *machine.words("otp-admin", *arguments)], capture_output=True,
                   stdin=subprocess.DEVNULL, env=machine.environment(), timeout=60)
    numbers, calls = collections.Counter(), []
    for line in trace.read_text(errors="replace").splitlines():
        found = re.match(r"(\w+)\(", line)
        if found:
            numbers[found[1]] += 1
            calls.append((found[1], numbers[found[1]], line))
    return calls


@pytest.mark.parametrize("what", [[], ["--rotate"], ["--undo"]], ids=["seal", "rotate", "undo"])
def test_killed_at_any_write_everybody_is_admitted_and_the_next_run_completes_it(machine, key, what, capsys):
    people = [USER, OTHER]
    if not what:
        secrets = [machine.provision(user)["secret"] for user in people]
        new_key(machine, key)
    else:
        new_key(machine, key)
        secrets = [machine.provision(user)["secret"] for user in people]
    saved = machine.directory / "saved"

    def put(from_there, to):
        subprocess.run(["rm", "-rf", to], check=True)
        subprocess.run(["cp", "-a", from_there, to], check=True)

    put(machine.records, saved)
    key_before = key.read_bytes()
    calls = traced(machine, None, "seal", *what)
    unfinished = 0
    for name, number, text in calls:
        put(saved, machine.records)
        key.write_bytes(key_before)
        for left in machine.directory.glob(".seal.new"):
            left.unlink()
        traced(machine, f"{name}:signal=KILL:when={number}", "seal", *what)
        for user, secret in zip(people, secrets):
            read = read_credential(credential(machine, user).read_bytes(), user, 1 if user == USER else 65534, key.read_text())
            assert base64.b32encode(read.authenticators[0].secret).decode().rstrip("=") == secret, text
        done = machine.admin("seal", *what)
        unfinished += "interrupted" in done.stdout or not re.search(r"\b0 were written", done.stdout)
        expected = {"--rotate": "sealed by it", "--undo": "not sealed"}.get(what[0] if what else "", "sealed by it")
        assert status_lines(machine, status=1 if what == ["--undo"] else 0)[expected] == "2", text
        assert len(ids(key)) == 1
        # The first code of each user works once, since it was not used before.
        assert accepted(machine, USER, secrets[0]), text
    assert len(calls) >= 10 and unfinished, calls
    with capsys.disabled():
        print(f"\nseal {' '.join(what)}: killed at {len(calls)} writes, {unfinished} of them before it was done")
