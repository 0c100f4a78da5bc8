#!/bin/bash
# pexpect 4.9.0 (with ptyprocess 0.7.0): after expect(EOF), close() reports "ended by SIGHUP" or the program's own exit status for
# one and the same program, and the moment at which the end of the terminal is read decides. The program closes its terminal,
# works on for a second, and exits with 0, as ssh clients do that tidy up last. If the end comes together with the last output,
# pexpect waits for the program. If it comes a moment later, pexpect does not wait: close() sends SIGHUP a tenth of a second
# later, and exitstatus is None. wait() before close() gives 0 in both cases.
#
# Seen: "end with the last output: 0 None", "end a moment later: None 1", "end a moment later, wait() before close(): 0 None".
# Exits 1 if that has changed.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check pexpect==4.9.0 ptyprocess==0.7.0
found=$("$work/venv/bin/python" - <<'END'
import time

import pexpect

TIDY_UP = "exec 0<&- 1>&- 2>&-; sleep 1; exit 0"


def ended(script, late=0, wait=False):
    child = pexpect.spawn("/bin/sh", ["-c", script], timeout=60)
    time.sleep(late)
    child.expect("done")
    child.expect(pexpect.EOF)
    if wait:
        child.wait()
    child.close()
    return f"{child.exitstatus} {child.signalstatus}"


print("end with the last output:", ended(f"echo done; {TIDY_UP}", late=0.5))
print("end a moment later:", ended(f"echo done; sleep 0.3; {TIDY_UP}"))
print("end a moment later, wait() before close():", ended(f"echo done; sleep 0.3; {TIDY_UP}", wait=True))
END
)
echo "pexpect 4.9.0"
echo "$found"
[ "$found" = "end with the last output: 0 None
end a moment later: None 1
end a moment later, wait() before close(): 0 None" ]
