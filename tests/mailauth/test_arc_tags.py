"""Tags of seals and message signatures, signed as they stand: which of them break a chain.

The cases are those of the published ARC test suite, made here with keys of our own; dkimpy is asked
each time, and where it says otherwise it is told why.
"""

import base64

import dkim as dkimpy
import pytest

from apps.mailauth import arc, canonical, chain, signature
from apps.mailauth.canonical import Form
from apps.mailauth.keys import SigningKey
from apps.mailauth.message import HeaderField, read_fields, split
from apps.mailauth.types import Arc, Result
from tests.mailauth.samples import NOW, PLAIN, RSA, txt, zones

RESULTS = " i=1; mx.first.test; none"
MESSAGE = {
    "i": "1",
    "a": "rsa-sha256",
    "c": "relaxed/relaxed",
    "d": "first.test",
    "s": "r1",
    "h": "from:to:subject",
    "bh": "",
}
SEAL = {"i": "1", "a": "rsa-sha256", "t": "1790000000", "cv": "none", "d": "first.test", "s": "r1"}
Tags = dict[str, str | None]


def _text(usual: dict[str, str], changed: Tags) -> str:
    """The tags, with a value for each; None leaves one out. A name like "+x" adds a second `x`."""
    tags = [(name, changed.get(name, value)) for name, value in usual.items()]
    tags += [(name, value) for name, value in changed.items() if name not in usual]
    return "; ".join(f"{name.lstrip('+')}={value}" for name, value in tags if value is not None)


def _field(name: str, value: str) -> HeaderField:
    return read_fields(f"{name}:{value}".encode())[0]


def _signed(field: HeaderField, data: bytes, value: str | None) -> HeaderField:
    made = base64.b64encode(SigningKey(RSA.secret).sign(data))
    return read_fields(field.raw + (made if value is None else value.encode()))[0]


def _sealed(message: Tags, seal: Tags, results: str = RESULTS) -> bytes:
    """A message with one set, whose signatures are right for whatever stands in them."""
    first = _field("ARC-Authentication-Results", results)
    taken = split(first.raw + b"\r\n" + PLAIN)
    words = (message.get("c", MESSAGE["c"]) or "simple/simple").split("/")
    is_header_relaxed, is_body_relaxed = words[0] == "relaxed", words[-1] == "relaxed"
    form = Form(is_body_relaxed and len(words) > 1)
    digest = canonical.body_sums(taken.body, [form])[form].digest or b""
    tags = {"bh": base64.b64encode(digest).decode(), **message}
    value = tags.pop("b", None)
    unsigned = _field("ARC-Message-Signature", f" {_text(MESSAGE, tags)}; b=")
    names = tuple(
        name.strip().lower().encode() for name in (message.get("h", MESSAGE["h"]) or "").split(":")
    )
    data = signature.signed_data(taken, unsigned, names, is_header_relaxed)
    second = _signed(unsigned, data, value)
    rest = dict(seal)
    value = rest.pop("b", None)
    unsigned = _field("ARC-Seal", f" {_text(SEAL, rest)}; b=")
    third = _signed(unsigned, arc._sealed_data(first, second, unsigned), value)
    return b"".join(one.raw + b"\r\n" for one in (third, second, first)) + PLAIN


async def _ours(raw: bytes) -> Arc:
    return await chain.check(split(raw), zones(), now=NOW, trusted=(), author="")


def _theirs(raw: bytes) -> bool:
    try:
        return bool(dkimpy.arc_verify(raw, dnsfunc=txt)[0] == dkimpy.CV_Pass)
    except (ValueError, IndexError, KeyError):
        return False


@pytest.mark.parametrize(
    ("message", "seal"),
    [
        ({}, {}),
        # What both may leave out, add and write otherwise.
        ({}, {"t": None}),
        ({"t": "1"}, {}),
        ({"q": "dns/txt"}, {}),
        ({"v": "1"}, {}),
        ({"x": "9790000000", "t": "1"}, {}),
        ({"unknown": "word"}, {"unknown": "word"}),
        ({"d": "FIRST.test"}, {"d": "First.TEST"}),
        ({"d": "second.test"}, {}),
        ({}, {"d": "third.test"}),
        ({"c": "simple/simple"}, {}),
        ({"c": "simple/relaxed"}, {}),
        ({"c": "relaxed/simple"}, {}),
        ({"c": "simple"}, {}),
        ({"h": "from : to :\r\n\tsubject"}, {}),
        ({"h": "From:TO:Subject"}, {}),
        ({"h": "from:to::subject"}, {}),
        ({"h": "from:to:to:x-none:subject:from"}, {}),
        ({"h": "from:arc-authentication-results"}, {}),
        ({"n": "a note"}, {"n": "a note"}),
    ],
)
async def test_what_holds_for_dkimpy_holds_for_us(message: Tags, seal: Tags) -> None:
    raw = _sealed(message, seal)
    assert _theirs(raw)
    found = await _ours(raw)
    assert (found.result, found.reason) == (Result.PASS, "")


