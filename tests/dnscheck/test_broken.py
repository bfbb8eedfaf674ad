"""Broken zones as people make them, each served by real name servers: `broken.tsv` has a line for
each record that is not right, and all others of that zone are.
"""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from apps.dnscheck.findings import Standing
from tests.dnscheck.ground import ZONES, World, harbor, zone_text


def _table() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (Path(__file__).parent / "broken.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            found[row["zone"]].append(row)
    return found


TABLE = _table()


@pytest.mark.django_db
@pytest.mark.parametrize("zone", sorted(TABLE))
def test_a_broken_zone_gets_the_right_sentence(net: World, zone: str) -> None:
    net.load(zone_text(zone))

    found = net.findings(harbor())

    expected = {row["record"]: (row["standing"], row["sentence"]) for row in TABLE[zone]}
    rest = {name: (one.standing.value, one.sentence) for name, one in found.items()}
    assert {name: rest.pop(name) for name in expected} == expected
    # An alias at the domain's own name hides nothing of what is below it.
    assert {standing for standing, _ in rest.values()} == {Standing.RIGHT.value}


@pytest.mark.django_db
def test_the_healthy_zone_is_right_in_all_it_has(net: World) -> None:
    found = net.findings(harbor())

    assert {name: one.standing for name, one in found.items()} == dict.fromkeys(
        found, Standing.RIGHT
    )
    assert {(one.seen, one.asked) for name, one in found.items() if name != "ptr"} == {(3, 3)}
    assert (found["ptr"].seen, found["ptr"].asked) == (1, 1)  # one resolver; not our zone


def test_every_zone_of_the_folder_is_in_the_table() -> None:
    assert {path.stem for path in ZONES.glob("*.zone")} - {"healthy"} == set(TABLE)
    assert len(TABLE) >= 25


def test_no_sentence_is_long_or_loud() -> None:
    sentences = [row["sentence"] for rows in TABLE.values() for row in rows]
    assert [one for one in sentences if len(one) > 200 or "!" in one or not one.endswith(".")] == []
