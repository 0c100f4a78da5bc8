"""Asks the policy that results from packaging/selinux and the distribution's own policy for each right that packaging/selinux promises.

Takes half a minute and no kernel with SELinux. The package selinux-policy-default is downloaded with apt-get and only
unpacked, because installing it would give the machine a policy; everything is linked in a store below pytest's own
directory. These tests look at type enforcement: which domain may do what to which type, for any setting of the booleans.
"""

import pathlib
import shutil
import stat
import subprocess

import pytest
import setools

TOP = pathlib.Path(__file__).resolve().parents[2]
SOURCES = TOP / "packaging/selinux"
HEADERS = pathlib.Path("/usr/share/selinux/devel/Makefile")
MACHINES_OWN = [pathlib.Path("/etc/selinux"), pathlib.Path("/var/lib/selinux")]

RECORDS = "var_auth_t"
HELPER = "pam_otp_helper_t"
HELPER_FILE = "pam_otp_helper_exec_t"
FLEET = "pam_otp_fleet_t"
FLEET_FILE = "pam_otp_fleet_exec_t"
FLEET_KEY = "pam_otp_fleet_etc_t"
FLEET_PORT = "pam_otp_port_t"

# The actions of pam_otp.so as root in a login program, and the rights that they need.
IN_A_LOGIN = [
    ("find the records", "var_lib_t", "dir", "search"),
    ("find the key that seals them", "var_run_t", "dir", "search"),
    ("read the policy and the files in /etc/pam.d", "etc_t", "file", "open read getattr"),
    ("list /etc/pam.d", "etc_t", "dir", "open read search"),
    ("open a directory of records and check who may enter it", RECORDS, "dir", "open read getattr search"),
    ("lock it (flock)", RECORDS, "dir", "lock"),
    ("make the directory of a user who enrols in a login", RECORDS, "dir", "create write add_name"),
    ("give it its group and mode, and take over what the helper made", RECORDS, "dir", "setattr"),
    ("remove it with the last file", RECORDS, "dir", "rmdir remove_name"),
    ("read credential, state, trust, first-login", RECORDS, "file", "open read getattr"),
    ("write the state in place", RECORDS, "file", "write"),
    ("write a file anew: beside it, group and mode, rename", RECORDS, "file", "create setattr rename"),
    ("remove trust when it is forgotten, and leftovers of a crash", RECORDS, "file", "unlink"),
    ("open files of a user and the user's group", "self", "capability", "dac_override dac_read_search"),
    ("take them over, and set group and mode", "self", "capability", "chown fowner fsetid"),
]

ROOT_DOMAINS = [
    "sshd_t", "local_login_t", "remote_login_t", "xdm_t", "cockpit_session_t", "crond_t", "policykit_auth_t",
    "user_sudo_t", "staff_sudo_t", "sysadm_sudo_t", "user_su_t", "staff_su_t", "sysadm_su_t",
    "newrole_t", "run_init_t", "chfn_t",
]

# Domains that start the helper, and their roles.
CALLERS = [
    ("user_t", "user_r"), ("staff_t", "staff_r"), ("sysadm_t", "sysadm_r"), ("unconfined_t", "unconfined_r"),
    ("postgresql_t", "system_r"),
]

STRANGERS = ["user_t", "staff_t", "guest_t", "postgresql_t", "httpd_t", "chkpwd_t"]

