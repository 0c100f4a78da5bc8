"""Compares the crates that packaging/sbom.py lists for the binaries with Cargo's answers, Cargo.lock and the crates' own sources.

Needs cargo and the crates, but no build: python3 -m pytest tests/packages/test_sbom.py
"""

import collections
import datetime
import functools
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import uuid

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = {
    "pam-otp": {"pam_otp.so": "pam_otp", "otp-helper": "otp-helper", "otp-mail": "otp-mail", "otp-enroll": "otp-enroll",
                "otp-admin": "otp-enroll", "otp-notify": "otp-hooks", "otp-fleet": "otp-fleet"},
    "pam-otp-verifier": {"otp-verifier": "otp-fleet", "otp-fleet-admin": "otp-fleet"},
    "pam-otp-portal": {"otp-portal": "otp-portal", "otp-portal-login": "otp-portal"},
}
OURS = {"otp-core", "otp-file", "otp-fleet", "otp-hooks", "otp-import", "otp-log", "otp-mail", "otp-queue", "otp-site", "otp-store",
        "pam_otp", "otp-helper", "otp-enroll", "otp-portal"}


@pytest.fixture(scope="module", params=PROGRAMS)
def package(request):
    """Each of the packages in turn."""
    return request.param


@pytest.fixture(scope="module")
def programs(package):
    """The crate of each of the package's binaries."""
    return PROGRAMS[package]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(TOP, tmp_path_factory.mktemp("written"))


@pytest.fixture(scope="module")
def bill(written, package):
    return json.loads(written[f"{package}.cdx.json"])


@pytest.fixture(scope="module")
def licences(written, package):
    return written[f"{package}.THIRD-PARTY-LICENSES.txt"].decode()


@pytest.fixture(scope="module")
def sbom():
    """The program as a module, for cases that no crate of today's Cargo.lock has."""
    spec = importlib.util.spec_from_file_location("sbom", TOP / "packaging" / "sbom.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["sbom"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def allowed():
    return set(tomllib.loads((TOP / ".deny.toml").read_text())["licenses"]["allow"])


def write(checkout, directory, **environment):
    """Returns the files that the program writes, as bytes by file name."""
    variables = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"} | environment
    subprocess.run([checkout / "packaging" / "sbom.py", directory], env=variables, cwd=directory, check=True,
                   stdin=subprocess.DEVNULL)
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], cwd=TOP, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          encoding="utf-8").stdout


@functools.cache
def trees(edges):
    """Returns Cargo's trees of all members at once, as for a release: a feature that one asks for reaches the others."""
    return cargo("tree", "--locked", "--workspace", "-e", edges, "--prefix", "depth", "--no-dedupe", "-f", "{p}")


def tree(package, edges):
    """Returns name and version of each crate that Cargo needs for this one package in a release."""
    (own,) = [one for one in trees(edges).strip().split("\n\n") if one.startswith(f"0{package} ")]
    return {tuple(re.match(r"\d+(\S+) v(\S+)", line).groups()) for line in own.splitlines()}


def identity(component):
    return component["name"], component["version"]


def crates(bill):
    """Returns the components that Cargo knows; the standard library comes with the compiler."""
    return [component for component in bill["components"] if component["name"] != "rust-std"]


def values(component, name):
    return [each["value"] for each in component["properties"] if each["name"] == f"pam-otp:{name}"]


def third_party(bill):
    return [component for component in bill["components"]
            if component["scope"] == "required" and component["name"] not in OURS]


def sources():
    """Returns the top directory of each crate's source, by name and version."""
    known = json.loads(cargo("metadata", "--locked", "--format-version", "1"))
    return {(package["name"], package["version"]): pathlib.Path(package["manifest_path"]).parent
            for package in known["packages"]}


# ---------------------------------------------------------------------------------------------- the bill of materials

def test_the_bill_has_every_field_that_cyclonedx_requires(bill):
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["specVersion"] == "1.5"
    assert bill["version"] == 1
    assert bill["serialNumber"] == f"urn:uuid:{uuid.UUID(bill['serialNumber'].removeprefix('urn:uuid:'))}"
    for component in [bill["metadata"]["component"], *bill["components"]]:
        for key in ("type", "bom-ref", "name", "version", "description", "purl"):
            assert isinstance(component[key], str) and component[key], f"{component['name']}: {key}"
        (licence,) = component["licenses"]
        assert licence.keys() == {"expression"} and licence["expression"]
        for reference in component.get("externalReferences", []):
            assert reference["type"] in ("vcs", "website")
            assert re.fullmatch(r"https?://\S+", reference["url"])
    for component in bill["components"]:
        assert component["type"] == "library"
        assert component["scope"] in ("required", "excluded")


