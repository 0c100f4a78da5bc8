"""Users and groups of a test's own, for commands that ask the name service."""

import shlex
import subprocess

from machine import ROOT

QUIET = ROOT / "tests/commands/quiet.c"
SYSTEM = [
    "root:x:0:0:root:/root:/bin/bash", "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
    "messagebus:x:100:100::/:/usr/sbin/nologin", "dynamic:x:61500:61500::/:/usr/sbin/nologin",
    "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin",
]


class Users:
    """The content of /etc/passwd, group, nsswitch.conf and login.defs while a command of this test runs."""

    def __init__(self, machine):
        self.machine = machine
        self.people = list(SYSTEM)
        self.groups = ["root:x:0:", "nogroup:x:65534:"]
        self.services = {"passwd": "files", "group": "files"}
        self.defaults = "UID_MIN 1000\n"
        self.libraries = machine.directory / "libraries"

    def add(self, *names, first=1001, shell="/bin/bash"):
        """Adds users, with numbers from `first` on."""
        for number, name in enumerate(names, first):
            self.people.append(f"{name}:x:{number}:{number}::/home/{name}:{shell}")

    def group(self, name, number, *members):
        self.groups.append(f"{name}:x:{number}:{','.join(members)}")

    def add_quiet(self, *names, first=5001, groups=()):
        """Adds users whom a second name service knows and does not list."""
        directory = self.libraries
        directory.mkdir(exist_ok=True)
        people = [f"{name}:x:{number}:{number}::/home/{name}:/bin/bash" for number, name in enumerate(names, first)]
        (directory / "passwd").write_text("".join(f"{line}\n" for line in people))
        (directory / "group").write_text("".join(f"{line}\n" for line in groups))
        defines = [f'-DPASSWD="{directory}/passwd"', f'-DGROUP="{directory}/group"']
        library = directory / "libnss_quiet.so.2"
        flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-Wl,-soname,{library.name}"]
        subprocess.run(["gcc", *flags, *defines, "-o", library, QUIET], check=True)
        self.services = {"passwd": "files quiet", "group": "files quiet"}

    def files(self):
        switch = "".join(f"{database}: {services}\n" for database, services in self.services.items())
        lines = {"passwd": self.people, "group": self.groups}
        texts = {name: "".join(f"{line}\n" for line in lines[name]) for name in lines}
        return {**texts, "nsswitch.conf": switch, "login.defs": self.defaults}

    def words(self, *command):
        """The command, run with these name services, and without PAM services that ask for codes."""
        directory = self.machine.directory / "etc"
        directory.mkdir(exist_ok=True)
        script = "mount -t tmpfs tmpfs /etc/pam.d\n"
        for name, text in self.files().items():
            (directory / name).write_text(text)
            script += f"mount --bind {shlex.quote(str(directory / name))} /etc/{name}\n"
        return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script + 'exec "$@"', "sh", *map(str, command)]

    def admin(self, *arguments, status=0, **options):
        """Runs otp-admin."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options}
        if isinstance(options.get("input"), str):
            del options["stdin"]
        done = subprocess.run(
            self.words(*self.machine.words("otp-admin", *arguments)), stderr=subprocess.PIPE, text=True, timeout=120,
            env=self.machine.environment(LD_LIBRARY_PATH=str(self.libraries)), **options,
        )
        assert done.returncode == status, f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done
