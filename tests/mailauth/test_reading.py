"""Authentication-Results as others write them: read for what they say, never an error."""

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import reading
from apps.mailauth.reading import Finding, Property, authserv_id, domain_of, read
from tests.support.cost import spent

GOOGLE = (
    b' mx.google.com;\r\n       dkim=pass header.i=@author.test header.s=sel header.b="Ab/c+d=";'
    b"\r\n       spf=pass (google.com: domain of ann@author.test designates 192.0.2.1 as permitted"
    b" sender) smtp.mailfrom=ann@author.test;\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE)"
    b" header.from=author.test"
)
MICROSOFT = (
    b" mx.microsoft.com 1; spf=pass\r\n smtp.mailfrom=author.test; dmarc=pass action=none\r\n"
    b" header.from=author.test; dkim=pass header.d=author.test; arc=none (0)"
)
# The receiving side of the same company names nobody.
NAMELESS = (
    b"spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=author.test; dkim=pass (signature was"
    b" verified) header.d=author.test;dmarc=pass action=none header.from=author.test;compauth=pass"
    b" reason=100"
)


@pytest.mark.parametrize(
    ("value", "host", "methods"),
    [
        (GOOGLE, "mx.google.com", ["dkim", "spf", "dmarc"]),
        (MICROSOFT, "mx.microsoft.com", ["spf", "dmarc", "dkim", "arc"]),
        (NAMELESS, "", ["spf", "dkim", "dmarc", "compauth"]),
    ],
)
def test_it_reads_what_large_providers_write(value: bytes, host: str, methods: list[str]) -> None:
    found = read(value)
    assert found is not None
    assert authserv_id(value) == found.host == host
    assert [one.method for one in found.results] == methods
    assert {one.result for one in found.results} <= {"pass", "none"}
    (dmarc,) = (one for one in found.results if one.method == "dmarc")
    assert dmarc.get("header", "from") == "author.test"


def test_it_reads_each_piece() -> None:
    found = read(
        b' (a (b) \\) c) Mail.Example.TEST. 1 ; dkim / 1 = PASS (d) reason = "good (so) \\"x\\"" '
        b'header . D = example.test header.b="a;b=" policy.x-y=1; spf=fail'
        b' smtp.mailfrom="a b"@c.test'
    )
    assert found == reading.Findings(
        "mail.example.test",
        "1",
        (
            Finding(
                "dkim",
                "pass",
                'good (so) "x"',
                (
                    Property("header", "d", "example.test"),
                    Property("header", "b", "a;b="),
                    Property("policy", "x-y", "1"),
                ),
            ),
            Finding("spf", "fail", "", (Property("smtp", "mailfrom", "a b@c.test"),)),
        ),
    )
    assert found.results[0].get("header", "i") == ""


@pytest.mark.parametrize(
    ("value", "host"),
    [
        (b"ours.test; none", "ours.test"),
        (b" Ours.TEST", "ours.test"),
        (b"ours.test.;", "ours.test"),
        (b'"ours.test"; none', "ours.test"),
        (b'"ou\\rs.test"; none', "ours.test"),
        (b'ours."test"; none', "ours.test"),
        (b"(x)ours.test(y)/1; none", "ours.test"),
        (b"\r\n\tours.test\r\n 1; none", "ours.test"),
        (b"ours.test dkim=pass", "ours.test"),
        (b"ours.test; (never closed", "ours.test"),
        (b'ours.test; x="never closed', "ours.test"),
        ("m\u00fcnchen.test; none".encode(), "xn--mnchen-3ya.test"),
        (b"XN--MNCHEN-3YA.test; none", "xn--mnchen-3ya.test"),
        (b"not_a/domain!; none", "not_a/domain!"),
        (b"dkim=pass; ours.test", ""),
        (b"dkim (x) = pass", ""),
        (b"", ""),
        (b" ; ours.test", ""),
        (b"(never closed ours.test;", None),
        (b"ours.test (never closed;", None),
        (b'"never closed;', None),
        (b")ours.test;", None),
        (b"ours.test;" + b"x" * reading.SIZE_MAX, None),
    ],
)
def test_it_tells_whose_results_they_are(value: bytes, host: str | None) -> None:
    assert authserv_id(value) == host