@pytest.mark.parametrize(
    ("message", "seal", "reason"),
    [
        ({"a": ""}, {}, "unknown algorithm"),
        ({"a": None}, {}, "has no a="),
        ({"a": "rsa-sha512"}, {}, "unknown algorithm"),
        ({"a": "rsa-sha1"}, {}, "rsa-sha1 is not taken any more"),
        ({"b": ""}, {}, "the header was changed"),
        ({"b": "&&&&"}, {}, "is not base64"),
        ({"b": "AAAA"}, {}, "the header was changed"),
        ({"bh": ""}, {}, "the body was changed"),
        ({"bh": None}, {}, "has no bh="),
        ({"bh": "Z3JlbWxpbnM="}, {}, "the body was changed"),
        ({"c": ""}, {}, "unknown canonicalization"),
        ({"c": "pancake/waffle"}, {}, "unknown canonicalization"),
        ({"d": ""}, {}, "names no domain"),
        ({"d": None}, {}, "has no d="),
        ({"d": "example..."}, {}, "names no domain"),
        ({"d": "nokey.test"}, {}, "has no key"),
        ({"s": ""}, {}, "names no domain"),
        ({"s": "*"}, {}, "names no domain"),
        ({"s": "none"}, {}, "has no key"),
        ({"h": None}, {}, "has no h="),
        ({"h": "from:arc-seal"}, {}, "covers a seal"),
        ({"i": None}, {}, "no instance"),
        ({"i": "0"}, {}, "no instance"),
        ({"i": "51"}, {}, "no instance"),
        ({"i": "2"}, {}, "is not whole"),
        ({"t": "x"}, {}, "t= is no number"),
        ({"x": "100"}, {}, "expired"),
        ({"l": "5"}, {}, "the body was changed"),
        ({"q": "http"}, {}, "unknown query method"),
        ({"+d": "first.test"}, {}, "no instance"),
        ({}, {"a": ""}, "unknown algorithm"),
        ({}, {"a": None}, "has no a="),
        ({}, {"a": "rsa-sha1"}, "rsa-sha1 is not taken any more"),
        ({}, {"a": "ed25519-sha256"}, "the key is of another kind"),
        ({}, {"b": ""}, "the seal does not hold"),
        ({}, {"b": "AAAA"}, "the seal does not hold"),
        ({}, {"b": "&&&&"}, "is not base64"),
        ({}, {"cv": ""}, "does not say cv=none"),
        ({}, {"cv": None}, "does not say cv=none"),
        ({}, {"cv": "pass"}, "does not say cv=none"),
        ({}, {"cv": "fail"}, "does not say cv=none"),
        ({}, {"cv": "word"}, "does not say cv=none"),
        ({}, {"d": "..."}, "names no domain"),
        ({}, {"s": "none"}, "has no key"),
        ({}, {"h": "from"}, "has h="),
        ({}, {"i": None}, "no instance"),
        ({}, {"i": "x"}, "no instance"),
        ({}, {"i": "2"}, "is not whole"),
        ({}, {"+s": "r1"}, "no instance"),
        ({}, {"s": None, "S": "r1"}, "has no s="),
        ({}, {"t": "1;"}, "no instance"),
        ({}, {"_": "x"}, "no instance"),
    ],
)
async def test_what_fails_for_dkimpy_fails_for_us(message: Tags, seal: Tags, reason: str) -> None:
    raw = _sealed(message, seal)
    assert not _theirs(raw)
    found = await _ours(raw)
    assert found.result is Result.FAIL
    assert reason in found.reason


@pytest.mark.parametrize(
    ("message", "is_held"),
    [
        # RFC 8617 section 4.1.2: the semantics of DKIM, where simple is meant if nothing is said.
        ({"c": None}, True),
        # RFC 6376 section 5.4: From must be signed.
        ({"h": "to:subject"}, False),
        ({"h": ""}, False),
        # Section 3.7: a signature never covers itself, whatever h= names.
        ({"h": "from:arc-message-signature"}, True),
        # Section 3.5: a list of methods, of which one is known.
        ({"q": "dns/txt:other"}, True),
    ],
)
async def test_where_dkimpy_says_otherwise_the_rfc_is_followed(
    message: Tags, is_held: bool
) -> None:
    raw = _sealed(message, {})
    assert _theirs(raw) is not is_held
    assert ((await _ours(raw)).result is Result.PASS) is is_held


@pytest.mark.parametrize(
    "results",
    ["i=1;x", "\r\n\ti = 1 ; x; spf=pass (a;b)", " i=01; x", " i=1; ", " i=1"],
)
async def test_results_are_sealed_whatever_they_say(results: str) -> None:
    raw = _sealed({}, {}, results)
    assert (await _ours(raw)).result is Result.PASS
    assert (await _ours(raw.replace(b"i=1;x", b"i=1;y"))).result is (
        Result.FAIL if b"i=1;x" in raw else Result.PASS
    )


@pytest.mark.parametrize("results", [" x; none", " i=0; x", " i=1x; y", " j=1; x", ""])
async def test_results_without_an_instance_break_the_chain(results: str) -> None:
    found = await _ours(_sealed({}, {}, results))
    assert (found.result, found.reason) == (
        Result.FAIL,
        "a field has no instance from 1 to 50",
    )
