"""The zone file, read back by another reader."""

from typing import Any

import dns.name
import dns.rdatatype
import dns.zone
import pytest

from apps.directory.models import Domain
from apps.dnscheck import queries
from apps.dnscheck.records import Kind, Wanted
from apps.dnscheck.zonefile import strings, zone_file
from tests.dnscheck.ground import World, harbor


def _read(text: str) -> dict[tuple[str, str], set[str]]:
    """Owners in full and types, with texts joined."""
    zone = dns.zone.from_text(text, relativize=False, check_origin=False)
    found: dict[tuple[str, str], set[str]] = {}
    for owner, _, data in zone.iterate_rdatas():
        kind = dns.rdatatype.to_text(data.rdtype)
        is_text = data.rdtype == dns.rdatatype.TXT
        value = b"".join(_strings(data)).decode() if is_text else data.to_text()
        found.setdefault((owner.to_text(omit_final_dot=True), kind), set()).add(value)
    return found


def _strings(data: Any) -> tuple[bytes, ...]:
    return tuple(data.strings)


@pytest.mark.django_db
def test_it_reads_back_as_the_records_that_are_wanted(net: World) -> None:
    domain = harbor()
    wanted = queries.wanted(domain)

    found = _read(zone_file(domain, wanted))

    inside = [one for one in wanted if one.name.endswith(domain.name)]
    expected: dict[tuple[str, str], set[str]] = {}
    for one in inside:
        expected.setdefault((one.name, one.type), set()).update(one.values)
    assert found == expected
    assert ("r2026._domainkey.harbor.example", "TXT") in found


@pytest.mark.django_db
def test_what_stands_in_other_zones_is_a_comment(net: World) -> None:
    text = zone_file(harbor(), queries.wanted(Domain.objects.get()))
    (line,) = [one for one in text.splitlines() if " PTR " in one]
    assert line.startswith("; elsewhere: 25.2.0.192.in-addr.arpa. IN PTR mail.host.example.")


@pytest.mark.django_db
def test_a_host_in_the_zone_itself_is_said_to_need_addresses(net: World) -> None:
    domain = harbor("host.example")
    note = "; mail.host.example. needs A and AAAA records as well: the addresses of this host."
    assert note in zone_file(domain, queries.wanted(domain)).splitlines()
    other = harbor()
    assert note not in zone_file(other, queries.wanted(other)).splitlines()


def test_a_long_text_is_cut_into_strings_that_fit() -> None:
    text = "v=DKIM1; p=" + "A" * 500
    wanted = Wanted(
        "x", Kind.DKIM, "TXT", "s._domainkey", "s._domainkey.a.example", (text,), "", "", True
    )
    found = zone_file(Domain(name="a.example"), [wanted])
    zone = dns.zone.from_text(found, relativize=False, check_origin=False)
    node = zone.get_rdataset(dns.name.from_text("s._domainkey.a.example"), "TXT")
    assert node is not None
    assert [len(one) for one in _strings(node[0])] == [255, 255, 1]


def test_quotes_and_backslashes_are_escaped() -> None:
    assert strings('a"b\\c') == '"a\\"b\\\\c"'
