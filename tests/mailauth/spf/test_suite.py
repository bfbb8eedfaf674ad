"""The published test suite of RFC 7208, every case of it (tests/data/spf, licence beside it)."""

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from apps.mailauth import spf
from apps.mailauth.types import Client
from tests.support.zones import Zones

SUITE: Final = Path(__file__).parents[2] / "data" / "spf" / "rfc7208-tests.yml"
TIMEOUT: Final = "TIMEOUT"  # in a zone: what is not told there is not answered
DEFAULT: Final = "DEFAULT"  # no explanation of the domain's own
HOSTNAME: Final = "mx.example.net"


def scenarios() -> list[dict[str, Any]]:
    with SUITE.open(encoding="utf-8") as file:
        # CSafeLoader where libyaml is: the suite has 2,600 lines.
        return list(yaml.load_all(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


SCENARIOS: Final = scenarios()


def zones_of(zonedata: dict[str, list[Any]]) -> Zones:
    """The zones of one scenario. Records of type SPF are TXT records unless the name has its own:
    the type is gone since RFC 7208, and the suite's authors let drivers copy them."""
    zones = Zones()
    for name, entries in zonedata.items():
        records: dict[str, list[Any]] = {}
        for entry in entries:
            for kind, data in entry.items() if entry != TIMEOUT else ():
                records.setdefault(kind, []).append(data)
        records.setdefault("TXT", records.pop("SPF", []))
        told = {
            kind: [_record(kind, one) for one in found if one != "NONE"]
            for kind, found in records.items()
        }
        for kind, texts in told.items():
            if texts:
                zones.add(name, kind, *texts)
        if TIMEOUT in entries:
            for kind in ("A", "AAAA", "MX", "PTR", "TXT"):
                if not told.get(kind):
                    zones.fail(name, kind)
    return zones


def _record(kind: str, data: Any) -> str | bytes:
    if kind == "TXT":
        # The octets are written as characters of the same number.
        return "".join([data] if isinstance(data, str) else data).encode("latin-1")
    if kind == "MX":
        preference, host = data
        return f"{preference} {host}"
    return str(data)


CASES: Final = [
    pytest.param(scenario["zonedata"], case, id=f"{scenario['description']}: {name}")
    for scenario in SCENARIOS
    for name, case in scenario["tests"].items()
]


def test_it_is_the_whole_suite() -> None:
    assert len(SCENARIOS) == 16
    assert len(CASES) == 203


@pytest.mark.parametrize(("zonedata", "case"), CASES)
async def test_it_passes_the_published_suite(
    zonedata: dict[str, list[Any]], case: dict[str, Any]
) -> None:
    client = Client(str(case["host"]), case["helo"], case["mailfrom"], HOSTNAME)
    found = await spf.check_sender(client, zones_of(zonedata))
    allowed = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert found.result in allowed, found
    if "explanation" in case:
        expected = case["explanation"].replace(DEFAULT, "")
        assert found.explanation == expected
