"""The profile of authselect: which users it lets in, and that no login bypasses the code.

authselect is not in Debian 12, so these tests generate the files as it does.
"""

import concurrent.futures
import re
import secrets

import pytest
from fedora import POLICY, TOP, Account, Unshown

PROFILE = TOP / "conf/authselect/pam-otp"
CONDITION = re.compile(r' *\{(include|exclude) if "([a-z0-9-]+)"\}')
CHOICE = re.compile(r'\{if "([a-z0-9-]+)":([^{}|]*)(?:\|([^{}|]*))?\}')
STACKS = ["system-auth", "password-auth", "smartcard-auth", "fingerprint-auth", "switchable-auth", "postlogin"]


def generated(file, features):
    """Returns a file of the profile as authselect generates it: authselect-profiles(5), as far as the profile uses it."""
    lines = []
    for line in (PROFILE / file).read_text().splitlines():
        if any((feature in features) != (what == "include") for what, feature in CONDITION.findall(line)):
            continue
        line = CONDITION.sub("", line)
        lines.append(CHOICE.sub(lambda choice: choice[2] if choice[1] in features else choice[3] or "", line))
    text = "\n".join(lines) + "\n"
    assert "{" not in text
    return text


def select(machine, *features, sssd="pam_deny.so"):
    """Selects the profile, with a service such as sshd. SSSD answers as the module `sssd` does."""
    for file in STACKS:
        machine.write(f"/etc/pam.d/{file}", generated(file, features))
    lines = ("auth substack password-auth", "auth include postlogin", "account include password-auth")
    machine.write("/etc/pam.d/remote", "\n".join(lines) + "\n")
    (modules,) = (path.parent for path in machine.path("/usr/lib").glob("*/security/pam_unix.so"))
    (modules / "pam_sss.so").symlink_to(sssd)


