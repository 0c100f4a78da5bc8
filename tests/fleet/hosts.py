"""The machines of a fleet: network namespaces with mounts of their own, and a wire between them.

Each has one interface, an address in 10.99.0.0/24, a clock, and files that lie over those of this private copy of the machine.
A program on one of them sees neither this machine's network nor its loopback. All of it ends with the process that made it.
"""

import os
import pathlib
import signal
import struct
import subprocess
import tempfile

import clock as clocks

ROOM = pathlib.Path(__file__).parent
WORLD = pathlib.Path("/run/pam_otp-tests")
HOSTS = WORLD / "hosts"
DOMAIN = "fleet.example"
# The environment of the harness and of programs that are not under test.
REAL = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "REAL_TIME": "1"}
PLAIN = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


class Host:
    """A machine: its name in the fleet's domain, its address, its clock."""

    def __init__(self, name, port):
        self.name = name
        self.port = port
        self.address = f"10.99.0.{port + 1}"
        self.full_name = f"{name}.{DOMAIN}"
        self.files = HOSTS / name
        self.files.mkdir(parents=True)
        self._holder = None
        self._clock = None
        self.ahead = 0

    def begin(self, wire):
        """Gives the machine a network and mounts of its own, a leg to the wire, and the clock."""
        self._holder = _holder()
        mac = f"02:00:00:00:00:{self.port:02x}"
        wire.run("ip", "link", "add", f"p{self.port}", "type", "veth", "peer", "name", "eth0", "address", mac,
                 "netns", str(self._holder.pid))
        wire.run("ip", "link", "set", f"p{self.port}", "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")

    def knows(self, others):
        """Tells the machine the hardware addresses of the others, so that no measurement includes lost questions about them."""
        for other in others:
            if other is not self:
                self.run("ip", "neighbour", "replace", other.address, "lladdr", f"02:00:00:00:00:{other.port:02x}", "dev", "eth0")

    # ------------------------------------------------------------------------------------------------- its programs

    def within(self, *words):
        """Returns the command that runs on this machine."""
        at = f"/proc/{self._holder.pid}/ns"
        return ["nsenter", f"--net={at}/net", f"--mount={at}/mnt", "--", *map(str, words)]

    def run(self, *words, environment=REAL, **options):
        options = {"check": True, "capture_output": True, "text": True, "stdin": subprocess.DEVNULL, **options}
        if "input" in options:
            del options["stdin"]
        try:
            return subprocess.run(self.within(*words), env=environment, **options)
        except subprocess.CalledProcessError as failed:
            raise AssertionError(f"{self.name}: {words[0]} ended with {failed.returncode}: {failed.stderr}") from None

    def start(self, *words, log=None, environment=PLAIN, **options):
        """Starts a program in the background; it ends with this one, and writes its output into `log`, below its files."""
        out = open(self.files / log, "ab") if log else subprocess.DEVNULL
        try:
            return subprocess.Popen(
                self.within(*words), env=environment,
                **{"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out, "start_new_session": True, **options})
        finally:
            if log:
                out.close()

    # ------------------------------------------------------------------------------------------------- its files

    def own(self, path, content=None, mode=0o644, group=None):
        """Puts a file, or a directory, over `path` on this machine alone. Written again, it stays the same file."""
        path = pathlib.Path(path)
        kept = self.files / "over" / str(path).strip("/").replace("/", "+")
        fresh = not kept.exists()
        if content is None:
            kept.mkdir(parents=True, exist_ok=True)
        else:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(content if isinstance(content, bytes) else content.encode())
        kept.chmod(mode)
        if group is not None:
            os.chown(kept, 0, group)
        if fresh:
            if not path.exists():  # one place for all machines; each mounts its own file over it
                path.parent.mkdir(parents=True, exist_ok=True)
                path.mkdir() if content is None else path.touch()
            self.run("mount", "--bind", kept, path)
        return kept

    def begin_clock(self):
        """From now on the machine's programs live in a time of their own."""
        self.own(clocks.NOW, struct.pack("=q", clocks.START))
        self._clock = os.open(self.files / "over" / str(clocks.NOW).strip("/").replace("/", "+"), os.O_RDWR | os.O_CLOEXEC)

    def set_clock(self, now):
        os.pwrite(self._clock, struct.pack("=q", now + self.ahead), 0)


class Wire:
    """The switch: how long a frame takes, how many frames get lost, and which machines are cut off from each other."""

    def __init__(self):
        self._holder = _holder()
        self._switch = None

    def run(self, *words):
        at = f"/proc/{self._holder.pid}/ns/net"
        done = subprocess.run(["nsenter", f"--net={at}", "--", *words], env=REAL, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stderr}"

    def begin(self, hosts):
        program = pathlib.Path(tempfile.mkdtemp(prefix="wire."), "wire")
        flags = ["-O2", "-Wall", "-Wextra", "-Werror"]
        subprocess.run(["gcc", *flags, "-o", program, ROOM / "wire.c"], check=True)
        at = f"/proc/{self._holder.pid}/ns/net"
        self._switch = subprocess.Popen(
            ["nsenter", f"--net={at}", "--", program, *(f"p{host.port}" for host in hosts)], env=REAL,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._switch.stdout.readline() == "ok\n", "the wire does not work"

    def _tell(self, *words):
        self._switch.stdin.write(" ".join(map(str, words)) + "\n")
        self._switch.stdin.flush()
        assert self._switch.stdout.readline() == "ok\n", "the wire is gone"

    def delay(self, milliseconds, some=None, others=()):
        """Sets the delay each way, between all machines, or between any of `some` and any of `others`."""
        if some is None:
            self._tell("delay", round(milliseconds * 1000))
        for one in some or ():
            for other in others:
                self._tell("delay", round(milliseconds * 1000), one.port, other.port)

    def lose(self, of_a_thousand):
        self._tell("loss", of_a_thousand)

    def cut(self, some, others):
        """Cuts the connection between each of `some` and each of `others`, in both directions."""
        for one in some:
            for other in others:
                if one is not other:
                    self._tell("cut", one.port, other.port)

    def heal(self):
        self._tell("heal")


def _holder():
    """Starts a process that keeps namespaces until this one ends."""
    held = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--propagation", "private",
         "sh", "-c", "echo ready; exec sleep infinity"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=REAL)
    assert held.stdout.readline() == "ready\n"
    return held


def connect(names):
    """Makes machines with these names, all on one wire, with one file of all addresses."""
    wire = Wire()
    hosts = {name: Host(name, port) for port, name in enumerate(names)}
    lines = "".join(f"{host.address} {host.full_name} {host.name}\n" for host in hosts.values())
    pathlib.Path("/etc/hosts").write_text("127.0.0.1 localhost\n" + lines)
    for host in hosts.values():
        host.begin(wire)
    for host in hosts.values():
        host.knows(hosts.values())
    wire.begin(list(hosts.values()))
    return wire, hosts


def kill(process, number=signal.SIGKILL):
    """Kills a process by its id, and waits for it."""
    if process.poll() is None:
        process.send_signal(number)
    process.wait(timeout=600)
