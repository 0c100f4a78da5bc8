"""A mail server of our own: Debian's exim on loopback ports, with and without TLS, and the mailbox that it fills.

exim lives in real time: it waits until its clock goes on.
"""

import email
import email.policy
import mailbox
import pathlib
import pwd
import re

import pytest

import sshd
from clock import wait_until
from servers import Server, directory, listens, run
from under_test import BINARIES

HOST = "mail.example.org"
HOME = pathlib.Path("/var/lib/exim-test")
SENDMAIL = "/usr/libexec/sendmail-of-the-tests"
NAME, PASSWORD = "otp", "sesame of the server"
# The question that follows a mailed code.
BY_MAIL = "Code from the email: "

CONFIG = """
primary_hostname = {host}
domainlist local_domains = example.org
exim_path = {exim}
spool_directory = {home}/spool
log_file_path = {home}/spool/%slog
pid_file_path = {home}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port} : {tls_port}
tls_on_connect_ports = {tls_port}
tls_advertise_hosts = {starttls}
tls_certificate = {home}/server.pem
tls_privatekey = {home}/server.key
acl_smtp_rcpt = recipient
keep_environment = REAL_TIME
deliver_drop_privilege = true
never_users =
host_lookup =
rfc1413_query_timeout = 0s
queue_run_in_order
begin acl
recipient:
  {rule}
  accept
begin routers
everybody:
  driver = accept
  domains = +local_domains
  transport = file
begin transports
file:
  driver = appendfile
  file = {home}/box/mailbox
  mode = 0600
  delivery_date_add
  envelope_to_add
  return_path_add
begin retry
* * F,2h,15m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{name}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""


def make_certificates():
    """A private authority, and the server's certificate from it."""
    home = directory(HOME)
    if (home / "ca.pem").exists():
        return
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "36500"]
    run(*new, "-subj", "/CN=an authority of the tests", "-keyout", home / "ca.key", "-out", home / "ca.pem")
    run(*new, "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-addext", "basicConstraints=critical,CA:FALSE",
        "-CA", home / "ca.pem", "-CAkey", home / "ca.key", "-keyout", home / "server.key", "-out", home / "server.pem")
    # Another authority, which has signed nothing here.
    run(*new, "-subj", "/CN=another authority", "-keyout", home / "other.key", "-out", home / "other.pem")


def prepare_machine():
    """Installs what exim needs on a machine: its user, a host name, and a wrapper with sendmail's interface."""
    hosts = pathlib.Path("/etc/hosts")
    if HOST not in hosts.read_text():
        with open(hosts, "a") as file:
            file.write(f"\n127.0.0.1 {HOST}\n")
    if "Debian-exim" not in pathlib.Path("/etc/passwd").read_text():
        run("useradd", "--system", "--user-group", "--no-create-home", "Debian-exim")
    make_certificates()
    run("chown", "root:Debian-exim", HOME / "server.key")
    (HOME / "server.key").chmod(0o640)
    directory(HOME)
    directory(HOME / "box", "Debian-exim")
    directory(HOME / "spool", "Debian-exim")
    wrapper = pathlib.Path(SENDMAIL)
    wrapper.write_text(f"#!/bin/sh\nREAL_TIME=1 exec {BINARIES}/exim4 \"$@\"\n")
    wrapper.chmod(0o755)


class Exim(Server):
    """`with Exim():` runs a server. `rule`: the first rule that it applies to recipients; `starttls`: the hosts to which it
    offers TLS."""

    def __init__(self, rule="", starttls="*"):
        self._rule = rule
        self._starttls = starttls

    def prepare(self):
        prepare_machine()
        self.tls_port = sshd.free_port()
        configure(port=self.port, tls_port=self.tls_port, rule=self._rule, starttls=self._starttls)

    def command(self):
        return ["/usr/bin/env", "REAL_TIME=1", BINARIES / "exim4", "-bdf"]

    def ready(self):
        return listens(self.port) and listens(self.tls_port)


def configure(port=1, tls_port=2, rule="", starttls="*"):
    """exim reads one configuration file, which must belong to root."""
    path = pathlib.Path("/etc/exim4/exim4.conf")
    path.parent.mkdir(exist_ok=True)
    path.write_text(CONFIG.format(host=HOST, exim=BINARIES / "exim4", home=HOME, port=port, tls_port=tls_port, rule=rule,
                                  starttls=starttls, name=NAME, password=PASSWORD))
    path.chmod(0o644)


def mails_to(address):
    """The mails to that address, oldest first, read by Python's parser."""
    path = HOME / "box/mailbox"
    if not path.exists():
        return []
    found = []
    box = mailbox.mbox(path, factory=lambda file: email.message_from_binary_file(file, policy=email.policy.default))
    for message in box:
        if message["Envelope-To"] == address:
            found.append(message)
    return found


def wait_for_mail(address, count=1):
    """Waits until there are that many mails; returns the last one."""
    return wait_until(lambda: (mails := mails_to(address)) and len(mails) >= count and mails, f"mail to {address}")[-1]


@pytest.fixture(scope="module")
def exim():
    with Exim() as running:
        yield running


def address(account):
    return f"{account.name}@example.org"


def code_in(message):
    """The code of a mail, which is on a line of its own."""
    text = message.get_content().replace("\r\n", "\n")
    found = re.findall(r"^    ([0-9]{8})$", text, re.M)
    assert len(found) == 1, message.get_content()
    return found[0]


def outcome_of(journal, account):
    """The outcomes that otp-mail has logged about an account, oldest first: as root, or as the user through the helper, which is
    believed."""
    pattern = re.compile(rf'<(\d+)>otp-mail\[\d+\]: otp\.mail user="{account.name}".* reason="([^"]*)"')
    told = [found for found in map(pattern.match, journal.lines()) if found]
    assert {journal.writer(found.string) for found in told} <= {0, pwd.getpwnam(account.name).pw_uid}
    return [(int(found[1]) % 8, found[2]) for found in told]


def wait_for_outcome(journal, account, count=1):
    return wait_until(lambda: (told := outcome_of(journal, account)) and len(told) >= count and told,
                      f"outcome of {account.name}'s mail")[-1]

