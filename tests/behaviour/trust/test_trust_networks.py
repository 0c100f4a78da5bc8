"""Networks that the policy trusts: no code is asked for there, and nobody needs an authenticator.

Only a numeric address counts, as the program sets it in PAM_RHOST. The password is still needed.
"""

import socket

import pytest

import accounts
import doors
import sshd
from application import AUTH_ERR, AUTHINFO_UNAVAIL, PERM_DENIED, SUCCESS, Application, application, program  # noqa: F401
from locking import fail
from places import (  # noqa: F401  (fixtures among them)
    CODE, ELSEWHERE, HERE, PASSWORD, Logins, PamtesterFrom, SshFrom, logins, policy, stack, trust, trust_file, trust_section,
)
from together import together

pytestmark = pytest.mark.promised_by("ours")

EVERYWHERE = ("0.0.0.0/0", "::/0")


# ---------------------------------------------------------------------------------------------------------- real logins


def addresses_that_this_machine_has():
    """IPv4 everywhere; IPv6 if the kernel has it."""
    sshd.bring_loopback_up()
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return ["127.0.0.1"]
    return ["127.0.0.1", "::1"]


AROUND = {
    "127.0.0.1": ["127.0.0.0/8", "127.0.0.1", "0.0.0.0/0", "::ffff:127.0.0.0/104"],
    "::1": ["::1", "::/127", "::/0"],
}
APART = {
    "127.0.0.1": ["127.0.0.2", "128.0.0.0/1", "::/0", "::1"],
    "::1": ["::2/127", "8000::/1", "0.0.0.0/0", "::ffff:0:0/96"],
}


def each_of(networks):
    return [(address, network) for address in addresses_that_this_machine_has() for network in networks[address]]


@pytest.fixture(scope="module")
def ssh_to(every_door, server):
    """The real ssh to an address at which sshd listens; the client then comes from the same address."""
    port = sshd.free_port()
    with sshd.Sshd(*(f"ListenAddress [{host}]:{port}" for host in addresses_that_this_machine_has()[1:])) as running:
        running.port = port
        running.known_hosts.write_text(f"[::1]:{port} {running.known_hosts.read_text().split(' ', 1)[1]}")
        yield {"127.0.0.1": doors.Ssh(server, "127.0.0.1"), "::1": doors.Ssh(running, "::1")}


@pytest.mark.parametrize("address, network", each_of(AROUND))
def test_ssh_from_a_trusted_network_is_asked_only_for_the_password(ssh_to, alice, stack, trust, journal, address, network):
    trust("198.51.100.0/24", network)
    outcome = ssh_to[address].attempt(alice, alice.password)
    assert outcome.admitted and outcome.prompts == [PASSWORD]
    assert [(event["event"], event["rhost"]) for event in journal.events(alice.name)] == [("otp.trusted", address)]


@pytest.mark.parametrize("address, network", each_of(APART))
def test_ssh_from_any_other_network_is_asked_for_the_code(ssh_to, alice, stack, trust, address, network):
    trust("198.51.100.0/24", network)
    assert ssh_to[address].attempt(alice, alice.password, alice.codes.now()).prompts == [PASSWORD, CODE]


def test_each_ssh_client_is_judged_by_its_own_address(server, ssh, alice, stack, trust):
    trust("127.0.0.2")
    inside, outside = SshFrom(server, "127.0.0.2"), SshFrom(server, "127.0.0.3")
    assert inside.attempt(alice, alice.password).admitted
    assert outside.attempt(alice, alice.password, alice.codes.wrong()).refused
    assert outside.attempt(alice, alice.password, alice.codes.now()).admitted


def test_wrong_password_from_a_trusted_network_is_refused(ssh, alice, bobby, stack, trust):
    trust("127.0.0.0/8")
    for account in (alice, bobby):
        outcome = ssh.attempt(account, "not" + account.password)
        assert outcome.refused and outcome.prompts == [PASSWORD]


@pytest.mark.parametrize("others", [[], ["required pam_permit.so"], ["optional pam_env.so"]], ids=str)
def test_code_is_asked_for_in_a_trusted_network_where_no_other_module_identifies_the_user(
    application, alice, bobby, stack, trust, under_test, clock, others
):
    """Our module does not succeed by itself there, and success of the other modules would admit everybody."""
    for lines in ([under_test.line(), *others], [*others, under_test.line()]):
        stack(*lines)
        trust(HERE)
        for account, code, result in (
            (alice, alice.codes.wrong(), AUTH_ERR), (alice, alice.codes.now(), SUCCESS), (bobby, "123456", AUTH_ERR),
        ):
            answer = application.login(account, code, rhost=HERE)
            assert (answer.code, answer.asked) == (result, [CODE])
        clock.advance(30)


def test_unknown_user_in_a_trusted_network_sees_the_same_as_others(ssh, alice, bobby, stack, trust):
    trust("127.0.0.0/8")
    seen = {see_whatever_is_asked(ssh, account) for account in (alice, bobby, accounts.stranger("nosuch"))}
    assert len(seen) == 1, seen


