"""`manage.py dns`."""

import io
import json
from typing import Any

import dns.zone
import pytest
from django.core.management import CommandError, call_command

from tests.dnscheck.ground import World, harbor, world, zone_text

pytestmark = pytest.mark.django_db


def _run(*words: str) -> str:
    out = io.StringIO()
    call_command("dns", *words, stdout=out)
    return out.getvalue()


def _json(*words: str) -> Any:
    return json.loads(_run(*words, "--json"))


@pytest.fixture(name="net")
def _net() -> Any:
    with world() as found:
        yield found


def test_check_asks_and_says_how_each_record_stands(net: World) -> None:
    harbor()
    lines = _run("check", "harbor.example").splitlines()
    assert lines[0].startswith("harbor.example: 14 of 14 right; checked: 20")
    assert lines[1] == "served by dns-host.example"
    assert "right     MX: Mail for the domain comes to this host." in lines


def test_check_fails_if_a_required_record_is_wrong(net: World) -> None:
    harbor()
    net.load(zone_text("mx-mistyped"))
    with pytest.raises(CommandError, match=r"^Required records that are wrong or missing: 1\.$"):
        _run("check", "harbor.example")
    shown = _run("show", "harbor.example")
    assert "          wanted: harbor.example. MX 10 mail.host.example." in shown
    assert "          found:  10 mial.host.example." in shown


def test_show_asks_nobody(net: World) -> None:
    harbor()
    document = _json("show", "harbor.example")
    assert document["checked_at"] is None
    assert {one["standing"] for one in document["findings"]} == {"unknown"}
    assert net.resolver.questions == []


def test_list_has_a_line_for_each_domain(net: World) -> None:
    harbor()
    harbor("pier.example")
    _run("check", "harbor.example")
    assert [(row["name"], row["right"], row["total"]) for row in _json("list")] == [
        ("harbor.example", 14, 14),
        ("pier.example", 0, 14),
    ]
    assert _run("list").splitlines()[0].startswith("harbor.example\t14\t14\tFalse\tFalse\t20")


def test_zone_is_a_zone_file(net: World) -> None:
    harbor()
    zone = dns.zone.from_text(_run("zone", "harbor.example"), check_origin=False)
    assert zone.get_rdataset("@", "MX") is not None
    assert {"mx", "spf", "ptr"} <= {one["id"] for one in _json("zone", "harbor.example")}


def test_a_domain_that_is_not_hosted_is_refused(net: World) -> None:
    with pytest.raises(CommandError):
        _run("check", "nowhere.example")
