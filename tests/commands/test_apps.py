"""conf/apps.toml, pam_otp-apps(7) and `otp-admin policy check` say the same about apps. tests/apps/run measures what the
apps themselves do."""

import re
import sys
import tomllib

import pytest
from machine import ROOT

sys.path.insert(0, str(ROOT / "tests/apps"))

import manual  # noqa: E402  (the path above has to come first)

APPS = tomllib.loads((ROOT / "conf/apps.toml").read_text())["app"]


def test_manual_says_what_the_table_says():
    assert manual.PAGE.read_text() == manual.whole(), "tests/apps/manual.py writes it anew"


def test_every_app_shows_right_codes_for_the_defaults_and_its_words_are_known():
    assert len(APPS) >= 10 and len({(app["name"], app["version"]) for app in APPS}) == len(APPS)
    for app in APPS:
        honours_all = {app["algorithm"], app["digits"], app["period"]} == {"yes"}
        assert (app["codes"] == 36) == honours_all, app
        assert 1 <= app["codes"] <= 36 and set(app["refuses"]) <= set("&+#?"), app
        list(manual.about(app))


@pytest.mark.parametrize(
    "policy, key, values",
    [
        ('[code]\nalgorithm = "SHA512"\n', "algorithm", ["ignored"]),
        ("[code]\ndigits = 7\n", "digits", ["refused 7"]),
        ("[code]\nperiod = 60\n", "period", ["ignored"]),
        ("[code]\nperiod = 120\n", "period", ["ignored", "up to 60"]),
        ('issuer = "R&D"\n', "refuses", None),
    ],
)
def test_every_app_that_the_check_names_has_that_fault_in_the_table(machine, enrolled, policy, key, values):
    machine.policy(policy)
    found = machine.admin("policy", "check", environment={"SUDO_USER": "daemon"}).stdout.splitlines()[0]
    named = [app for app in APPS if f"{app['name']} {app['version']}" in found]
    assert len(named) == len(values or [1]), found
    assert len(re.findall(r"\d+\.\d+\.\d+", found)) == len(named), f"an app that is not in the table: {found}"
    for app in named:
        assert app[key] in values if values else "&" in app[key], app
