"""Dovecot, asked over IMAP by a client that opens two connections, as mail programs do."""

# light
# bookworm: dovecot-imapd

import imaplib
import pathlib

import network
import pytest
import table

SETTINGS = """
protocols = imap
listen = {host}
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:~/Maildir
passdb {{
  driver = pam
}}
userdb {{
  driver = passwd
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


class Dovecot(network.Program):
    services = ("dovecot",)
    name = "dovecot"

    def prepare(self):
        self.port = network.free_port()
        self._config = pathlib.Path("/etc/dovecot/of-a-test.conf")
        self._config.write_text(SETTINGS.format(host=network.HERE, port=self.port))

    def command(self):
        return ["/usr/sbin/dovecot", "-F", "-c", self._config]

    def log_in(self, person, replies):
        client = imaplib.IMAP4(network.HERE, self.port)
        try:
            client.login(person, replies[0])
            return True, str(client.select())
        except imaplib.IMAP4.error as refused:
            return False, str(refused)
        finally:
            client.shutdown()

    def log_in_and_go_on(self, person, replies):
        return [self.log_in(person, replies) for _ in range(2)][-1]


@pytest.mark.program("Dovecot")
def test_dovecot(row, probe):
    table.compare(row, network.measure(Dovecot(), probe, row))