# The actions of the helper, and the rights that they need.
IN_THE_HELPER = [
    ("find the records", "var_lib_t", "dir", "search"),
    ("find the key that seals them", "var_run_t", "dir", "search"),
    ("open, lock, make and remove a user's directory, and set its group", RECORDS, "dir",
     "open read getattr search lock create setattr rmdir write add_name remove_name"),
    ("read and write a record, in place and anew", RECORDS, "file",
     "open read getattr write create setattr rename unlink"),
    ("read the policy", "etc_t", "file", "open read getattr"),
    ("be a program", HELPER_FILE, "file", "entrypoint execute read map"),
    ("be linked with libpam, and load PAM modules", "lib_t", "file", "open read map execute"),
    ("have no core file", "self", "process", "setrlimit"),
    ("have libraries that ask for the stack and for capabilities", "self", "process", "getsched getcap"),
    ("fork the process that gives the group up, and end it", "self", "process", "fork sigkill"),
    ("hear that process's result", "self", "fifo_file", "read write"),
    ("ask a helper from a PAM line in otp-enroll", HELPER_FILE, "file", "execute_no_trans"),
    ("talk with that helper", "self", "unix_stream_socket", "create read write"),
    ("write to the system log", "devlog_t", "sock_file", "write"),
    ("write to the system log", "syslogd_t", "unix_dgram_socket", "sendto"),
    ("look users up through sssd", "sssd_t", "unix_stream_socket", "connectto"),
    ("look users up through winbind", "winbind_t", "unix_stream_socket", "connectto"),
    ("look users up through systemd-userdbd", "systemd_userdbd_t", "unix_stream_socket", "connectto"),
    ("have unix_chkpwd check a password", "chkpwd_exec_t", "file", "execute read map"),
    ("have unix_chkpwd check a password", "chkpwd_t", "process", "transition"),
    ("open the audit system, which libpam insists on", "self", "netlink_audit_socket", "create nlmsg_relay write"),
    ("count wrong passwords for pam_faillock", "faillog_t", "file", "open read write lock"),
]

# The actions of otp-fleet, and the rights that they need.
IN_OTP_FLEET = [
    ("read the policy", "etc_t", "file", "open read getattr"),
    ("find the machine's key and certificates", FLEET_KEY, "dir", "search"),
    ("read them", FLEET_KEY, "file", "open read getattr"),
    ("read an authority that other programs use too", "cert_t", "file", "open read getattr"),
    ("find the group of the records", "var_lib_t", "dir", "search"),
    ("find the group of the records", RECORDS, "dir", "getattr"),
    ("speak to a verifier", "self", "tcp_socket", "create connect read write setopt getopt shutdown"),
    ("speak to a verifier", FLEET_PORT, "tcp_socket", "name_connect"),
    ("look up where a verifier is", "self", "udp_socket", "create connect read write"),
    ("look up where a verifier is", "dns_port_t", "tcp_socket", "name_connect"),
    ("look up where a verifier is", "net_conf_t", "file", "open read getattr"),
    ("be a program", FLEET_FILE, "file", "entrypoint execute read map"),
    ("be linked with the C library", "lib_t", "file", "open read map execute"),
    ("have no core file", "self", "process", "setrlimit"),
    ("try verifiers beside each other", "self", "process", "fork getsched"),
    ("become root as a whole", "self", "capability", "setuid setgid"),
    ("write to the system log", "devlog_t", "sock_file", "write"),
    ("write to the system log", "syslogd_t", "unix_dgram_socket", "sendto"),
    ("look users up through sssd", "sssd_t", "unix_stream_socket", "connectto"),
]

# useradd and userdel need these rights to run our hook; if it fails, they fail. A plain file in /etc/shadow-maint would be
# shadow_t, which they may not run; a link there is etc_t, and leads to a program like any other.
IN_USERADD = [
    ("follow the link", "etc_t", "lnk_file", "read getattr"),
    ("run what it leads to", "bin_t", "file", "open read getattr execute execute_no_trans map"),
    ("run it by the shell", "shell_exec_t", "file", "open read getattr execute execute_no_trans map"),
]

FILES = ["file", "dir", "lnk_file", "sock_file", "fifo_file", "chr_file", "blk_file"]
WRITING = {"write", "append", "create", "unlink", "rename", "setattr", "link", "relabelto", "relabelfrom"}

# Every type of file that the helper may change, and why that gives no way out of it.
HELPER_WRITES = {
    RECORDS: "its purpose",
    "faillog_t": "pam_faillock; the files are root's or their owner's own",
    HELPER: "its own entries in /proc",
}

