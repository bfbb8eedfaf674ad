"""DMARC aggregate reports as others write them, and as those do who want to break their reader."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import aggregate_reading
from apps.mailauth.aggregate import Published, Routed, Row, Signed
from apps.mailauth.aggregate_reading import AggregateError, parse
from tests.support.cost import spent

# As a large receiver writes it: no version, a policy with sp, the record's parts in this order.
PLAIN: Final = """<?xml version="1.0" encoding="UTF-8" ?>
<feedback>
  <report_metadata>
    <org_name>big.example</org_name>
    <email>noreply-dmarc-support@big.example</email>
    <extra_contact_info>https://big.example/dmarc</extra_contact_info>
    <report_id>1234567890123456789</report_id>
    <date_range>
      <begin>1459468800</begin>
      <end>1459555199</end>
    </date_range>
  </report_metadata>
  <policy_published>
    <domain>example.org</domain>
    <adkim>r</adkim>
    <aspf>r</aspf>
    <p>reject</p>
    <sp>reject</sp>
    <pct>100</pct>
    <np>reject</np>
  </policy_published>
  <record>
    <row>
      <source_ip>198.51.100.9</source_ip>
      <count>4</count>
      <policy_evaluated>
        <disposition>none</disposition>
        <dkim>pass</dkim>
        <spf>fail</spf>
      </policy_evaluated>
    </row>
    <identifiers>
      <header_from>example.org</header_from>
    </identifiers>
    <auth_results>
      <dkim>
        <domain>example.org</domain>
        <result>pass</result>
        <selector>s2</selector>
      </dkim>
      <spf>
        <domain>bounce.elsewhere.test</domain>
        <result>pass</result>
      </spf>
    </auth_results>
  </record>
