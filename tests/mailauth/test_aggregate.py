"""DMARC aggregate reports: written, and read back."""

from dataclasses import replace
from typing import Final
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth.aggregate import Published, Report, Routed, Row, Signed, compose
from apps.mailauth.aggregate_reading import parse
from apps.mime.headers import clean

ROW: Final = Row(
    address="192.0.2.7",
    messages=12,
    disposition="quarantine",
    dkim=False,
    spf=True,
    reasons=(("local_policy", "arc=pass"),),
    header_from="example.org",
    envelope_from="bounces.example.org",
    signed=(Signed("example.org", "s1", "fail"), Signed("list.test", "a", "pass")),
    routed=(Routed("bounces.example.org", "mfrom", "pass"),),
)
REPORT: Final = Report(
    organization="ours.test",
    contact="postmaster@ours.test",
    id="01abc@ours.test",
    begin=1_459_468_800,
    end=1_459_555_199,
    published=Published("example.org", "r", "s", "quarantine", "reject", "50"),
    rows=(ROW, replace(ROW, address="2001:db8::1", messages=3, spf=False, reasons=())),
    errors=("7 more messages are not told here",),
    passed=12,
    failed=3,
)


def test_it_reads_back_what_it_wrote() -> None:
    assert parse(compose(REPORT)) == REPORT


def test_it_writes_what_the_schema_of_the_rfc_wants() -> None:
    root = ElementTree.fromstring(compose(REPORT))
    assert [one.tag for one in root] == [
        *("version", "report_metadata", "policy_published", "record", "record"),
    ]
    metadata = root.find("report_metadata")
    assert metadata is not None
    assert [one.tag for one in metadata] == [
        "org_name",
        "email",
        "report_id",
        "date_range",
        "error",
    ]
    record = root.find("record")
    assert record is not None
    assert [one.tag for one in record] == ["row", "identifiers", "auth_results"]
    assert [one.tag for one in record[0]] == ["source_ip", "count", "policy_evaluated"]
    assert [one.tag for one in record[0][2]] == ["disposition", "dkim", "spf", "reason"]
    assert [one.tag for one in record[1]] == ["envelope_from", "header_from"]
    assert [one.tag for one in record[2]] == ["dkim", "dkim", "spf"]
    assert record.findtext("auth_results/spf/scope") == "mfrom"


words = st.text(max_size=60)
names = st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,20}){0,3}", fullmatch=True)


@given(
    organization=words,
    comment=words,
    domain=names,
    selector=words,
    messages=st.integers(0, 10**12),
    address=st.ip_addresses(),
)
def test_no_text_breaks_out_of_its_element(
    organization: str, comment: str, domain: str, selector: str, messages: int, address: object
) -> None:
    row = replace(
        ROW,
        messages=messages,
        reasons=(("other", comment),),
        header_from=domain,
        signed=(Signed(domain, selector, "pass"),),
    )
    xml = compose(replace(REPORT, organization=organization, rows=(row,)))
    found = parse(xml)
    assert len(found.rows) == 1
    assert found.rows[0].header_from == domain
    assert found.rows[0].messages == messages
    assert found.rows[0].reasons[0][1] == clean(comment)
    assert found.organization == clean(organization)
