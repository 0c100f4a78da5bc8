"""Fresh Debians on a network of their own, for tests of more than one machine. An administrator's commands run there as they are
written; only systemctl and scp are stand-ins, because no systemd and no sshd for root run there.
"""

import pathlib
import re
import subprocess

import pexpect

import debian
import doors

DOMAIN = "example.org"
# Starts the program of a unit, as the unit's user and with its environment, by util-linux; and ends it by its process id.
SYSTEMCTL = """#!/bin/bash
set -eu
# Says when it listens at a place, and when a service there has said that it is ready.
HEARS='alarm 60; $| = 1; socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, sockaddr_un($ARGV[0])) && chmod(0666, $ARGV[0]) or die $!; print "listens\\n";
    while (defined recv(S, $said, 4096, 0)) { last if $said =~ /^READY=1$/m } print "ready\\n"'
# with_drop_ins NAME FILE: prints a unit and what an administrator has added to it.
with_drop_ins() {
    local file
    for file in "$2" /etc/systemd/system/"$1".service.d/*.conf; do
        [ ! -e "$file" ] || sed "s/%p/$1/; s/%H/$(hostname)/" "$file"
    done
}
unit() {
    local place
    for place in /etc /usr/lib /lib; do
        [ ! -e "$place/systemd/system/$1.service" ] || { with_drop_ins "$1" "$place/systemd/system/$1.service"; return; }
    done
    exit 5
}
settings() { unit "$1" | sed -n "s/^$2=//p"; }
setting() { settings "$@" | tail -n 1; }
# socket NAME: starts the service behind a socket, which opens the socket itself if systemd does not; its directory is root's.
socket() {
    local path group
    path=$(sed -n 's/^ListenStream=//p' "/usr/lib/systemd/system/$1.socket")
    group=$(sed -n 's/^SocketGroup=//p' "/usr/lib/systemd/system/$1.socket")
    install -d -m 0755 "${path%/*}"
    begin "$1" --socket "$path"
    while [ "$(stat -c %G "$path" 2> /dev/null)" != "$group" ]; do lives "$(cat "/run/$1.pid")"; sleep 0.1; done
}
begin() {
    local name=$1 file directory user words each hears NOTIFY_SOCKET
    user=$(setting "$name" User)
    for each in $(settings "$name" Requires); do case $each in "$name.socket") ;; *.socket) socket "${each%.socket}" ;; esac; done
    directory=$(setting "$name" StateDirectory)
    [ -z "$directory" ] || install -d -o "${user:-root}" -g "${user:-root}" -m 0700 "/var/lib/$directory"
    directory=$(setting "$name" RuntimeDirectory)
    [ -z "$directory" ] || install -d -o "${user:-root}" -g "${user:-root}" -m 0755 "/run/$directory"
    read -ra words <<< "$(setting "$name" ExecStart)"
    words+=("${@:2}")
    [ -z "$user" ] || words=(setpriv "--reuid=$user" "--regid=$user" --init-groups "${words[@]}")
    NOTIFY_SOCKET=
    if [ "$(setting "$name" Type)" = notify ]; then
        NOTIFY_SOCKET=/run/$name.notify
        rm -f "$NOTIFY_SOCKET"
        exec {hears}< <(exec perl -MSocket -e "$HEARS" "$NOTIFY_SOCKET")
        read -ru "$hears"
    fi
    (
        set -a
        if [ -n "$NOTIFY_SOCKET" ]; then export NOTIFY_SOCKET; exec {hears}<&-; fi
        while read -r line; do eval "$line"; done < <(settings "$name" Environment)
        while read -r file; do file=${file#-}; [ ! -e "$file" ] || . "$file"; done < <(settings "$name" EnvironmentFile)
        # Variables of the unit in the command line are the environment's.
        eval "exec ${words[*]}" > "/var/log/$name.log" 2>&1 < /dev/null &
        echo $! > "/run/$name.pid"
    )
    # systemctl comes back when the service is ready. Nothing keeps its sockets here.
    [ -z "$NOTIFY_SOCKET" ] || { read -ru "$hears"; exec {hears}<&-; }
}
# Nobody here waits for a process that has ended.
lives() {
    kill -0 "$1" 2> /dev/null && ! grep -qs "^State:.Z" "/proc/$1/status"
}
end() {
    local pid
    if [ -e "/run/$1.pid" ] && pid=$(cat "/run/$1.pid") && kill "$pid" 2> /dev/null; then
        while lives "$pid"; do sleep 0.1; done
    fi
    rm -f "/run/$1.pid"
}
# reload_nginx MASTER: waits until its old workers are gone, because for a moment they take connections beside the new ones.
reload_nginx() {
    local each workers=()
    for each in $(grep -ls "^PPid:.$1$" /proc/[0-9]*/status); do each=${each#/proc/}; workers+=("${each%/status}"); done
    nginx -s reload
    for each in "${workers[@]}"; do while lives "$each"; do sleep 0.1; done; done
}
names=()
for word in "$@"; do case $word in -*) ;; *) names+=("${word%.service}") ;; esac; done
case ${names[0]} in
    enable) case " $* " in *" --now "*) begin "${names[1]}" ;; esac ;;
    start) begin "${names[1]}" ;;
    restart) end "${names[1]}"; begin "${names[1]}" ;;
    # A program that its package would have started at the installation runs by now.
    reload) [ "${names[1]}" = nginx ] && if [ -s /run/nginx.pid ]; then reload_nginx "$(cat /run/nginx.pid)"; else nginx; fi ;;
    stop) end "${names[1]}" ;;
    daemon-reload) ;;
    *) echo "systemctl: $* is not supported here" >&2; exit 1 ;;
esac
"""
SCP = """#!/bin/bash
set -eu
to=${!#}
host=${to#root@}
cp -p "${@:1:$#-1}" "/hosts/${host%%.*}/"
"""