</feedback>
"""
# As an office suite's cloud writes it: one line, declared schemas, recipients' domains, fo.
SCHEMED: Final = (
    '<?xml version="1.0"?><feedback xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><version>1.0</version>'
    "<report_metadata><org_name>Office Cloud</org_name><email>dmarc@cloud.example</email>"
    "<report_id>0c1f</report_id><date_range><begin>1459468800</begin><end>1459555200</end>"
    "</date_range></report_metadata><policy_published><domain>example.org</domain><adkim>r</adkim>"
    "<aspf>r</aspf><p>none</p><sp>none</sp><pct>100</pct><fo>0</fo></policy_published><record><row>"
    "<source_ip>2001:db8::25</source_ip><count>1</count><policy_evaluated><disposition>none"
    "</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row><identifiers>"
    "<envelope_to>customer.test</envelope_to><envelope_from>evil.test</envelope_from>"
    "<header_from>example.org</header_from></identifiers><auth_results><dkim><domain>none</domain>"
    "<selector>none</selector><result>none</result></dkim><spf><domain>evil.test</domain>"
    "<scope>mfrom</scope><result>softfail</result></spf></auth_results></record></feedback>"
)
# As one writes it who follows RFC 9990: a namespace, and a record that passed.
NAMESPACED: Final = (
    PLAIN.replace("<feedback>", '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">')
    .replace("<disposition>none</disposition>", "<disposition>pass</disposition>")
    .replace("<np>reject</np>", "<testing>n</testing><discovery_method>treewalk</discovery_method>")
)


def test_it_reads_a_plain_report() -> None:
    found = parse(PLAIN.encode())
    assert (found.organization, found.id) == ("big.example", "1234567890123456789")
    assert found.extra_contact == "https://big.example/dmarc"
    assert (found.begin, found.end) == (1_459_468_800, 1_459_555_199)
    assert found.published == Published("example.org", "r", "r", "reject", "reject", "100")
    assert found.rows == (
        Row(
            "198.51.100.9",
            4,
            "none",
            dkim=True,
            spf=False,
            header_from="example.org",
            signed=(Signed("example.org", "s2", "pass"),),
            routed=(Routed("bounce.elsewhere.test", "", "pass"),),
        ),
    )
    assert (found.passed, found.failed) == (4, 0)


def test_it_reads_a_report_with_schemas() -> None:
    found = parse(SCHEMED.encode())
    (row,) = found.rows
    assert (row.address, row.messages) == ("2001:db8::25", 1)
    assert (row.envelope_to, row.envelope_from) == ("customer.test", "evil.test")
    assert row.signed == (Signed("none", "none", "none"),)
    assert row.routed == (Routed("evil.test", "mfrom", "softfail"),)
    assert found.published.fo == "0"
    assert (found.passed, found.failed) == (0, 1)


def test_it_reads_a_report_with_a_namespace() -> None:
    found = parse(NAMESPACED.encode())
    assert found.published.domain == "example.org"
    assert found.rows[0].disposition == "pass"


@pytest.mark.parametrize(
    "xml",
    [
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
        PLAIN.replace("UTF-8", "iso-8859-1").encode("latin-1"),
        PLAIN.replace("UTF-8", "windows-1252").encode("cp1252"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("<feedback>", "<FEEDBACK>").replace("</feedback>", "</FEEDBACK>").encode(),
        PLAIN.replace("example.org", "EXAMPLE.org.").encode(),
        PLAIN.replace("1459468800", "1459468800.0").encode(),
        PLAIN.replace("pass", "Pass").encode(),
        PLAIN.replace("198.51.100.9", "::ffff:198.51.100.9").encode(),
        PLAIN.replace("big.example<", "B\xfcro<").encode("latin-1"),
        PLAIN.replace("big.example<", "B\0\x08\x1f<").encode(),
        PLAIN.replace("UTF-8", "US-ASCII").replace("big.example<", "Büro<").encode(),
        b"\r\n " + PLAIN.encode(),
        PLAIN.replace('<?xml version="1.0" encoding="UTF-8" ?>', "<?xml version=1.0>").encode(),
        PLAIN.replace("<count>4", "<!-- c --><count>\n 4 ").encode(),
    ],
)
def test_it_reads_it_however_it_is_spelt(xml: bytes) -> None:
    found = parse(xml)
    assert found.published.domain == "example.org"
    assert (found.rows[0].address, found.rows[0].messages) == ("198.51.100.9", 4)
    assert found.rows[0].dkim
    assert found.begin == 1_459_468_800


LAUGHS: Final = (
    '<!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)).replace("&a0;", "&a;")
    + "]>"
)


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        (LAUGHS + PLAIN.partition("?>")[2].replace("big.example", "&a9;"), "DTD"),
        ('<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><feedback>&f;</feedback>', "DTD"),
        ('<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd"><feedback/>', "DTD"),
        ("<!DOCTYPE feedback><feedback/>", "DTD"),
        ("<feedback>&undefined;</feedback>", "well-formed"),
        ('\0<!DOCTYPE x [<!ENTITY a "b">]><feedback/>', "DTD"),
        ("<html><body/></html>", "no DMARC report"),
        ("<feedback><report_metadata>", "well-formed"),
        ("<feedback></feedback>", "of when"),
        ("", "well-formed"),
        ("\0\0\0", "well-formed"),
        ("<feedback>" + "<a>" * 40 + "</a>" * 40 + "</feedback>", "too deep"),
        ("<feedback>" + "<a/>" * 5_001 + "</feedback>", "too many"),
        ('<?xml version="1.0" encoding="utf-7"?><feedback/>', "of when"),
        ('<?xml version="1.0" encoding="rot13"?><feedback/>', "of when"),
        ('<?xml version="1.0" encoding="nonsense"?><feedback/>', "of when"),
        (PLAIN.replace("<domain>example.org</domain>\n    <adkim>", "<adkim>"), "which domain"),
        (PLAIN.replace("<domain>example.org", "<domain>[::1]"), "which domain"),
        (PLAIN.replace("1459555199", "1459468799"), "of when"),
        (PLAIN.replace("1459468800", "yesterday"), "of when"),
        (PLAIN.replace("1459468800", "9" * 5_000), "of when"),
    ],
)
def test_it_refuses_what_is_none(xml: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregate_reading, "ELEMENTS_MAX", 5_000)
    with pytest.raises(AggregateError, match=why):
        parse(xml.encode())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<count>4</count>", ""),
        ("<count>4</count>", "<count>-4</count>"),
        ("<count>4</count>", "<count>4e9</count>"),
        ("<count>4</count>", "<count>٤</count>"),
        ("<source_ip>198.51.100.9</source_ip>", ""),
        ("<source_ip>198.51.100.9</source_ip>", "<source_ip>mx.big.example</source_ip>"),
        ("<source_ip>198.51.100.9</source_ip>", f"<source_ip>fe80::1%{'a' * 900}</source_ip>"),
    ],
)
def test_it_leaves_out_a_row_that_says_nothing(before: str, after: str) -> None:
    found = parse(PLAIN.replace(before, after).encode())
    assert (found.rows, found.left_out) == ((), 1)


def test_it_bounds_what_it_keeps() -> None:
    reason = "<reason><type>other</type><comment>c</comment></reason>"
    signed = "<dkim><domain>a.test</domain><result>pass</result></dkim>"
    xml = (
        PLAIN.replace("big.example", "b" * 100_000)
        .replace("</policy_evaluated>", reason * 500 + "</policy_evaluated>")
        .replace("<auth_results>", "<auth_results>" + signed * 500)
        .replace("</date_range>", "</date_range>" + "<error>x</error>" * 50)
    )
    found = parse(xml.encode())
    assert len(found.organization) == 200
    assert len(found.rows[0].reasons) == aggregate_reading.RESULTS_MAX
    assert len(found.rows[0].signed) == aggregate_reading.RESULTS_MAX
    assert len(found.errors) == aggregate_reading.ERRORS_MAX


def test_it_counts_rows_beyond_its_bound() -> None:
    row = "<record><row><source_ip>192.0.2.1</source_ip><count>2</count></row></record>" * (
        aggregate_reading.ROWS_MAX + 3
    )
    found = parse(PLAIN.replace("</feedback>", row + "</feedback>").encode())
    assert len(found.rows) == aggregate_reading.ROWS_MAX
    assert found.left_out == 4
    assert found.failed == 2 * (aggregate_reading.ROWS_MAX + 3)


@pytest.mark.parametrize(
    "xml",
    [
        b"<feedback " + b" ".join(b'a%d="1"' % number for number in range(50_000)) + b"/>",
        b"<feedback>" + b"x" * 5_000_000 + b"</feedback>",
        b"<feedback>" + b"&#65;" * 400_000 + b"</feedback>",
        b"<feedback><" + b"a" * 5_000_000 + b"/></feedback>",
        b"<feedback><!--" + b"-" * 2_000_000 + b"></feedback>",
        b"<feedback>" + b"<![CDATA[" * 300_000 + b"</feedback>",
        b"<" * 2_000_000,
        b"<?" * 1_000_000,
    ],
)
def test_it_takes_linear_time(xml: bytes) -> None:
    with spent() as took, pytest.raises(AggregateError):
        parse(xml)
    assert took.seconds < 5


@given(st.binary(max_size=400), st.integers(0, len(PLAIN)))
def test_it_takes_any_octets(octets: bytes, at: int) -> None:
    raw = PLAIN.encode()
    for xml in (octets, raw[:at] + octets + raw[at:], raw[:at]):
        try:
            found = parse(xml)
        except AggregateError:
            continue
        assert found.published.domain