LABELS = {
    "/var/lib/pam_otp": RECORDS,
    "/var/lib/pam_otp/alice": RECORDS,
    "/var/lib/pam_otp/alice/credential.toml": RECORDS,
    "/var/lib/pam_otp/alice/.credential.toml.new": RECORDS,
    "/var/lib/pam_otp/alice/state": RECORDS,
    "/run/pam_otp": RECORDS,
    "/run/pam_otp/seal": RECORDS,
    "/usr/libexec/pam_otp": "bin_t",
    "/usr/libexec/pam_otp/forget-gone": "bin_t",
    "/usr/libexec/pam_otp/otp-helper": HELPER_FILE,
    "/usr/libexec/pam_otp/otp-mail": "bin_t",
    "/usr/libexec/pam_otp/otp-fleet": FLEET_FILE,
    "/etc/pam_otp-fleet": FLEET_KEY,
    "/etc/pam_otp-fleet/machine.key": FLEET_KEY,
    "/etc/pam_otp-fleet/machine.pem.new": FLEET_KEY,
    "/usr/libexec/pam_otp/otp-fleet-admin": "bin_t",
    "/usr/sbin/otp-verifier": "bin_t",
    "/usr/libexec/pam_otp/otp-portal-login": "bin_t",
    "/usr/sbin/otp-portal": "bin_t",
    "/var/lib/pam_otp-portal": "var_lib_t",
    "/var/lib/pam_otp-portal-login": "var_lib_t",
    "/usr/bin/otp-enroll": "bin_t",
    "/usr/sbin/otp-admin": "bin_t",
    "/usr/lib/x86_64-linux-gnu/security/pam_otp.so": "lib_t",
    "/usr/lib64/security/pam_otp.so": "lib_t",
    "/etc/security/pam_otp.conf": "etc_t",
    "/etc/pam.d/otp-enroll": "etc_t",
    # Neighbours that do not belong to pam_otp.
    "/var/lib/pam_otp.old": "var_lib_t",
    "/usr/libexec/pam_otp/otp-helper.new": "bin_t",
}


class Policy:
    """A linked policy, and the rights that it gives."""

    def __init__(self, store):
        (binary,) = store.glob("etc/selinux/default/policy/policy.*")
        self.rules = setools.SELinuxPolicy(str(binary))
        self.labels = store / "etc/selinux/default/contexts/files/file_contexts"
        self.members = {str(one): {str(type_) for type_ in one.expand()} for one in self.rules.typeattributes()}
        self.members |= {str(one): {str(one)} for one in self.rules.types()}
        # The rules are read once: each query of setools goes through all of a hundred thousand.
        self.allow = []
        for rule in self.rules.terules():
            if rule.ruletype == setools.TERuletype.allow:
                permissions, conditional = frozenset(map(str, rule.perms)), is_conditional(rule)
                self.allow.append((str(rule.source), str(rule.target), str(rule.tclass), permissions, conditional))

    def allowed(self, source, target, tclass, with_booleans):
        """Returns the permissions of one domain; `with_booleans`: also those that some boolean would give."""
        target = source if target == "self" else target
        found = set()
        for whose, to, of, permissions, conditional in self.allow:
            if of == tclass and source in self.members[whose] and target in self.members[to]:
                if with_booleans or not conditional:
                    found |= permissions
        return found

    def targets(self, source, classes, wanted, with_booleans):
        """Returns the types of these classes to which a domain has one of these permissions."""
        found = set()
        for whose, to, of, permissions, conditional in self.allow:
            if of in classes and wanted & permissions and source in self.members[whose]:
                if with_booleans or not conditional:
                    found |= self.members[to]
        return found

    def sources(self, target, tclass, permission):
        """Returns the domains that have a permission to a type, with or without some boolean."""
        found = set()
        for whose, to, of, permissions, _ in self.allow:
            if of == tclass and permission in permissions and target in self.members[to]:
                found |= self.members[whose]
        return found

    def becomes(self, source, target, tclass, name=None):
        """Returns the type that a process or file gets by default; `None`: nothing special."""
        query = setools.TERuleQuery(self.rules, ruletype=["type_transition"], tclass=[tclass])
        query.source, query.source_indirect, query.target = source, True, target
        found = {str(rule.default) for rule in query.results() if file_name(rule) == name}
        assert len(found) <= 1
        return found.pop() if found else None

    def types_of_role(self, role):
        return {str(one) for one in self.rules.lookup_role(role).types()}

    def label(self, path, *options):
        said = run("selabel_lookup", "-b", "file", "-f", self.labels, *options, "-k", path)
        return said.strip().split(":")[3]


