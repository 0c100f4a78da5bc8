"""The implementations that the scenarios run against: ours, and the two that people use today.

Each is one class: how an account is enrolled, what /etc/pam.d contains, and what is asked. If only some of them promise
something, the scenario says so (`promised_by`) and is not collected for the others.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess

import codes

BINARIES = pathlib.Path("/run/pam_otp-tests/bin")


class Ours:
    name = "ours"
    code_prompt = "Verification code: "
    one_reply_prompt = "Password & verification code: "
    module = str(BINARIES / "pam_otp.so")
    helper = "/usr/libexec/pam_otp/otp-helper"
    mailer = "/usr/libexec/pam_otp/otp-mail"
    service = pathlib.Path("/etc/pam.d/otp-enroll")
    state_directory = pathlib.Path("/var/lib/pam_otp")

    def prepare(self):
        # The log names a module after its file, so the library gets its installed name.
        shutil.copy(BINARIES / "libpam_otp.so", self.module)
        os.chmod(self.module, 0o644)
        os.makedirs(os.path.dirname(self.helper))
        shutil.copy(BINARIES / "otp-helper", self.helper)
        shutil.copy(BINARIES / "otp-mail", self.mailer)
        self.service.write_text((BINARIES / "otp-enroll-debian").read_text().replace("pam_otp.so", self.module))
        # The same script that the packages run.
        subprocess.run([BINARIES / "permissions", self.state_directory, self.helper], check=True)

    def enrol(self, account, *flags):
        provisioned = json.loads(self.admin("provision", account.name, "--json", *flags))
        account.recovery_codes = provisioned["recovery_codes"]
        return provisioned["secret"]

    def unlock(self, account):
        self.admin("unlock", account.name)

    def reset(self, account):
        self.admin("reset", account.name)

    def admin(self, *arguments):
        return run_at_fake_time([BINARIES / "otp-admin", *arguments]).stdout

    def line(self, arguments="", control="required"):
        return " ".join(filter(None, [control, self.module, arguments]))

    def one_reply(self):
        """Asks for password and code at once: the code module asks, and hands the password on."""
        return [self.line("forward_pass"), "required pam_unix.so use_first_pass nodelay"]


class GoogleAuthenticator:
    name = "google-authenticator"
    code_prompt = "Verification code: "
    one_reply_prompt = "Password & verification code: "

    def prepare(self):
        pass

    def enrol(self, account):
        secret = codes.new_secret()
        account.recovery_codes = [str(number) for number in range(83102964, 83102969)]
        lines = [secret, '" WINDOW_SIZE 3', '" DISALLOW_REUSE', '" TOTP_AUTH', *account.recovery_codes]
        account.write_private_file(f"{account.home}/.google_authenticator", "\n".join(lines) + "\n", mode=0o400)
        return secret

    def line(self, arguments="", control="required"):
        return f"{control} pam_google_authenticator.so {arguments}".rstrip()

    def one_reply(self):
        return [self.line("forward_pass"), "required pam_unix.so use_first_pass nodelay"]


class Oath:
    name = "oath"
    code_prompt = "One-time password (OATH) for `USER': "
    one_reply_prompt = code_prompt
    users_file = pathlib.Path("/etc/users.oath")

    def prepare(self):
        self.users_file.touch(mode=0o600)

    def enrol(self, account):
        secret = codes.new_secret()
        # "+": the rest of the reply is a password that another module checks.
        with open(self.users_file, "a") as file:
            file.write(f"HOTP/T30 {account.name} + {base64.b32decode(secret).hex()}\n")
        return secret

    def line(self, arguments="", control="required"):
        return f"{control} pam_oath.so usersfile={self.users_file} window=1 digits=6 {arguments}".rstrip()

    def one_reply(self):
        return [self.line(), "required pam_unix.so use_first_pass nodelay"]


IMPLEMENTATIONS = {each.name: each for each in (Ours, GoogleAuthenticator, Oath)}


def run_at_fake_time(command, **environment):
    """Runs one of our command lines to its end, without a terminal, by the clock of the PAM programs."""
    done = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **environment},
    )
    assert done.returncode == 0, f"{command}: exit {done.returncode}: {done.stderr}"
    return done
