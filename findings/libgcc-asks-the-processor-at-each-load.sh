#!/bin/bash
# libgcc_s 12.2.0 (Debian 12), x86-64: each load runs a constructor that asks the processor for its features, with a dozen CPUID
# instructions, even if nothing will ever use the answer. On a virtual machine each of them traps to the hypervisor (6 us each
# on the machine where this was written). dlclose unloads the library, so a plugin in a program that does not use libgcc_s
# otherwise, such as a PAM module in Rust or C++, pays for them each time it is loaded. libz, loaded in the same way, asks
# nothing.
#
# Seen: 12 CPUID during dlopen of libgcc_s.so.1, again 12 after dlclose; 0 for libz.so.1.
# Needs gcc and the right to trace. It counts by single steps, so its own speed does not matter. Exits 1 if that has
# changed.
set -eu
GCC=12.2.0-14+deb12u1
ZLIB=1:1.2.13.dfsg-1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -q -o APT::Sandbox::User=root "libgcc-s1=$GCC" "zlib1g=$ZLIB" > /dev/null &&
    for package in *.deb; do dpkg-deb -x "$package" .; done)
cat > "$work/count.c" <<'END'
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words)
{
    int status, loads = 0, asked = 0;
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        for (int at = 0; at < 2; at++) {
            raise(SIGUSR1);
            void *library = dlopen(words[1], RTLD_NOW);
            raise(SIGUSR2);
            if (library == NULL || dlclose(library) != 0)
                _exit(1);
        }
        _exit(0);
    }
    while (waitpid(child, &status, 0) == child && !WIFEXITED(status)) {
        struct user_regs_struct registers;
        if (WSTOPSIG(status) == SIGUSR1) {
            loads++, asked = 0;
        } else if (WSTOPSIG(status) == SIGUSR2) {
            printf("%d\n", asked);
            loads = -loads;
        }
        if (loads > 0 || WSTOPSIG(status) == SIGUSR1) {
            ptrace(PTRACE_GETREGS, child, NULL, &registers);
            errno = 0;
            long code = ptrace(PTRACE_PEEKTEXT, child, (void *)registers.rip, NULL);
            asked += errno == 0 && (code & 0xffff) == 0xa20f;
            ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
        } else {
            loads = -loads;
            ptrace(PTRACE_CONT, child, NULL, NULL);
        }
    }
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}
END
gcc -O1 -o "$work/count" "$work/count.c" -ldl
asked() { "$work/count" "$(realpath "$(find "$work" -name "$1")")" | paste -s -d ' '; }
libgcc=$(asked libgcc_s.so.1)
libz=$(asked libz.so.1)
echo "CPUID at the first and at the second load: libgcc_s.so.1 $libgcc, libz.so.1 $libz"
read -r first second <<< "$libgcc"
[ "$first" -ge 2 ] && [ "$first" = "$second" ] && [ "$libz" = "0 0" ]
