"""Authentication-Results: read back by a program that is not ours, and proof against injection."""

import re
from typing import Any

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import reading
from apps.mailauth.results import SIGNATURES_MAX, authentication_results
from apps.mailauth.types import (
    Arc,
    Authentication,
    Client,
    Dkim,
    Dmarc,
    Iprev,
    Policy,
    Result,
    Spf,
)

HOST = "mail.example.test"
CLIENT = Client("192.0.2.1", "mx.bank.test", "a@bank.test", HOST)
PASSED = Authentication(
    iprev=Iprev(Result.PASS, "mx.bank.test"),
    helo=Spf(Result.PASS, "mx.bank.test", "helo"),
    spf=Spf(Result.PASS, "bank.test", mechanism="mx"),
    dkim=(Dkim(Result.PASS, "bank.test", "s1", "@bank.test", "rsa-sha256", "ab/c+dEf"),),
    arc=Arc(Result.PASS, 2, ("a.test", "list.test"), "list.test"),
    dmarc=Dmarc(
        Result.PASS,
        "bank.test",
        "bank.test",
        "v=DMARC1; p=reject",
        Policy.REJECT,
        spf=True,
        dkim=True,
    ),
)


def _field(authentication: Authentication, client: Client = CLIENT) -> str:
    return authentication_results(HOST, authentication, client).decode("ascii")


def _read(field: str) -> dict[str, list[Any]]:
    """By method, as authres reads it; every result must have been read."""
    parsed = authres.AuthenticationResultsHeader.parse(field.removesuffix("\r\n"))
    assert parsed.authserv_id == HOST
    assert len(parsed.results) == len(re.findall(r";\r\n\t", field))
    found: dict[str, list[Any]] = {}
    for one in parsed.results:
        found.setdefault(one.method, []).append(one)
    return found


def _told(one: Any) -> dict[str, str]:
    return {f"{item.type}.{item.name}": item.value for item in one.properties}


def _is_one_field(field: str) -> bool:
    lines = field.removesuffix("\r\n").split("\r\n")
    return (
        field.isascii()
        and field.endswith("\r\n")
        and all(line.startswith("\t") and line.strip() for line in lines[1:])
        and all(len(line) <= 998 for line in lines)
        and re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", field) is None
    )


def test_it_tells_all_of_it() -> None:
    field = _field(PASSED)
    assert _is_one_field(field)
    assert field == (
        "Authentication-Results: mail.example.test;\r\n"
        "\tspf=pass smtp.mailfrom=bank.test;\r\n"
        "\tspf=pass smtp.helo=mx.bank.test;\r\n"
        "\tdkim=pass header.d=bank.test header.s=s1 header.a=rsa-sha256\r\n"
        '\theader.b="ab/c+dEf";\r\n'
        "\tdmarc=pass (p=reject) header.from=bank.test policy.dmarc=none;\r\n"
        "\tarc=pass (i=2, list.test vouches for it) smtp.remote-ip=192.0.2.1;\r\n"
        "\tiprev=pass policy.iprev=192.0.2.1 (mx.bank.test)\r\n"
    )


def test_others_read_it() -> None:
    found = _read(_field(PASSED))
    assert [_told(one) for one in found["spf"]] == [
        {"smtp.mailfrom": "bank.test"},
        {"smtp.helo": "mx.bank.test"},
    ]
    assert [(one.result, _told(one)) for one in found["dkim"]] == [
        (
            "pass",
            {
                "header.d": "bank.test",
                "header.s": "s1",
                "header.a": "rsa-sha256",
                "header.b": "ab/c+dEf",
            },
        )
    ]
    (dmarc,) = found["dmarc"]
    assert (dmarc.result, _told(dmarc)) == (
        "pass",
        {"header.from": "bank.test", "policy.dmarc": "none"},
    )
    (iprev,) = found["iprev"]
    assert (iprev.result, _told(iprev)) == ("pass", {"policy.iprev": "192.0.2.1"})
    (arc,) = found["arc"]
    assert (arc.result, _told(arc)) == ("pass", {"smtp.remote-ip": "192.0.2.1"})


@pytest.mark.parametrize("result", list(Result))
def test_it_knows_every_result(result: Result) -> None:
    said = "the DNS is silent"
    everything = Authentication(
        iprev=Iprev(result, "", said),
        helo=Spf(result, "mx.bank.test", "helo", said),
        spf=Spf(result, "bank.test", "mfrom", said),
        dkim=(Dkim(result, "bank.test", "s", reason=said),),
        arc=Arc(result, 1, reason=said),
        dmarc=Dmarc(result, "bank.test", reason=said),
    )
    found = [one for ones in _read(_field(everything)).values() for one in ones]
    assert {one.result for one in found} == {result.value}
    assert {one.reason for one in found} == {None if result is Result.PASS else said}