def test_the_bill_is_of_this_version_of_the_package(bill, package):
    workspace = tomllib.loads((TOP / "Cargo.toml").read_text())["workspace"]["package"]
    product = bill["metadata"]["component"]
    assert product["type"] == "application"
    assert identity(product) == (package, workspace["version"])
    assert product["purl"] == f"pkg:generic/{package}@{workspace['version']}"
    assert product["licenses"] == [{"expression": workspace["license"]}]


def test_a_purl_names_the_crate_on_crates_io_and_ours_are_not_there(bill):
    for component in crates(bill):
        name, version = identity(component)
        if name in OURS:
            expected = f"pkg:generic/pam-otp@{version}#{name}"
        else:
            expected = f"pkg:cargo/{name}@{version.replace('+', '%2B')}"
        assert component["purl"] == component["bom-ref"] == expected
        assert re.fullmatch(r"pkg:[a-z]+/[\w.-]+@([\w.-]|%[0-9A-F]{2})+(#[\w-]+)?", component["purl"])


def test_dependencies_name_components_and_leave_none_out(bill):
    references = [component["bom-ref"] for component in bill["components"]]
    product = bill["metadata"]["component"]["bom-ref"]
    assert len(set(references)) == len(references)
    graph = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    assert len(graph) == len(bill["dependencies"])
    assert graph.keys() == {product, *references}
    reached, ahead = set(), [product]
    while ahead:
        reference = ahead.pop()
        if reference not in reached:
            reached.add(reference)
            ahead.extend(graph[reference])
    assert reached == graph.keys()


def test_a_crate_of_ours_depends_on_exactly_the_crates_in_its_manifest(bill, programs):
    names = {component["bom-ref"]: component["name"] for component in bill["components"]}
    graph = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    for component in crates(bill):
        if component["name"] in OURS:
            manifest = tomllib.loads((TOP / component["name"] / "Cargo.toml").read_text())
            found = {names[reference] for reference in graph[component["bom-ref"]]}
            # Optional dependencies are for tests of other crates.
            named = {name for name, how in manifest["dependencies"].items() if not how.get("optional")}
            standard_library = {"rust-std"} if component["name"] in programs.values() else set()
            assert found == named | standard_library


def test_a_binary_has_the_crates_that_cargo_links_into_it_and_no_other(bill, programs):
    # Another program's features bring no crate into it either: Cargo is asked for this one alone.
    for binary, crate in programs.items():
        found = {identity(component) for component in crates(bill) if binary in values(component, "in")}
        assert found == tree(crate, "normal,no-proc-macro"), binary
        assert (crate, bill["metadata"]["component"]["version"]) in found


def test_crates_that_only_take_part_in_building_are_excluded_and_in_no_binary(bill, programs):
    for component in bill["components"]:
        assert bool(values(component, "in")) == (component["scope"] == "required")
        assert bool(values(component, "builds")) == (component["scope"] == "excluded")
    linked = set().union(*(tree(crate, "normal,no-proc-macro") for crate in programs.values()))
    for binary, crate in programs.items():
        found = {identity(component) for component in crates(bill) if binary in values(component, "builds")}
        assert found == tree(crate, "normal,build") - linked, binary
        assert "syn" in {name for name, _ in found}


def test_no_asynchronous_runtime_and_no_tls_is_linked_into_the_module_the_helper_and_the_command_lines(written):
    bill = json.loads(written["pam-otp.cdx.json"])

    def of(binary):
        return {component["name"] for component in crates(bill) if binary in values(component, "in")}

    network = {"tokio", "tonic", "hyper", "h2", "rustls", "ring", "rustls-webpki"}
    assert network < of("otp-fleet")
    for binary in ("pam_otp.so", "otp-helper", "otp-enroll", "otp-admin"):
        assert not network & of(binary), binary


def test_every_crate_of_the_release_is_in_the_bill_once_with_the_checksum_of_cargo_lock(bill, programs):
    locked = {(package["name"], package["version"]): package.get("checksum")
              for package in tomllib.loads((TOP / "Cargo.lock").read_text())["package"]}
    needed = set().union(*(tree(crate, "normal,build") for crate in programs.values()))
    assert collections.Counter(map(identity, crates(bill))) == collections.Counter(needed)
    for component in crates(bill):
        checksum = locked[identity(component)]
        hashes = [{"alg": "SHA-256", "content": checksum}] if checksum else None
        assert component.get("hashes") == hashes
        assert (checksum is None) == (component["name"] in OURS)


