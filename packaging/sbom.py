#!/usr/bin/python3
"""Says what is in the binaries of each package, and under which licences.

    packaging/sbom.py DIRECTORY

writes into DIRECTORY, for each PACKAGE of pam-otp, pam-otp-verifier and pam-otp-portal,

    PACKAGE.cdx.json                    a software bill of materials, CycloneDX 1.5
    PACKAGE.THIRD-PARTY-LICENSES.txt    the licence texts of everything that is linked in and is not ours

Cargo knows what a crate needs, not which program of it: otp-fleet, a machine's client, is of one crate with the verifier, so
everything that the verifier needs stands there as well, though the linker leaves most of it out.

Needs Python 3.11, the toolchain that the release is built with, and the crates (`cargo fetch --locked`). The same
commit and toolchain give the same bytes in every folder, and on every machine of one kind. There is a date only where
SOURCE_DATE_EPOCH gives one. Nothing is written when a licence text is missing.
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

# Which crate of the workspace each binary is made of, for each package.
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

# A sentence that only this licence has. A file that has none of them, such as "MIT or Apache, see elsewhere", is
# reproduced but does not count as the text of a licence. Other licences are added here when .deny.toml admits them.
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
    # SHA-256 of the archive on crates.io, and where that is unpacked; neither for what is not from there.
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


# ------------------------------------------------------------------------------------------------- what is linked in

class Build:
    """Every crate of the release, and which needs which.

    From `cargo tree` and not from the graph of `cargo metadata`: the latter has the features that development
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
                # Ours are not on crates.io. Who looks for advisories must not take a stranger's crate for one of them.
                purl=f"{product_purl(PRODUCT, version)}#{name}" if ours else f"pkg:cargo/{name}@{quote(version, safe='')}",
                ours=ours,
                # Cargo still takes the form that older crates have instead of an SPDX expression.
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
        """Each crate of the release build to those that it needs, over edges of these kinds.

        Of the whole workspace at once, as the release is built: one program's features reach the crates of another.
        """
        graph, path = {}, []
        for line in cargo("tree", "--workspace", "--target", host, "--edges", edges, "--prefix", "depth", "--no-dedupe",
                          "--format", " {p}").splitlines():
            # Between the trees of two members stands an empty line.
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
    """Which crates are in which binary of a package, which only took part in building it, and which needs which."""

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
        # Each crate to the binaries that it is in, and to those that it is only needed to build.
        self.linked = binaries_of(linked, roots)
        self.building = {crate: binaries for crate, binaries in binaries_of(self.needs, roots).items()
                         if crate not in self.linked}


def rust_standard_library(version):
    """The one thing in every binary that Cargo.lock does not name: it comes with the compiler."""
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
    """Each crate that can be reached from a binary, to the binaries from which it can."""
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

{", ".join(others)} and {last} contain what is listed here, each under the licence that is named
with it; where it says OR, under any one of them. The numbers are those of the texts that follow. A text that several have in
common is printed once. {contents.package}.cdx.json has the same list in a form for programs.

rust-std is the Rust standard library. What it is in turn made of is named, with licences and notices, in
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
    """The licence texts of each crate: its own files, and where they do not cover its licence, the licence's text."""
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
    """What lies at the top of the crate's source; line ends and trailing blanks make no other text of it."""
    texts = []
    for path in sorted(crate.directory.iterdir()) if crate.directory else []:
        if LICENCE_FILE.match(path.name) and path.is_file():
            lines = [line.rstrip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
            text = "\n".join(lines).strip("\n")
            if text and text not in texts:
                texts.append(text)
    return texts


def text_from_elsewhere(crate, brought):
    """For a crate without a file: the licence that it names, in the words in which another crate brings it.

    Only the words that are the same for everybody: Apache-2.0 up to the appendix, in which others have filled in their
    names, and MIT without its first lines, which say who holds the copyright; here those are the crate's authors.
    """
    beginning, end = "Permission is hereby granted", "END OF TERMS AND CONDITIONS"
    for text in brought["Apache-2.0"]:
        if end in text and satisfied(crate.licence, {"Apache-2.0"}):
            return text[:text.index(end) + len(end)]
    for text in brought["MIT"]:
        if beginning in text and crate.authors and satisfied(crate.licence, {"MIT"}):
            return f"Copyright (c) {', '.join(crate.authors)}\n\n{text[text.index(beginning):]}"
    refuse(f"no text of the licence of {crate} ({crate.licence or 'none named'}) in its source",
           "it must not be shipped without: find the text, or do without the crate")


def licences_in(text):
    # Some stand in a file as the comment that they are in each source.
    words = " ".join(word for word in text.split() if word != "//")
    return {licence for licence, sentence in WORDING.items() if sentence in words}


def satisfied(expression, accepted):
    """Whether somebody who has or admits the licences in `accepted` can follow an SPDX expression."""
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