@pytest.mark.parametrize("value", [b"x; (", b'x; a="', b"x; )", b"x;" + b"y" * reading.SIZE_MAX])
def test_what_cannot_be_read_says_nothing(value: bytes) -> None:
    assert read(value) is None


@pytest.mark.parametrize(
    "value",
    [b"x", b"x;", b"x; none", b"x; ;; ;", b"x; =pass", b"x; dkim=", b"x; d\xff=pass", b"x; a b c"],
)
def test_where_nothing_is_said_nothing_is_read(value: bytes) -> None:
    found = read(value)
    assert found is not None
    assert (found.host, found.results) == ("x", ())


def test_a_result_that_cannot_be_read_hides_no_other() -> None:
    found = read(b"x; d\xff=pass; spf=pass smtp.mailfrom=a.test; =; dmarc=fail")
    assert found is not None
    assert [one.method for one in found.results] == ["spf", "dmarc"]


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        ("Author.TEST.", "author.test"),
        ("@author.test", "author.test"),
        ("ann@author.test", "author.test"),
        ("a@b@author.test", "author.test"),
        ("m\u00fcnchen.test", "xn--mnchen-3ya.test"),
        ("", ""),
        ("ann@", ""),
        ("not a domain", ""),
        ("x" * 300, ""),
    ],
)
def test_it_finds_the_domain_of_a_value(value: str, domain: str) -> None:
    assert domain_of(value) == domain


WORDS = st.text("abcxyz019-", min_size=1, max_size=12).filter(
    lambda word: word[0].isalpha() and word[-1] != "-"
)
DOMAINS = st.lists(WORDS, min_size=2, max_size=3).map(".".join)


@given(DOMAINS, st.lists(st.tuples(DOMAINS, st.sampled_from(["pass", "fail", "none"]))))
def test_it_reads_what_authres_writes(host: str, signed: list[tuple[str, str]]) -> None:
    results = [
        authres.DKIMAuthenticationResult(result=result, header_d=domain, header_i=f"a@{domain}")
        for domain, result in signed
    ]
    written = str(authres.AuthenticationResultsHeader(authserv_id=host, results=results))
    found = read(written.partition(":")[2].encode())
    assert found is not None
    assert found.host == host
    assert [(one.get("header", "d"), one.result) for one in found.results] == signed


PIECES = st.sampled_from(
    [*';=()"\\ ./@1\xff\0', "x.test", "\r\n ", "dkim", "pass", "header", "d", "none", "reason"]
)


@given(st.lists(PIECES, max_size=60))
def test_nothing_raises_and_both_agree_on_the_host(pieces: list[str]) -> None:
    value = "".join(pieces).encode("latin-1")
    found = read(value)
    if found is not None:
        assert authserv_id(value) == found.host


@pytest.mark.parametrize(
    "piece", ["(", "()", '"a"', "\\", "(\\", ";", "=", "a=b ", "a.b=c;", "@", " ", "a ", ". "]
)
def test_hostile_values_cost_linear_time(piece: str) -> None:
    value = (piece * reading.SIZE_MAX)[: reading.SIZE_MAX - 10].encode()
    with spent() as took:
        found = read(b"x; " + value)
        authserv_id(value)
    assert took.seconds < 3
    assert found is None or len(found.results) <= reading.RESULTS_MAX


def test_properties_are_bounded() -> None:
    found = read(b"x; dkim=pass" + b" header.d=y" * 5_000)
    assert found is not None
    assert len(found.results[0].properties) == reading.PROPERTIES_MAX
