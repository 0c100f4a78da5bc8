"""conf/portal/traefik: its keys and its references. Traefik itself is not available, so nothing here proves that it works."""

import pytest
import yaml
from web_servers import EXAMPLES

pytestmark = pytest.mark.promised_by("ours")

ANY = object()
# The keys that the file provider of Traefik 3 knows; a file may use any part of them; `*` is a name.
KNOWN = {"http": {
    "middlewares": {"*": {
        "headers": {"customRequestHeaders": {"*": ANY}, "customResponseHeaders": {"*": ANY}},
        "forwardAuth": {"address": ANY, "trustForwardHeader": ANY, "authResponseHeaders": ANY},
    }},
    "routers": {"*": {"rule": ANY, "entryPoints": ANY, "middlewares": ANY, "service": ANY, "tls": {}}},
    "services": {"*": {"loadBalancer": {"servers": [{"url": ANY}]}}},
}}


@pytest.fixture
def http():
    text = (EXAMPLES / "traefik/portal.yml").read_text()
    settings = yaml.safe_load(text)
    assert unknown(settings, KNOWN) == []
    return settings["http"]


def unknown(settings, known, place=""):
    if known is ANY:
        return []
    if isinstance(known, list):
        return [one for setting in settings for one in unknown(setting, known[0], f"{place}[]")]
    if not isinstance(settings, dict):
        return [place]
    found = [f"{place}.{key}" for key in settings if key not in known and "*" not in known]
    for key, value in settings.items():
        if key in known or "*" in known:
            found += unknown(value, known.get(key, known.get("*")), f"{place}.{key}")
    return found


def test_an_unknown_key_is_found():
    assert unknown({"http": {"middleware": {}}}, KNOWN) == [".http.middleware"]
    wrong = {"http": {"middlewares": {"portal": {"forwardAuth": {"addres": "x"}}}}}
    assert unknown(wrong, KNOWN) == [".http.middlewares.portal.forwardAuth.addres"]


def test_every_reference_has_its_target(http):
    for name, router in http["routers"].items():
        assert router["service"] in http["services"], name
        assert set(router["middlewares"]) <= set(http["middlewares"]), name


def test_the_portal_is_asked_about_a_site_after_names_were_dropped_and_not_about_its_own_paths(http):
    asks = [name for name, one in http["middlewares"].items() if "forwardAuth" in one]
    assert asks == ["portal"]
    of_sites = {name: one for name, one in http["routers"].items() if one["service"] != "portal"}
    for name, router in of_sites.items():
        order = router["middlewares"]
        assert order.index("portal-names") < order.index("portal") < order.index("portal-kept"), name
    others = [one for one in http["routers"].values() if one["service"] == "portal"]
    assert of_sites and others and not any("portal" in one["middlewares"] for one in others)
    assert all("portal-places" in one["middlewares"] for one in http["routers"].values())


def test_visitors_cannot_set_the_headers_of_the_portal(http):
    dropped = http["middlewares"]["portal-names"]["headers"]["customRequestHeaders"]
    told = http["middlewares"]["portal"]["forwardAuth"]["authResponseHeaders"]
    assert set(dropped) == {*told, *(name.replace("-", "_") for name in told)} and set(dropped.values()) == {""}
    assert http["middlewares"]["portal"]["forwardAuth"]["address"].endswith("/verify?redirect")
    assert http["middlewares"]["portal"]["forwardAuth"]["trustForwardHeader"] is False