class Host(debian.Debian):
    """One of the hosts: its name below example.org, and its address."""

    def __init__(self, fresh, place, name, address):
        place = place / name
        place.mkdir()
        super().__init__(fresh, place)
        self.name, self.address = name, address
        # The administrator who types here.
        self.administrator = debian.Account(self, "root")
        self.administrator.home = "/root"
        self._holder = None

    def begin(self, network):
        self.__enter__()
        pipe = subprocess.PIPE
        words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--uts", "sh", "-c", 'hostname "$1"; echo ready; exec sleep infinity']
        self._holder = subprocess.Popen([*words, "sh", self.name], stdin=subprocess.DEVNULL, stdout=pipe, text=True)
        assert self._holder.stdout.readline() == "ready\n"
        network("ip", "link", "add", f"to-{self.name}", "type", "veth", "peer", "name", "eth0", "netns", str(self._holder.pid))
        network("ip", "link", "set", f"to-{self.name}", "master", "bridge", "up")
        for words in (["link", "set", "lo", "up"], ["address", "add", f"{self.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            subprocess.run([*self.within(), "ip", *words], check=True)
        self.write("/usr/local/bin/systemctl", SYSTEMCTL, mode=0o755)
        for name, there in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            self.path(f"/dev/{name}").symlink_to(f"/proc/self/fd{there}")
        # The packages that Debian's archive has for a fleet: debian.sh.
        self.path("/var/cache/fleet").mkdir()
        debian.mount("--bind", "-o", "ro", self._fresh.parent / "fleet", self.path("/var/cache/fleet"))
        self.write("/etc/apt/sources.list", "deb [trusted=yes] copy:/var/cache/fleet ./\n")
        self.type("rm -f /etc/apt/sources.list.d/* && apt-get update")

    def end(self):
        for pid in self.path("/run").glob("*.pid"):
            subprocess.run(["kill", "-KILL", pid.read_text().strip()], check=False, stderr=subprocess.DEVNULL)
        self._holder.kill()
        self._holder.wait()
        self.__exit__()

    def within(self):
        at = f"/proc/{self._holder.pid}/ns"
        return ["nsenter", f"--net={at}/net", f"--uts={at}/uts"]

    def type(self, script, **options):
        """Types a script into a shell of root's there, and returns the output."""
        done = subprocess.run(
            [*self.within(), "chroot", self.root, "/bin/bash", "-euc", f"cd /root\n{script}"],
            env={**debian.ENVIRONMENT, "HOSTNAME": self.name}, text=True, timeout=300,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options},
        )
        assert done.returncode == 0, f"{self.name}: exit {done.returncode}\n{done.stdout}"
        return done.stdout


    def spawn(self, account, *command):
        """Starts a program at a terminal, as the account, on this host's network."""
        argv = [*self.within(), *account.running(*command)]
        child = pexpect.spawn(
            argv[0], argv[1:], env={**debian.ENVIRONMENT, "HOME": account.home, "TERM": "xterm"}, encoding="utf-8",
            timeout=doors.TIMEOUT_SECONDS, dimensions=(50, 120),
        )
        child.delaybeforesend = None
        return child

    def becomes(self, caller, account, code):
        """Returns whether `caller` becomes `account` by su with that user's password and this code."""
        child = self.spawn(caller, "su", account.name, "-c", "echo let in")
        for prompt, reply in ((debian.PASSWORD, account.password), (debian.CODE, code)):
            child.expect_exact(prompt)
            child.sendline(reply)
        found = child.expect(["let in\r", "Authentication failure", "su: [^\r]+"])
        child.close(force=True)
        return found == 0


class Network:
    """`with Network(FRESH, PLACE, {"e1": "192.0.2.1", ...}) as hosts:` maps names to hosts; `desk` can copy files to all others."""

    def __init__(self, fresh, place, addresses):
        self._hosts = {name: Host(fresh, place, name, address) for name, address in addresses.items()}
        self._wire = None

    def __enter__(self):
        self._wire = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self._wire.stdout.readline() == "ready\n"
        self._network("ip", "link", "add", "bridge", "type", "bridge")
        self._network("ip", "link", "set", "bridge", "up")
        book = "127.0.0.1 localhost\n" + "".join(f"{host.address} {name}.{DOMAIN} {name}\n" for name, host in self._hosts.items())
        for host in self._hosts.values():
            host.begin(self._network)
            host.write("/etc/hosts", book)
        desk = self._hosts["desk"]
        desk.write("/usr/local/bin/scp", SCP, mode=0o755)
        for name, host in self._hosts.items():
            there = desk.path(f"/hosts/{name}")
            there.mkdir(parents=True)
            debian.mount("--bind", host.path("/root"), there)
        return self._hosts

    def __exit__(self, *_):
        # The desk ends first: it has the others' files mounted.
        for host in sorted(self._hosts.values(), key=lambda host: host.name != "desk"):
            host.end()
        self._wire.kill()
        self._wire.wait()

    def _network(self, *words):
        subprocess.run(["nsenter", f"--net=/proc/{self._wire.pid}/ns/net", *words], check=True)


def steps(page, word="on"):
    """Returns the commands that a manual has administrators type: for each example after a comment that names its hosts, the hosts
    and the lines. The comment begins with another word if they are typed later, or are a question.
    """
    text = pathlib.Path(page).read_text()
    for hosts, lines in re.findall(rf'^\.\\" (?:{word}): ([^\n]*)\n\.EX\n(.*?)^\.EE$', text, re.M | re.S):
        yield hosts.split(), lines.replace("\\-", "-").replace("\\e", "\\").replace("\\(aq", "'")


def own(lines, host):
    """Returns the lines with the host's own name and address, where the manual says that they stand for those."""
    return re.sub(r"^name=\w+", f"name={host.name}", re.sub(r"(?m)^(name=\w+ address=)\S+", rf"\g<1>{host.address}", lines),
                  flags=re.M)