def see_whatever_is_asked(door, account):
    with door.visit(account) as visit:
        while visit.prompt():
            visit.reply("123456")
        outcome = visit.ended()
        assert outcome.refused
        return outcome.transcript


@pytest.mark.parametrize("name", ["su", "sudo"])
def test_su_and_sudo_come_from_no_network(every_door, alice, stack, trust, clock, name):
    trust(*EVERYWHERE)
    assert every_door[name].attempt(alice, alice.password, alice.codes.wrong()).refused
    assert every_door[name].attempt(alice, alice.password, alice.codes.now()).admitted


@pytest.mark.parametrize("root", [True, False], ids=["root", "user"])
def test_program_may_set_the_address_as_root_or_over_the_helper(every_door, alice, stack, trust, clock, root):
    trust("192.0.2.0/31")
    outcome = PamtesterFrom(HERE, root).attempt(alice, alice.password)
    assert outcome.admitted and outcome.prompts == [PASSWORD]
    outcome = PamtesterFrom(ELSEWHERE, root).attempt(alice, alice.password, alice.codes.now())
    assert outcome.admitted and outcome.prompts == [PASSWORD, CODE]


# ------------------------------------------------------------------------------------------------------------ addresses


@pytest.fixture(params=["root", "user"])
def any_logins(program, alice, stack, request):
    """Logins of a program of root's, and of one of alice's own, over the helper."""
    with Application(program, alice if request.param == "user" else None) as running:
        yield Logins(running)


