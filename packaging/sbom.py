#!/usr/bin/python3
"""Lists the crates in the binaries of each package, and their licences.

    packaging/sbom.py DIRECTORY

writes into DIRECTORY, for each PACKAGE of pam-otp, pam-otp-verifier and pam-otp-portal,

    PACKAGE.cdx.json                    a software bill of materials, CycloneDX 1.5
    PACKAGE.THIRD-PARTY-LICENSES.txt    the licence texts of all crates in its binaries that are not ours

Cargo knows which crates a crate needs, but not which of its programs need them. otp-fleet, a machine's client, is in one crate with
the verifier, so its list has everything that the verifier needs, although the linker leaves most of it out.

Needs Python 3.11, the toolchain that the release is built with, and the crates (`cargo fetch --locked`). The same
commit and toolchain give the same bytes in every folder, on every machine of one kind. The files have a date only if
SOURCE_DATE_EPOCH gives one. Nothing is written if a licence text is missing.
"""

import collections
import dataclasses
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import uuid
from urllib.parse import quote

TOP = pathlib.Path(__file__).resolve().parent.parent
PRODUCT = "pam-otp"

# For each package, the crate of the workspace that each binary is built from.
BINARIES = {
    "pam-otp": {
        "pam_otp.so": "pam_otp",
        "otp-helper": "otp-helper",
        "otp-mail": "otp-mail",
        "otp-enroll": "otp-enroll",
        "otp-admin": "otp-enroll",
        "otp-notify": "otp-hooks",
        "otp-fleet": "otp-fleet",
    },
    "pam-otp-verifier": {
        "otp-verifier": "otp-fleet",
        "otp-fleet-admin": "otp-fleet",
    },
    "pam-otp-portal": {
        "otp-portal": "otp-portal",
        "otp-portal-login": "otp-portal",
    },
}

# For each licence, a sentence that no other licence has. A file without any of these sentences, such as "MIT or Apache, see
# elsewhere", is reproduced but does not count as the text of a licence. Add other licences when .deny.toml admits them.
WORDING = {
    "0BSD": "for any purpose with or without fee is hereby granted. THE SOFTWARE",
    "Apache-2.0": "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION",
    "BSD-3-Clause": "Neither the name of",
    "CC0-1.0": "CC0 1.0 Universal",
    "ISC": "provided that the above copyright notice and this permission notice appear in all copies",
    "MIT": "The above copyright notice and this permission notice shall be included in all copies or",
    "Unicode-3.0": "UNICODE LICENSE V3",
    "Zlib": "Altered source versions must be plainly marked as such",
}
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, order=True)
class Crate:
    name: str
    version: str
    purl: str
    ours: bool
    licence: str
    description: str
    homepage: str
    repository: str
    authors: tuple
    # SHA-256 of the archive on crates.io, and the directory where it is unpacked; empty for crates that are not from there.
    checksum: str
    directory: pathlib.Path | None

    def __str__(self):
        return f"{self.name} {self.version}"


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        refuse("which directory?", "usage: packaging/sbom.py DIRECTORY")
    build = Build()
    written = {}
    for package in BINARIES:
        contents = Contents(build, package)
        written[f"{package}.cdx.json"] = bill_of_materials(contents, os.environ.get("SOURCE_DATE_EPOCH"))
        written[f"{package}.THIRD-PARTY-LICENSES.txt"] = third_party_licences(contents)
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        (directory / name).write_text(text, encoding="utf-8")


def refuse(problem, hint):
    sys.exit(f"packaging/sbom.py: {problem}\nhint: {hint}")


def product_purl(package, version):
    return f"pkg:generic/{package}@{version}"


# ---------------------------------------------------------------------------------------------- the crates in the binaries