def test_the_standard_library_of_the_compiler_is_in_every_binary(bill, programs):
    (library,) = (component for component in bill["components"] if component["name"] == "rust-std")
    version = subprocess.run(["rustc", "--version"], cwd=TOP, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    assert library["version"] == version.stdout.split()[1]
    assert sorted(values(library, "in")) == sorted(programs)


def test_a_second_run_and_a_run_in_another_folder_give_the_same_bytes(written, tmp_path):
    (tmp_path / "again").mkdir()
    assert write(TOP, tmp_path / "again") == written
    checkout = tmp_path / "a checkout elsewhere"
    shutil.copytree(TOP, checkout, ignore=shutil.ignore_patterns(".git", "target", "__pycache__"))
    (tmp_path / "elsewhere").mkdir()
    assert write(checkout, tmp_path / "elsewhere") == written


def test_the_only_date_is_that_of_source_date_epoch(bill, licences, package, tmp_path):
    assert "timestamp" not in bill["metadata"]
    dated = write(TOP, tmp_path, SOURCE_DATE_EPOCH="1800000010")
    assert dated[f"{package}.THIRD-PARTY-LICENSES.txt"].decode() == licences
    dated = json.loads(dated[f"{package}.cdx.json"])
    moment = datetime.datetime.fromisoformat(dated["metadata"].pop("timestamp"))
    assert moment.timestamp() == 1800000010
    assert dated.pop("serialNumber") != bill["serialNumber"]
    assert dated == {key: value for key, value in bill.items() if key != "serialNumber"}


def test_no_path_of_this_machine_is_in_any_file(written, licences, package):
    homes = {str(TOP), str(pathlib.Path.home()), *(str(directory) for directory in sources().values())}
    for contents in written.values():
        for home in homes:
            assert home + "/" not in contents.decode() and f"{home}\n" not in contents.decode()
        assert b"file:" not in contents
    assert re.findall(r"(?:^|[\s\"'(=])/[\w.]+", licences) == []
    assert re.findall(r'"/', written[f"{package}.cdx.json"].decode()) == []


# -------------------------------------------------------------------------------------------------------- the licences

def listed(licences):
    """Returns the list at the top: by name and version, the keys and values below it."""
    top, *_ = licences.split("=" * 80, 1)
    return {tuple(name.split()): dict(re.findall(r"^    (\w+) +(.*)$", block, re.MULTILINE))
            for name, block in re.findall(r"^(\S+ \d\S*)\n((?:    .*\n)+)", top, re.MULTILINE)}


def texts(licences):
    """Returns the texts by number: the crates that each belongs to, and the text."""
    bar = "=" * 80
    found = re.findall(rf"^{bar}\nText (\d+), of\n((?:    [^\n]*\n)+){bar}\n\n(.*?)\n(?=\n{bar}\nText |\Z)", licences,
                       re.MULTILINE | re.DOTALL)
    assert [int(number) for number, _, _ in found] == list(range(1, len(found) + 1))
    return {number: ([tuple(line.split()) for line in names.splitlines()], text) for number, names, text in found}


def test_every_licence_in_the_bill_is_one_that_cargo_deny_allows(bill, allowed, sbom):
    for component in bill["components"]:
        assert sbom.satisfied(component["licenses"][0]["expression"], allowed), component["purl"]


def test_every_linked_crate_of_others_is_listed_with_its_licence(bill, licences):
    found = {crate: (entry["licence"], sorted(entry["in"].split(", "))) for crate, entry in listed(licences).items()}
    assert found == {identity(component): (component["licenses"][0]["expression"], values(component, "in"))
                     for component in third_party(bill)}


def test_every_listed_crate_has_the_text_of_a_licence_under_which_it_may_be_used(licences, allowed, sbom):
    known = texts(licences)
    for crate, entry in listed(licences).items():
        given = set()
        for number in entry["texts"].split(", "):
            names, text = known[number]
            assert crate in names
            given |= sbom.licences_in(text)
        assert sbom.satisfied(entry["licence"], given & allowed), crate
    for number, (names, _) in known.items():
        for crate in names:
            assert number in listed(licences)[crate]["texts"].split(", ")


def test_no_licence_file_of_a_crate_is_left_out_and_none_is_printed_twice(bill, licences):
    known = texts(licences)
    assert len({text for _, text in known.values()}) == len(known)
    where = sources()
    seen = 0
    for crate in map(identity, third_party(bill)):
        if crate not in where:
            assert crate[0] == "rust-std"
            continue
        for path in where[crate].iterdir():
            if path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")):
                lines = [line.rstrip() for line in path.read_text().splitlines()]
                (names,) = (names for names, text in known.values() if text == "\n".join(lines).strip("\n"))
                assert crate in names
                seen += 1
    assert seen > len(known)


@pytest.mark.parametrize("expression, accepted, met", [
    ("MIT", {"MIT"}, True),
    ("MIT", {"Apache-2.0"}, False),
    ("MIT OR Apache-2.0", {"Apache-2.0"}, True),
    ("MIT AND Unicode-3.0", {"MIT"}, False),
    ("(MIT OR Apache-2.0) AND Unicode-3.0", {"MIT", "Apache-2.0"}, False),
    ("(MIT OR Apache-2.0) AND Unicode-3.0", {"Unicode-3.0", "MIT"}, True),
    ("MIT OR Apache-2.0 AND Unicode-3.0", {"MIT"}, True),
    ("MIT OR Apache-2.0 AND Unicode-3.0", {"Unicode-3.0"}, False),
    ("Apache-2.0 WITH LLVM-exception", {"Apache-2.0"}, False),
    ("Apache-2.0 WITH LLVM-exception OR MIT", {"MIT"}, True),
    ("", {"MIT"}, False),
    ("(MIT", {"MIT"}, False),
    ("MIT MIT", {"MIT"}, False),
])
def test_an_expression_is_met_by_one_side_of_or_and_both_sides_of_and(sbom, expression, accepted, met):
    assert sbom.satisfied(expression, accepted) is met


def crate(sbom, directory, licence, authors=()):
    directory.mkdir(exist_ok=True)
    return sbom.Crate(name=directory.name, version="1.0.0", purl="", ours=False, licence=licence, description="",
                      homepage="", repository="", authors=authors, checksum="", directory=directory)


@pytest.fixture
def others(sbom, licences, tmp_path):
    """A crate that brings both texts, with names of its own in them, and before them a file with both in one."""
    other = crate(sbom, tmp_path / "other", "MIT OR Apache-2.0")
    mit, apache = (next(text for _, text in texts(licences).values() if sbom.licences_in(text) == {licence})
                   for licence in ("MIT", "Apache-2.0"))
    mit, apache = f"Copyright (c) Mallory\n\n{mit}", f"{apache}\n\nCopyright Mallory"
    (other.directory / "LICENSE").write_text(f"{mit}\n\n{apache}\n\n{mit}")
    (other.directory / "LICENSE-MIT").write_text(mit)
    (other.directory / "LICENSE-APACHE").write_text(apache)
    return other


def test_a_crate_without_a_file_gets_the_words_of_mit_with_its_own_authors(sbom, others, tmp_path):
    bare = crate(sbom, tmp_path / "bare", "MIT", ("Alice Example", "Bob Example"))
    (text,) = sbom.texts_by_crate([bare, others])[bare]
    assert text.startswith("Copyright (c) Alice Example, Bob Example\n\nPermission is hereby granted")
    assert sbom.licences_in(text) == {"MIT"}
    assert "Mallory" not in text


def test_a_crate_without_a_file_gets_the_terms_of_apache_and_nobody_elses_name(sbom, others, tmp_path):
    bare = crate(sbom, tmp_path / "bare", "Apache-2.0")
    (text,) = sbom.texts_by_crate([bare, others])[bare]
    assert sbom.licences_in(text) == {"Apache-2.0"}
    assert text.endswith("END OF TERMS AND CONDITIONS")
    assert "Mallory" not in text


@pytest.mark.parametrize("licence, authors", [
    ("MIT", ()),
    ("BSD-3-Clause", ("Alice Example",)),
    ("MIT AND Apache-2.0", ("Alice Example",)),
    ("", ("Alice Example",)),
])
def test_a_licence_without_a_text_is_refused_and_the_crate_named(sbom, others, tmp_path, licence, authors):
    bare = crate(sbom, tmp_path / "bare", licence, authors)
    (tmp_path / "bare" / "NOTICE").write_text("Licensed as it says elsewhere.\n")
    with pytest.raises(SystemExit, match=r"no text of the licence of bare 1\.0\.0"):
        sbom.texts_by_crate([bare, others])


def test_nothing_is_written_when_a_text_is_missing(sbom, tmp_path, monkeypatch):
    monkeypatch.setattr(sbom, "own_texts", lambda crate: [])
    monkeypatch.setattr(sys, "argv", ["sbom.py", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="no text of the licence"):
        sbom.main()
    assert not (tmp_path / "out").exists()