def at_once(*logins):
    """Makes logins at once, because refusals are slow on purpose."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [each.result() for each in [pool.submit(login) for login in logins]]


FEATURES = [(), ("with-faillock",), ("with-sssd",), ("with-sssd", "with-faillock")]


@pytest.mark.parametrize("features", FEATURES, ids=lambda features: " ".join(features) or "local")
def test_the_profile_lets_in_by_password_and_code_and_by_neither_alone(equipped, features):
    select(equipped, *features)
    people = [Account(equipped, f"otpuser{number}").enrol() for number in range(5)]
    alice, bobby, carol, david, erica = people
    wrong = Unshown(secrets.token_urlsafe(12))
    good, wrong_code, no_code, wrong_password, neither = at_once(
        lambda: equipped.login("remote", alice.name, alice.password, alice.codes.now()),
        lambda: equipped.login("remote", bobby.name, bobby.password, bobby.codes.wrong()),
        lambda: equipped.login("remote", carol.name, carol.password),
        lambda: equipped.login("remote", david.name, wrong, david.codes.now()),
        lambda: equipped.login("remote", erica.name, wrong, erica.codes.wrong()),
    )
    assert good[0] and "Verification code" in good[1]
    for let_in, _ in (wrong_code, no_code, wrong_password, neither):
        assert not let_in
    # Users who do not know the password are not asked for a code, so they cannot use up anybody's attempts.
    assert "Verification code" in wrong_code[1] and "Verification code" not in wrong_password[1] + neither[1]
    assert [account.attempts() for account in people] == [0, 1, 0, 0, 0]


@pytest.mark.parametrize("features", FEATURES[2:], ids=" ".join)
def test_a_password_that_sssd_accepts_takes_a_code_as_well(equipped, features):
    select(equipped, *features, sssd="pam_permit.so")
    alice, bobby, carol = (Account(equipped, f"otpuser{number}").enrol() for number in range(3))
    david = Account(equipped, "otpexcused")
    equipped.write(POLICY, "[enforce]\ngroups = []\n")
    elsewhere = Unshown(secrets.token_urlsafe(12))
    good, wrong_code, no_code, excused = at_once(
        lambda: equipped.login("remote", alice.name, elsewhere, alice.codes.now()),
        lambda: equipped.login("remote", bobby.name, elsewhere, bobby.codes.wrong()),
        lambda: equipped.login("remote", carol.name, elsewhere),
        lambda: equipped.login("remote", david.name, elsewhere),
    )
    assert good[0] and not wrong_code[0] and not no_code[0] and excused[0]


def test_with_faillock_wrong_passwords_lock_the_account(equipped):
    select(equipped, "with-faillock")
    equipped.write("/etc/security/faillock.conf", "deny = 1\n")
    alice = Account(equipped, "otpalice").enrol()
    assert not equipped.login("remote", alice.name, secrets.token_urlsafe(12))[0]
    assert not equipped.login("remote", alice.name, alice.password, alice.codes.now())[0]
    equipped.run("faillock", "--user", alice.name, "--reset")
    assert equipped.login("remote", alice.name, alice.password, alice.codes.at_step(1))[0]


def test_under_the_profile_unenrolled_users_are_refused_unless_the_policy_excuses_them(equipped):
    select(equipped)
    alice = Account(equipped, "otpalice")
    assert not equipped.login("remote", alice.name, alice.password, "123456")[0]
    equipped.write(POLICY, "[enforce]\ngroups = []\n")
    right, wrong = at_once(
        lambda: equipped.login("remote", alice.name, alice.password),
        lambda: equipped.login("remote", alice.name, secrets.token_urlsafe(12)),
    )
    assert right[0] and "Verification code" not in right[1] and not wrong[0]


def test_under_the_profile_otp_enroll_asks_for_the_password_and_one_code(equipped, alice):
    select(equipped)
    let_in, said = equipped.login("otp-enroll", alice.name, alice.password, alice.codes.now())
    assert let_in and said.count("Verification code") == 1
    assert not equipped.login("otp-enroll", alice.name, alice.password, alice.codes.wrong())[0]


def test_under_the_profile_no_fingerprint_or_smart_card_bypasses_the_code(equipped, alice):
    select(equipped)
    for stack in ("fingerprint-auth", "smartcard-auth", "switchable-auth"):
        let_in, said = equipped.login(stack, alice.name, alice.password, alice.codes.now())
        assert not let_in and "cannot retrieve authentication info" in said
        equipped.write("/etc/pam.d/account-alone", f"auth required pam_permit.so\naccount include {stack}\n")
        assert not equipped.login("account-alone", alice.name)[0]


def test_policy_check_finds_that_people_can_enrol_in_a_login_under_the_profile(equipped):
    select(equipped, "with-sssd")
    equipped.write(POLICY, '[enroll]\nat_login = "offer"\n[enforce]\nexempt_users = ["root"]\n')

    def complaints(*lines):
        equipped.write("/etc/pam.d/greetd", "auth substack password-auth\n" + "\n".join(lines) + "\n")
        checked = equipped.run("otp-admin", "policy", "check").stdout
        return [line for line in checked.splitlines() if "/pam.d/greetd" in line]

    ours, theirs = "account required pam_otp.so", "account include password-auth"
    assert complaints(ours, theirs) == [] != complaints(theirs, ours)


def test_services_that_ask_for_passwords_have_one_stack():
    assert (PROFILE / "system-auth").read_text() == (PROFILE / "password-auth").read_text()


def test_the_readme_of_the_profile_names_its_features():
    files = "".join(path.read_text() for path in PROFILE.iterdir() if path.name != "README")
    used = {feature for _, feature in CONDITION.findall(files)} | {choice[0] for choice in CHOICE.findall(files)}
    readme = (PROFILE / "README").read_text()
    assert set(re.findall(r"^([a-z0-9-]+)::$", readme, re.M)) == used
    assert set(re.findall(r"\bwith-[a-z0-9-]+", readme)) <= used