class Build:
    """Every crate of the release, and the crates that it needs.

    This comes from `cargo tree` and not from the graph of `cargo metadata`: that graph has the features that development
    dependencies switch on, and with them crates that no binary contains.
    """

    def __init__(self):
        toolchain = dict(re.findall(r"^(\w+): (.*)$", run("rustc", "--version", "--verbose"), re.MULTILINE))
        workspace = tomllib.loads((TOP / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]
        self.version, self.licence, self.description = (workspace[key] for key in ("version", "license", "description"))
        crates = self._crates(toolchain["host"])
        self.linked = self._graph(crates, toolchain["host"], "normal,no-proc-macro")
        self.needs = self._graph(crates, toolchain["host"], "normal,build")
        self.standard_library = rust_standard_library(toolchain["release"])

    @staticmethod
    def _crates(host):
        lock = tomllib.loads((TOP / "Cargo.lock").read_text(encoding="utf-8"))["package"]
        locked = {(package["name"], package["version"]): package.get("checksum") for package in lock}
        known = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", host))
        crates = {}
        for package in known["packages"]:
            name, version, checksum = package["name"], package["version"], locked[package["name"], package["version"]]
            ours = package["id"] in known["workspace_members"]
            if not ours and checksum is None:
                refuse(f"{name} {version} has no checksum in Cargo.lock", "take it from crates.io")
            crates[name, version] = Crate(
                name=name,
                version=version,
                # Ours are not on crates.io. A tool that looks for advisories must not take a stranger's crate for one of ours.
                purl=f"{product_purl(PRODUCT, version)}#{name}" if ours else f"pkg:cargo/{name}@{quote(version, safe='')}",
                ours=ours,
                # Older crates have a form that Cargo still accepts instead of an SPDX expression.
                licence=" ".join((package["license"] or "").replace("/", " OR ").split()),
                description=" ".join((package["description"] or "").split()),
                homepage=package["homepage"] or "",
                repository=package["repository"] or "",
                authors=tuple(re.sub(r"\s*<.*?>", "", author) for author in package["authors"]),
                checksum=checksum or "",
                directory=pathlib.Path(package["manifest_path"]).parent,
            )
        return crates

    @staticmethod
    def _graph(crates, host, edges):
        """Maps each crate of the release build to the crates that it needs, over edges of these kinds.

        cargo reads the whole workspace at once, as for a release: one program's features reach the crates of another.
        """
        graph, path = {}, []
        for line in cargo("tree", "--workspace", "--target", host, "--edges", edges, "--prefix", "depth", "--no-dedupe",
                          "--format", " {p}").splitlines():
            # cargo prints an empty line between the trees of two members.
            if not line.strip():
                continue
            depth, name, version = re.match(r"(\d+) (\S+) v(\S+)", line).groups()
            crate = crates[name, version]
            del path[int(depth):]
            graph.setdefault(crate, set())
            if path:
                graph[path[-1]].add(crate)
            path.append(crate)
        return graph


class Contents:
    """The crates in each binary of a package, those that only took part in building it, and the crates that each needs."""

    def __init__(self, build, package):
        self.package = package
        self.version, self.licence, self.description = build.version, build.licence, build.description
        roots = {binary: next(crate for crate in build.linked if crate.ours and crate.name == name)
                 for binary, name in BINARIES[package].items()}
        self.programs = sorted(set(roots.values()))
        linked = {crate: set(needed) for crate, needed in build.linked.items()}
        self.needs = {crate: set(needed) for crate, needed in build.needs.items()}
        linked[build.standard_library] = self.needs[build.standard_library] = set()
        for program in self.programs:
            linked[program].add(build.standard_library)
            self.needs[program].add(build.standard_library)
        # Maps each crate to the binaries that it is in, and to those that need it only to be built.
        self.linked = binaries_of(linked, roots)
        self.building = {crate: binaries for crate, binaries in binaries_of(self.needs, roots).items()
                         if crate not in self.linked}


def rust_standard_library(version):
    """Returns the Rust standard library, which is in every binary but not in Cargo.lock: it comes with the compiler."""
    return Crate(
        name="rust-std",
        version=version,
        purl=f"pkg:generic/rust-std@{quote(version, safe='')}",
        ours=False,
        licence="MIT OR Apache-2.0",
        description="The Rust standard library, as it comes with the compiler",
        homepage="https://www.rust-lang.org",
        repository="https://github.com/rust-lang/rust",
        authors=("The Rust Project Developers (see https://thanks.rust-lang.org)",),
        checksum="",
        directory=None,
    )


def binaries_of(graph, roots):
    """Maps each crate that can be reached from a binary to the binaries that reach it."""
    found = collections.defaultdict(list)
    for binary, root in roots.items():
        reached, ahead = set(), [root]
        while ahead:
            crate = ahead.pop()
            if crate not in reached:
                reached.add(crate)
                ahead.extend(graph[crate])
        for crate in reached:
            found[crate].append(binary)
    return dict(found)


def cargo(command, *arguments):
    return run("cargo", command, "--locked", *arguments)


def run(*command):
    try:
        return subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
                              encoding="utf-8").stdout
    except (OSError, subprocess.CalledProcessError) as error:
        refuse(f"{' '.join(command)}: {error}", "the toolchain and the crates of the release build are needed")


# ---------------------------------------------------------------------------------------------- the bill of materials

