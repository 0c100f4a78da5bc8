#!/bin/bash
# Prints the codes that a program of Debian shows: `in_debian.sh keepassxc|pass-otp|cotp FOLDER`, inside a system that has the
# program, at the time of the process (libfaketime). FOLDER/uris has a URI on each line. Each line of FOLDER/answers answers one of
# them, and is empty if the URI is refused. Nothing here is secret: the keys are made for this test.
set -eu
export HOME=$2 GNUPGHOME=$2/gpg PASSWORD_STORE_DIR=$2/store QT_QPA_PLATFORM=offscreen
cd "$2"

keepassxc() {
    local entry=0
    {
        echo '<?xml version="1.0" encoding="UTF-8"?><KeePassFile><Meta><Generator>t</Generator></Meta><Root><Group>'
        echo '<UUID>AAAAAAAAAAAAAAAAAAAAAQ==</UUID><Name>Root</Name>'
        while read -r uri; do
            entry=$((entry + 1))
            echo "<Entry><UUID>$(printf %016d $entry | base64)</UUID><String><Key>Title</Key><Value>e$entry</Value></String>"
            echo "<String><Key>otp</Key><Value>${uri//&/&amp;}</Value></String></Entry>"
        done < uris
        echo '</Group></Root></KeePassFile>'
    } > entries.xml
    printf 'pw\npw\n' | keepassxc-cli import -q -p -t 100 entries.xml entries.kdbx > /dev/null 2>&1
    for ((number = 1; number <= entry; number++)); do
        printf 'pw\n' | keepassxc-cli show -q -t entries.kdbx "e$number" 2> /dev/null || echo
    done
}

pass-otp() {
    mkdir -m 700 "$GNUPGHOME"
    gpg -q --batch --passphrase '' --pinentry-mode loopback --quick-gen-key nobody@example.org rsa2048 encr > /dev/null 2>&1
    pass init nobody@example.org > /dev/null
    while read -r uri; do
        { pass otp insert -f entry <<< "$uri" && pass otp code entry; } 2> /dev/null < /dev/null | tail -n 1 | grep . || echo
    done < uris
}

# cotp adds each entry to a copy of empty.cotp, so that a refused entry keeps no other out. It asks a terminal for the password.
cotp() {
    while read -r uri; do
        cp empty.cotp one.cotp
        printf '{"items":["%s"]}' "$uri" > batch
        {
            asked import --otp-uri --path batch > /dev/null && asked list --json | sed -n 's/.*"otp_code": *"\([0-9]*\)".*/\1/p'
        } 2> /dev/null | grep . || echo
    done < uris
}

asked() {
    command cotp --password-stdin --database-path "$PWD/one.cotp" "$@" <<< "password-of-cotp"
}

"$1" > answers