def test_it_tells_that_nothing_was_found() -> None:
    found = _read(_field(Authentication(), Client("", "", "", HOST)))
    assert {method: ones[0].result for method, ones in found.items()} == {
        "spf": "none",
        "dkim": "none",
        "dmarc": "none",
    }


def test_the_null_path_is_the_name_in_helo() -> None:
    bounce = Client("192.0.2.1", "mx.bank.test", "", HOST)
    spf = Spf(Result.PASS, "mx.bank.test")
    found = _read(
        _field(Authentication(helo=Spf(Result.PASS, "mx.bank.test", "helo"), spf=spf), bounce)
    )
    assert [_told(one) for one in found["spf"]] == [{"smtp.helo": "mx.bank.test"}]


@pytest.mark.parametrize(
    ("override", "comment"),
    [
        ("", "(p=reject)"),
        ("trusted_forwarder", "(p=reject, trusted forwarder)"),
        ("sampled_out", "(p=reject, sampled out)"),
    ],
)
def test_it_says_why_a_policy_was_not_applied(override: str, comment: str) -> None:
    dmarc = Dmarc(
        Result.FAIL,
        "bank.test",
        "bank.test",
        "v=DMARC1; p=reject",
        Policy.REJECT,
        Policy.QUARANTINE,
        override=override,
        reason="neither SPF nor DKIM shows that bank.test stands behind it",
    )
    field = _field(Authentication(dmarc=dmarc))
    assert comment in field
    (found,) = _read(field)["dmarc"]
    assert found.reason == dmarc.reason
    assert _told(found) == {"header.from": "bank.test", "policy.dmarc": "quarantine"}


def test_it_tells_addresses_of_ipv6() -> None:
    client = Client("2001:db8::1", "mx.bank.test", "a@bank.test", HOST)
    found = _read(_field(PASSED, client))
    assert _told(found["iprev"][0]) == {"policy.iprev": "2001:db8::1"}


def test_it_tells_an_identity_that_says_more() -> None:
    one = Dkim(Result.PASS, "bank.test", "s", "news+x@mail.bank.test", "ed25519-sha256", "ABCDEFGH")
    (found,) = _read(_field(Authentication(dkim=(one,))))["dkim"]
    assert _told(found)["header.i"] == "news+x@mail.bank.test"


def test_fifty_signatures_make_no_endless_field() -> None:
    many = tuple(Dkim(Result.FAIL, f"d{number}.test", "s", reason="x") for number in range(50))
    assert len(_read(_field(Authentication(dkim=many)))["dkim"]) == SIGNATURES_MAX


NASTY = (
    "x\r\nBcc: eve@evil.test",
    "x\r\n\r\nbody",
    "x\n",
    "x\x00",
    'x"; dmarc=pass header.from=bank.test; x="',
    "x (dmarc=pass)",
    "x; dmarc=pass",
    "x\\",
    "(" * 50,
    ")",
    "\u00fc\u202e@b\u00fccher.test",
    "=?utf-8?q?x?=",
    "a" * 5_000,
    'x@evil.test dmarc=pass header.from="bank.test',
    " ",
)
_text = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))


def _everywhere(text: str) -> Authentication:
    return Authentication(
        iprev=Iprev(Result.FAIL, text, text),
        helo=Spf(Result.FAIL, text, "helo", text, text, text),
        spf=Spf(Result.FAIL, text, "mfrom", text, text, text),
        dkim=(Dkim(Result.FAIL, text, text, text, text, text, text),),
        arc=Arc(Result.FAIL, 1, (text,), text, text),
        dmarc=Dmarc(Result.FAIL, text, text, text, override=text, reason=text),
    )


@given(_text, _text)
def test_nothing_gets_out_of_its_place(text: str, address: str) -> None:
    client = Client(address, text, text, HOST)
    field = _field(_everywhere(text), client)
    assert _is_one_field(field)
    # To us, and to programs that only look for the words.
    read = reading.read(field.partition(":")[2].encode())
    assert read is not None
    assert read.host == HOST
    assert {one.result for one in read.results} == {"fail"}
    assert "pass" not in re.sub(r'reason="[^"]*"|\([^()]*\)', "", field).replace(text, "")


@pytest.mark.parametrize("text", NASTY)
def test_others_read_no_result_of_a_stranger(text: str) -> None:
    field = _field(_everywhere(text))
    found = [one for ones in _read(field).values() for one in ones]
    assert {one.result for one in found} == {"fail"}


@pytest.mark.parametrize("text", [one for one in NASTY if "dmarc=pass" in one])
def test_a_search_for_words_finds_no_result_of_a_stranger(text: str) -> None:
    identities = Authentication(
        spf=Spf(Result.FAIL, text),
        dkim=(Dkim(Result.FAIL, text, text, text, text, text),),
        dmarc=Dmarc(Result.FAIL, text),
    )
    assert "pass" not in _field(identities)