def bill_of_materials(contents, epoch):
    product = product_purl(contents.package, contents.version)
    metadata = {
        "component": {
            "type": "application",
            "bom-ref": product,
            "name": contents.package,
            "version": contents.version,
            "description": contents.description,
            "licenses": [{"expression": contents.licence}],
            "purl": product,
        },
    }
    if epoch:
        moment = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc)
        metadata = {"timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), **metadata}
    components = [component(crate, "required", "in", binaries) for crate, binaries in contents.linked.items()]
    components += [component(crate, "excluded", "builds", binaries) for crate, binaries in contents.building.items()]
    dependencies = {product: [crate.purl for crate in contents.programs]}
    for crate in contents.linked | contents.building:
        dependencies[crate.purl] = [needed.purl for needed in contents.needs[crate]]
    body = {
        "version": 1,
        "metadata": metadata,
        "components": sorted(components, key=lambda each: each["bom-ref"]),
        "dependencies": [{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in sorted(dependencies.items())],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    head = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
    }
    return json.dumps(head | body, indent=2, ensure_ascii=False) + "\n"


def component(crate, scope, relation, binaries):
    found = {
        "type": "library",
        "bom-ref": crate.purl,
        "name": crate.name,
        "version": crate.version,
        "description": crate.description,
        "scope": scope,
    }
    if crate.checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": crate.checksum}]
    found["licenses"] = [{"expression": crate.licence}]
    found["purl"] = crate.purl
    references = [{"type": kind, "url": url} for kind, url in
                  (("vcs", crate.repository), ("website", crate.homepage)) if url]
    if references:
        found["externalReferences"] = references
    found["properties"] = [{"name": f"{PRODUCT}:{relation}", "value": binary} for binary in sorted(binaries)]
    return found


# -------------------------------------------------------------------------------------------------------- the licences

def third_party_licences(contents):
    crates = sorted(crate for crate in contents.linked if not crate.ours)
    texts = texts_by_crate(crates)
    numbers, covers = {}, collections.defaultdict(list)
    for crate in crates:
        for text in texts[crate]:
            numbers.setdefault(text, len(numbers) + 1)
            covers[text].append(crate)
    *others, last = BINARIES[contents.package]
    parts = [f"""\
Software by others in {contents.package} {contents.version}

{", ".join(others)} and {last} contain the software listed here, each item under the licence that is named
with it; where it says OR, under any one of them. The numbers refer to the texts that follow. A text that several items share
is printed once. {contents.package}.cdx.json has the same list in a form for programs.

rust-std is the Rust standard library. Its own parts are named, with licences and notices, in
COPYRIGHT-library.html of that release of Rust.
"""]
    for crate in crates:
        parts.append(f"""\
{crate}
    licence  {crate.licence}
    source   {crate.repository or crate.homepage or f"https://crates.io/crates/{crate.name}"}
    in       {", ".join(contents.linked[crate])}
    texts    {", ".join(str(numbers[text]) for text in texts[crate])}
""")
    for text, number in numbers.items():
        names = "\n".join(f"    {crate}" for crate in covers[text])
        parts.append(f"{'=' * 80}\nText {number}, of\n{names}\n{'=' * 80}\n\n{text}\n")
    return "\n".join(parts)


def texts_by_crate(crates):
    """Returns the licence texts of each crate: its own files and, if they do not cover its licence, the licence's text."""
    texts = {crate: own_texts(crate) for crate in crates}
    brought = collections.defaultdict(list)
    for text in (text for crate in crates for text in texts[crate]):
        licences = licences_in(text)
        if len(licences) == 1:
            brought[licences.pop()].append(text)
    for crate in crates:
        if not satisfied(crate.licence, {licence for text in texts[crate] for licence in licences_in(text)}):
            texts[crate].append(text_from_elsewhere(crate, brought))
    return texts


def own_texts(crate):
    """Returns the licence files at the top of the crate's source. Texts that differ only in line ends or trailing blanks are the same."""
    texts = []
    for path in sorted(crate.directory.iterdir()) if crate.directory else []:
        if LICENCE_FILE.match(path.name) and path.is_file():
            lines = [line.rstrip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
            text = "\n".join(lines).strip("\n")
            if text and text not in texts:
                texts.append(text)
    return texts


def text_from_elsewhere(crate, brought):
    """Returns, for a crate without a file, the text of the licence that it names, as another crate has it.

    Only the words that are the same for all crates count: Apache-2.0 up to the appendix, in which others have filled in their
    names, and MIT without its first lines, which name the holders of the copyright; here those are the crate's authors.
    """
    beginning, end = "Permission is hereby granted", "END OF TERMS AND CONDITIONS"
    for text in brought["Apache-2.0"]:
        if end in text and satisfied(crate.licence, {"Apache-2.0"}):
            return text[:text.index(end) + len(end)]
    for text in brought["MIT"]:
        if beginning in text and crate.authors and satisfied(crate.licence, {"MIT"}):
            return f"Copyright (c) {', '.join(crate.authors)}\n\n{text[text.index(beginning):]}"
    refuse(f"no text of the licence of {crate} ({crate.licence or 'none named'}) in its source",
           "the crate must not be shipped without it: find the text, or do without the crate")


def licences_in(text):
    # Some files hold the licence as the comment that is in each source.
    words = " ".join(word for word in text.split() if word != "//")
    return {licence for licence, sentence in WORDING.items() if sentence in words}


def satisfied(expression, accepted):
    """Returns whether somebody who has or admits the licences in `accepted` complies with an SPDX expression."""
    tokens = re.findall(r"[()]|[^\s()]+(?: WITH [^\s()]+)?", expression)

    def alternatives():
        met = every()
        while tokens[:1] == ["OR"]:
            tokens.pop(0)
            met = every() or met
        return met

    def every():
        met = one()
        while tokens[:1] == ["AND"]:
            tokens.pop(0)
            met = one() and met
        return met

    def one():
        if not tokens:
            return False
        token = tokens.pop(0)
        if token != "(":
            return token in accepted
        met = alternatives()
        return tokens[:1] == [")"] and tokens.pop(0) == ")" and met

    return alternatives() and not tokens


if __name__ == "__main__":
    main()