def is_conditional(rule):
    try:
        return bool(rule.conditional)
    except setools.exception.RuleNotConditional:
        return False


def file_name(rule):
    try:
        return rule.filename
    except (setools.exception.TERuleNoFilename, setools.exception.RuleUseError):
        return None


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}"
    return done.stdout


def listing(directories):
    """Returns every file below the directories, with data that any change to it would change."""
    found = {}
    for directory in directories:
        for path in [directory, *sorted(directory.rglob("*"))]:
            if path.exists():
                status = path.stat()
                found[str(path)] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


@pytest.fixture(scope="session")
def before():
    """The machine's own SELinux files, as they were before anything was built."""
    return listing(MACHINES_OWN)


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("selinux")


@pytest.fixture(scope="session")
def module(place, before):
    """Our module, compiled as a package would compile it, and the port."""
    assert HEADERS.exists(), "the package selinux-policy-dev is missing"
    sources = place / "module"
    sources.mkdir()
    for name in ["pam_otp.te", "pam_otp.fc", "pam_otp.if"]:
        shutil.copy(SOURCES / name, sources)
    run("make", "-f", HEADERS, "NAME=default", "pam_otp.pp", cwd=sources)
    return [sources / "pam_otp.pp", SOURCES / "pam_otp_port.cil"]