@pytest.mark.parametrize("network, inside, outside", [
    ("192.0.2.0/24", "192.0.2.0", "192.0.1.255"),
    ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
    ("192.0.2.6/31", "192.0.2.7", "192.0.2.8"),
    ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
    ("192.0.2.7/32", "192.0.2.7", "192.0.2.71"),
    ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
    ("10.0.0.0/8", "::ffff:a01:203", "::10.1.2.3"),
    ("::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"),
    ("::ffff:192.0.2.7", "::ffff:c000:207", "::ffff:c000:208"),
    ("::ffff:0:0/96", "198.51.100.1", "2001:db8::1"),
    ("2001:db8::/32", "2001:DB8:ffff::1", "2001:db9::"),
    ("2001:DB8::/33", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", "2001:db8:8000::"),
    ("2001:0db8:0000::7", "2001:db8:0:0::0:7", "2001:db8::8"),
])
def test_address_counts_by_its_value_however_it_is_written(any_logins, alice, trust, network, inside, outside):
    trust(network)
    assert not any_logins.asks(alice, rhost=inside)
    assert any_logins.asks(alice, rhost=outside)


NO_ADDRESSES = [
    None, "", " ", "localhost", "localhost.localdomain", "127.0.0.1:22", "[::1]", "[::1]:22", "::1%lo", "fe80::1%eth0",
    "fe80::1%2", "010.0.0.1", "127.000.000.001", "::ffff:127.0.0.01", "127.1", "2130706433", "0x7f000001", "127.0.0.1.",
    " 127.0.0.1", "127.0.0.1 ", "127.0.0.1\r", "127.0.0.1/8", "127.0.0.1,198.51.100.1", "127.0.0.1.example.org",
    "127.0.0.256", "00001::1", ":::1", "::1::", "*", "0.0.0.0/0", "１２７.0.0.1", "127.0.0.1" + "0" * 1000,
]


@pytest.mark.parametrize("rhost", NO_ADDRESSES, ids=lambda rhost: repr(rhost)[:30])
def test_address_that_is_not_numeric_is_in_no_network(logins, alice, trust, journal, rhost):
    trust(*EVERYWHERE)
    assert logins.asks(alice, rhost=rhost)
    assert "otp.trusted" not in journal.names(alice.name)


def test_name_of_this_host_is_in_no_network(logins, alice, trust):
    """Nor is one that /etc/hosts knows: no name is ever looked up."""
    trust(*EVERYWHERE)
    for name in (socket.gethostname(), "ip6-localhost", "trusted.example.org"):
        assert logins.asks(alice, rhost=name)


def test_without_a_network_in_the_policy_none_is_trusted(logins, alice, policy):
    for text in ("", "[trust]\n", trust_section([])):
        policy(text)
        assert logins.asks(alice) and logins.asks(alice, rhost="127.0.0.1")


@pytest.mark.parametrize("written, logged", [
    ("192.0.2.0/24", "192.0.2.0/24"), ("0.0.0.0/0", "0.0.0.0/0"), ("::ffff:192.0.2.0/120", "192.0.2.0/24"), (HERE, f"{HERE}/32"),
])
def test_log_names_the_network_and_the_address(logins, alice, trust, journal, written, logged):
    trust("198.51.100.0/24", "2001:db8::/32", written)
    assert not logins.asks(alice)
    (event,) = journal.events(alice.name)
    assert (event["event"], event["tag"], event["network"]) == ("otp.trusted", "application:auth", logged)
    assert (event["service"], event["rhost"]) == ("application", HERE)


# ------------------------------------------------------------------------------------ users who are admitted, and limits


@pytest.mark.parametrize("at_login", ["off", "offer", "require"])
def test_user_without_an_authenticator_is_admitted_from_there_after_the_deadline(
    ssh, application, bobby, stack, policy, at_login
):
    policy(f'{trust_section(["127.0.0.1"])}[enroll]\nat_login = "{at_login}"\n[enforce]\nfrom = "2027-01-01"\n')
    outcome = ssh.attempt(bobby, bobby.password)
    assert outcome.admitted and outcome.prompts == [PASSWORD] and outcome.messages.strip() == "admitted:USER"
    application.start(bobby, rhost="127.0.0.2")
    assert {application.authenticate(bobby.password).code, application.acct_mgmt().code} != {SUCCESS}
    application.end()


def test_account_line_alone_checks_the_address_of_a_user_without_an_authenticator(application, bobby, stack, trust, clock):
    """A login by public key, for example, runs no auth line."""
    trust(HERE)
    for rhost, code in ((HERE, SUCCESS), (ELSEWHERE, PERM_DENIED), ("localhost", PERM_DENIED), (None, PERM_DENIED)):
        application.start(bobby, rhost=rhost)
        answer = application.acct_mgmt()
        assert (answer.code, answer.asked, answer.told == []) == (code, [], code == SUCCESS)
        application.end()


def test_coming_deadline_is_not_mentioned_in_a_trusted_network(logins, bobby, policy):
    policy(f'{trust_section([HERE])}[enforce]\nfrom = "2027-02-01"\ngrace = "7d"\n')
    answer = logins.login(bobby, bobby.password)
    assert (answer.code, answer.asked, answer.told) == (SUCCESS, [PASSWORD], [])


def test_lock_keeps_nobody_out_of_a_trusted_network(ssh, server, alice, stack, trust):
    """No code is asked for there, so none can be guessed."""
    trust("127.0.0.2")
    fail(ssh, alice)
    assert SshFrom(server, "127.0.0.2").attempt(alice, alice.password).admitted
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused


def test_unknown_user_is_refused_from_a_trusted_network_whatever_else_the_stack_says(application, stack, trust, under_test):
    stack(under_test.line(), "required pam_permit.so")
    trust(HERE)
    nobody = accounts.stranger("nosuch")
    application.start(nobody, rhost=HERE)
    assert application.authenticate("123456").code == AUTH_ERR
    assert application.acct_mgmt().code != SUCCESS
    application.end()


def test_login_from_a_trusted_network_leaves_no_trace_in_the_records(logins, alice, bobby, policy, under_test):
    """It is not remembered as one with a code, and begins no grace."""
    policy(f'{trust_section([HERE], remember="8h")}[enforce]\ngrace = "7d"\n')
    for account in (alice, bobby):
        assert not logins.asks(account)
    assert not trust_file(alice, under_test).exists()
    assert not (under_test.state_directory / bobby.name).exists()


# -------------------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize("network", [
    "10.1.2.3/8", "2001:db8::1/32", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/255.0.0.0", "10.0.0/8", "10.",
    "010.0.0.0/8", "::ffff:10.0.0.1/104", "::ffff:10.0.0.0/8", "fe80::%eth0/64", "[2001:db8::]/32", "localhost",
    "example.org/8", "*", "LOCAL", "", " 10.0.0.0/8", "10.0.0.0/8 ", "10.0.0.0/8, 192.0.2.1", "192.0.2.1-192.0.2.9", 10,
    ["10.0.0.0/8"],
], ids=str)
def test_mistake_in_a_network_admits_nobody(application, stack, policy, alice, journal, clock, network):
    """Not even users from a correct network beside it. The log names the mistake."""
    policy("# the second line\n" + trust_section([HERE, network]))
    for rhost in (HERE, None):
        answer = application.login(alice, alice.password, alice.codes.now(), rhost=rhost)
        assert answer.code == AUTHINFO_UNAVAIL and CODE not in answer.asked
    for event in journal.events(alice.name):
        assert event["event"] == "otp.unavailable"
        assert "/etc/security/pam_otp.conf, line 3: must " in event["reason"]


@pytest.mark.parametrize("value", ['"10.0.0.0/8"', "10", "true", "{}"])
def test_networks_that_are_not_a_list_admit_nobody(application, stack, policy, alice, clock, value):
    policy(f"[trust]\nnetworks = {value}\n")
    assert application.login(alice, alice.password, alice.codes.now(), rhost="10.0.0.1").code == AUTHINFO_UNAVAIL


def test_ssh_user_is_told_that_the_policy_cannot_be_used(ssh, alice, stack, trust):
    trust("127.0.0.1/8")
    outcomes = together([lambda: ssh.attempt(alice, alice.password)] * 2)
    assert all(outcome.refused and "could not be checked" in outcome.messages for outcome in outcomes)
