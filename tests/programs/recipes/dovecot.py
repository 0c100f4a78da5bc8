"""Dovecot, asked over IMAP."""

import imaplib
import pathlib
import socket

import doors
import recipe
import sshd
from servers import Server, directory, run

# Settings that the recipe leaves out: no TLS, no delay after refusals, no penalty for the one address that all tests share.
SETTINGS = """
protocols = imap
listen = {host}
base_dir = /run/dovecot
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:~/Maildir
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
# The setting of Debian's auth-system.conf.ext.
WITHOUT_CACHE = "passdb {\n  driver = pam\n}\n"


class Dovecot(Server):
    service = "dovecot"

    def __init__(self, passdb=WITHOUT_CACHE):
        self._passdb = passdb

    def prepare(self):
        directory("/run/dovecot")
        directory("/var/lib/dovecot")
        self._config = pathlib.Path("/etc/dovecot/of-a-test.conf")
        self._config.write_text(SETTINGS.format(host=sshd.HOST, port=self.port) + self._passdb)

    def command(self):
        return ["/usr/sbin/dovecot", "-F", "-c", self._config]

    def log_in(self, account, reply, rhost="127.0.0.1"):
        doors.TYPED.append(reply)
        connection = socket.create_connection((sshd.HOST, self.port), doors.TIMEOUT_SECONDS, source_address=(rhost, 0))
        client = Imap(connection)
        try:
            client.login(account.name, reply)
            return client.select()[0] == "OK"
        except imaplib.IMAP4.error as refused:
            assert "AUTHENTICATIONFAILED" in str(refused)
            return False
        finally:
            client.shutdown()

    def flush(self, account):
        run("/usr/bin/doveadm", "-c", self._config, "auth", "cache", "flush", account.name)


class Imap(imaplib.IMAP4):
    """IMAP over a connection that exists already."""

    def __init__(self, connection):
        self._connection = connection
        super().__init__()

    def _create_socket(self, timeout):
        return self._connection


def with_cache():
    return Dovecot(recipe.quoted("dovecot", "/etc/dovecot/local.conf"))