@pytest.fixture(scope="session")
def distributions_store(place, before):
    """The distribution's modules, linked in a store of our own."""
    package = place / "package"
    package.mkdir()
    run(TOP / "tests/apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "selinux-policy-default", cwd=package)
    (archive,) = package.glob("*.deb")
    run("dpkg-deb", "-x", archive, package)
    store = place / "without"
    shutil.copytree(package / "etc/selinux", store / "etc/selinux")
    (store / "etc/selinux/semanage.conf").write_text("module-store = direct\nexpand-check = 1\n")
    (store / "var/lib/selinux").mkdir(parents=True)
    modules = sorted((package / "usr/share/selinux/default").glob("*.pp.bz2"))
    assert len(modules) > 100
    install(store, 100, modules)
    return store


def install(store, priority, modules):
    """Links modules into a store: `-n` and `-N` keep the running kernel out of it."""
    run("semodule", "-n", "-N", "-p", store, "-s", "default", "-X", str(priority), "-i", *modules)


@pytest.fixture(scope="session")
def without(distributions_store):
    """The distribution's policy without our module."""
    return Policy(distributions_store)


@pytest.fixture(scope="session")
def policy(place, distributions_store, module):
    """The distribution's policy with our module."""
    store = place / "with"
    shutil.copytree(distributions_store, store)
    install(store, 400, module)
    return Policy(store)


@pytest.mark.parametrize("domain", ROOT_DOMAINS)
def test_a_program_that_is_root_has_the_rights_that_the_module_needs_in_it(policy, domain):
    missing = [
        (why, target, tclass, permission)
        for why, target, tclass, permissions in IN_A_LOGIN
        for permission in permissions.split()
        if permission not in policy.allowed(domain, target, tclass, with_booleans=False)
    ]
    assert missing == []


def test_useradd_may_run_our_hook_and_never_fails_because_of_it(policy, without):
    """A plain file there would be one that it may not run. The hook only logs that it may not change the records."""
    for each in (policy, without):
        missing = [
            (why, permission)
            for why, target, tclass, permissions in IN_USERADD
            for permission in permissions.split()
            if permission not in each.allowed("useradd_t", target, tclass, with_booleans=False)
        ]
        assert missing == []
    hook = "/etc/shadow-maint/useradd-pre.d/pam-otp"
    assert (policy.label(hook), policy.label(hook, "-t", str(stat.S_IFLNK))) == ("shadow_t", "etc_t")
    assert "execute" not in policy.allowed("useradd_t", "shadow_t", "file", with_booleans=True)


def test_the_distribution_alone_would_not_let_everybody_log_in(policy, without):
    """The reason for the module: if this fails one day, part of the module can go."""
    assert "create" not in without.allowed("sshd_t", RECORDS, "dir", with_booleans=True)
    assert "dac_override" not in without.allowed("sshd_t", "self", "capability", with_booleans=False)
    assert not without.allowed("staff_sudo_t", RECORDS, "file", with_booleans=True)
    assert not without.allowed("staff_su_t", RECORDS, "file", with_booleans=True)


@pytest.mark.parametrize("domain", STRANGERS)
def test_domains_that_are_not_root_have_no_access_to_the_records(policy, domain):
    for tclass in FILES:
        assert not policy.allowed(domain, RECORDS, tclass, with_booleans=True)


@pytest.mark.parametrize("permission", ["read", "write"])
def test_the_records_are_given_to_login_programs_and_the_helper_alone(policy, without, permission):
    given = policy.sources(RECORDS, "file", permission) - without.sources(RECORDS, "file", permission)
    assert given <= {*ROOT_DOMAINS, HELPER, "auditadm_sudo_t", "secadm_sudo_t"}
    assert HELPER in given


@pytest.mark.parametrize("caller, role", CALLERS)
def test_a_caller_becomes_the_helper_by_starting_it(policy, caller, role):
    assert policy.becomes(caller, HELPER_FILE, "process") == HELPER
    assert {"execute", "read", "open", "getattr"} <= policy.allowed(caller, HELPER_FILE, "file", with_booleans=False)
    assert "transition" in policy.allowed(caller, HELPER, "process", with_booleans=False)
    assert {HELPER, "chkpwd_t"} <= policy.types_of_role(role)


@pytest.mark.parametrize("caller, role", CALLERS)
def test_caller_and_helper_can_talk_and_the_caller_can_end_it(policy, caller, role):
    assert {"read", "write"} <= policy.allowed(HELPER, caller, "unix_stream_socket", with_booleans=False)
    assert "use" in policy.allowed(HELPER, caller, "fd", with_booleans=False)
    assert "sigchld" in policy.allowed(HELPER, caller, "process", with_booleans=False)
    assert "sigkill" in policy.allowed(caller, HELPER, "process", with_booleans=False)


@pytest.mark.parametrize("caller", ["user_t", "staff_t", "postgresql_t"])
def test_a_caller_can_neither_trace_the_helper_nor_change_its_file(policy, caller):
    assert not {"ptrace", "dyntransition", "setrlimit"} & policy.allowed(caller, HELPER, "process", with_booleans=True)
    assert not WRITING & policy.allowed(caller, HELPER_FILE, "file", with_booleans=True)


@pytest.mark.parametrize("why, target, tclass, permissions", IN_THE_HELPER)
def test_the_helper_has_the_rights_that_it_needs(policy, why, target, tclass, permissions):
    assert set(permissions.split()) <= policy.allowed(HELPER, target, tclass, with_booleans=False), why


def test_the_helper_changes_no_other_files(policy):
    assert policy.targets(HELPER, ["file", "dir", "lnk_file"], WRITING, with_booleans=True) == set(HELPER_WRITES)


@pytest.mark.parametrize(
    "secret", ["shadow_t", "sshd_key_t", "krb5_keytab_t", "user_home_t", "ssh_home_t", "user_tmp_t"]
)
def test_the_helper_reads_no_other_secrets(policy, secret):
    assert not {"read", "map"} & policy.allowed(HELPER, secret, "file", with_booleans=True)


def test_the_helper_can_become_only_unix_chkpwd_and_otp_fleet(policy):
    transitions = {"transition", "dyntransition"}
    assert policy.targets(HELPER, ["process"], transitions, with_booleans=True) == {"chkpwd_t", FLEET}
    assert policy.targets(HELPER, ["file"], {"execute_no_trans"}, with_booleans=True) == {HELPER_FILE}
    assert policy.targets(HELPER, ["file"], {"entrypoint"}, with_booleans=True) == {HELPER_FILE}
    assert not {"setexec", "setcurrent", "execmem", "ptrace"} & policy.allowed(HELPER, "self", "process", True)


def test_the_helper_has_no_capability_that_opens_anything(policy):
    assert policy.allowed(HELPER, "self", "capability", with_booleans=False) == {"audit_write"}
    assert not policy.allowed(HELPER, "self", "capability2", with_booleans=True)


def test_the_helper_reaches_the_network_only_to_look_up_names(policy, without):
    connects = ["tcp_socket", "udp_socket"]
    assert policy.targets(HELPER, connects, {"name_connect"}, with_booleans=False) == {"dns_port_t"}
    assert policy.targets(HELPER, connects, {"name_bind"}, with_booleans=False) == set()
    # With all booleans, no more than the rights by which the distribution lets unix_chkpwd look users up.
    everything = {"name_connect", "name_bind"}
    assert policy.targets(HELPER, connects, everything, True) <= without.targets("chkpwd_t", connects, everything, True)


@pytest.mark.parametrize("caller", [HELPER, *ROOT_DOMAINS])
def test_a_domain_that_checks_codes_becomes_otp_fleet_by_starting_it(policy, caller):
    assert policy.becomes(caller, FLEET_FILE, "process") == FLEET
    assert {"execute", "read", "open", "getattr"} <= policy.allowed(caller, FLEET_FILE, "file", with_booleans=False)
    assert {"transition", "sigkill"} <= policy.allowed(caller, FLEET, "process", with_booleans=False)
    # systemd starts polkit's agent in this way.
    assert "nnp_transition" in policy.allowed(caller, FLEET, "process2", with_booleans=False)
    assert {"create", "read", "write"} <= policy.allowed(caller, "self", "unix_stream_socket", with_booleans=False)
    assert {"read", "write"} <= policy.allowed(FLEET, caller, "unix_stream_socket", with_booleans=False)
    assert "use" in policy.allowed(FLEET, caller, "fd", with_booleans=False)
    assert "sigchld" in policy.allowed(FLEET, caller, "process", with_booleans=False)


def test_every_role_that_checks_codes_may_be_in_otp_fleet(policy):
    """A login's role must have the domain, or otp-fleet could not enter it and the login would be refused."""
    for role in map(str, policy.rules.roles()):
        # object_r has every type, but no process.
        if role != "object_r" and policy.types_of_role(role) & {HELPER, *ROOT_DOMAINS}:
            assert FLEET in policy.types_of_role(role), role


@pytest.mark.parametrize("why, target, tclass, permissions", IN_OTP_FLEET)
def test_otp_fleet_has_the_rights_that_it_needs(policy, why, target, tclass, permissions):
    assert set(permissions.split()) <= policy.allowed(FLEET, target, tclass, with_booleans=False), why


def test_otp_fleet_reaches_verifiers_and_names_and_nothing_else(policy, without):
    connects = ["tcp_socket", "udp_socket"]
    assert policy.targets(FLEET, connects, {"name_connect"}, with_booleans=False) == {"dns_port_t", FLEET_PORT}
    assert policy.targets(FLEET, connects, {"name_bind"}, with_booleans=False) == set()
    everything = {"name_connect", "name_bind"}
    names = without.targets("chkpwd_t", connects, everything, True)
    assert policy.targets(FLEET, connects, everything, True) <= names | {FLEET_PORT}


def test_otp_fleet_cannot_read_the_records_and_changes_no_file(policy):
    assert policy.allowed(FLEET, RECORDS, "dir", with_booleans=True) <= {"getattr", "search"}
    assert not policy.allowed(FLEET, RECORDS, "file", with_booleans=True)
    assert policy.targets(FLEET, ["file", "dir", "lnk_file"], WRITING, with_booleans=True) <= {FLEET}
    for secret in ("shadow_t", "sshd_key_t", "krb5_keytab_t", "user_home_t", "ssh_home_t", "user_tmp_t", "tls_privkey_t"):
        assert not {"read", "map"} & policy.allowed(FLEET, secret, "file", with_booleans=True)


def test_otp_fleet_can_become_no_other_domain(policy):
    transitions = {"transition", "dyntransition"}
    assert policy.targets(FLEET, ["process"], transitions, with_booleans=True) == set()
    assert policy.targets(FLEET, ["file"], {"execute_no_trans"}, with_booleans=True) == set()
    assert policy.targets(FLEET, ["file"], {"entrypoint"}, with_booleans=True) == {FLEET_FILE}
    assert not {"setexec", "setcurrent", "execmem", "ptrace"} & policy.allowed(FLEET, "self", "process", True)
    assert policy.allowed(FLEET, "self", "capability", with_booleans=False) == {"setgid", "setuid"}


def test_the_key_of_a_machine_is_read_by_otp_fleet_and_administrators_alone(policy):
    # Administrators read everything, as unconfined_t does.
    readers = policy.sources(FLEET_KEY, "file", "read") - policy.members["files_unconfined_type"]
    assert readers <= policy.sources("shadow_t", "file", "read") | {FLEET, "sysadm_t"}
    assert FLEET in readers
    assert not readers & {HELPER, *STRANGERS, *ROOT_DOMAINS}


@pytest.mark.parametrize("administrator", ["sysadm_t", "unconfined_t"])
def test_otp_fleet_of_an_administrator_has_their_rights(policy, administrator):
    assert policy.becomes(administrator, FLEET_FILE, "process") is None
    assert "execute_no_trans" in policy.allowed(administrator, FLEET_FILE, "file", with_booleans=False)
    assert "name_connect" in policy.allowed(administrator, FLEET_PORT, "tcp_socket", with_booleans=False)
    assert {"create", "write", "relabelto"} <= policy.allowed(administrator, FLEET_KEY, "file", with_booleans=False)
    assert policy.becomes(administrator, "etc_t", "dir", name="pam_otp-fleet") == FLEET_KEY


def test_the_port_of_verifiers_has_its_label_and_they_may_listen_there(policy):
    (port,) = [one for one in policy.rules.portcons() if tuple(one.ports) == (6238, 6238)]
    assert (str(port.protocol), str(port.context.type_)) == ("tcp", FLEET_PORT)
    # otp-verifier has no domain of its own: systemd starts it like any program.
    assert "name_bind" in policy.allowed("initrc_t", FLEET_PORT, "tcp_socket", with_booleans=False)


@pytest.mark.parametrize("domain", ["unconfined_t", "sysadm_t", "dpkg_script_t"])
def test_each_domain_that_makes_the_directory_of_records_makes_it_with_its_label(policy, domain):
    assert policy.becomes(domain, "var_lib_t", "dir", name="pam_otp") == RECORDS


@pytest.mark.parametrize("path, label", LABELS.items())
def test_every_path_has_its_label(policy, path, label):
    assert policy.label(path) == label


def test_nothing_of_the_machine_has_changed(policy, before):
    assert listing(MACHINES_OWN) == before

