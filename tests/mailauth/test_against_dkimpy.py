"""What we say of a signature is what dkimpy says, for whatever message, folding and change.

It differs from ours in this, and the messages made here keep away from it: it takes a bare LF for a
line end and a message with a line that is no field (or has white space before the colon) for none,
leaves white space at the end of a body without line end (which SMTP cannot bring), gives
t= and x= ten hours, takes a signature for a part of the body (ours is `policy`, which counts as its
"yes" here), takes one that does not sign From, counts a signature among the fields that its own h=
names, knows no list in q=, and wants v=DKIM1 nowhere in particular.
"""

import base64
import re
from dataclasses import dataclass
from functools import cache

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from apps.mailauth import arc, chain, dkim, verify
from apps.mailauth.arc import Status, Verdict
from apps.mailauth.keys import Algorithm, NewKey, record_text
from apps.mailauth.message import split
from apps.mailauth.types import Result
from tests.mailauth.samples import BOTH, DOMAIN, NOW, PLAIN, RSA, crafted, pem, signer, txt, zones
from tests.support.zones import Zones

FORMS = (b"simple", b"relaxed")
_FIELD = re.compile(rb"[!-9;-~]+:")
WORDS = ("simple", "relaxed")
KEY_NAME = f"s1._domainkey.{DOMAIN}"

_text = st.lists(
    st.sampled_from(
        [b"a", b"Bc", b"1", b" ", b"\t", b"  ", b":", b";", b"=", b"\xc3\xa4", b"\xff"]
    ),
    max_size=12,
).map(b"".join)
_fold = st.sampled_from([b"\r\n ", b"\r\n\t", b"\r\n  \t"])
_value = st.tuples(_text, st.lists(st.tuples(_fold, _text), max_size=2)).map(
    lambda parts: parts[0] + b"".join(fold + b"x" + text for fold, text in parts[1])
)
_name = st.sampled_from([b"To", b"subject", b"X-A", b"x-a", b"X-B", b"Reply-To", b"MIME-Version"])
_fields = st.lists(st.tuples(_name, _value), max_size=6)
_body = st.lists(
    st.sampled_from(
        [b"a", b"bc ", b" ", b"\t", b"  \t", b"\r\n", b"\r\n\r\n", b".", b"\xff", b"="]
    ),
    max_size=20,
).map(b"".join)


@dataclass(frozen=True, slots=True)
class _Case:
    fields: list[tuple[bytes, bytes]]
    body: bytes
    header_form: bytes
    body_form: bytes
    has_length: bool
    signed: list[bytes]

    @property
    def raw(self) -> bytes:
        lines = [name + b":" + value + b"\r\n" for name, value in self.fields]
        lines.insert(len(lines) // 2, b"From: Ann <ann@example.test>\r\n")
        return b"".join(lines) + b"\r\n" + self.body + b"\r\n"


_case = st.builds(
    _Case,
    fields=_fields,
    body=_body,
    header_form=st.sampled_from(FORMS),
    body_form=st.sampled_from(FORMS),
    has_length=st.booleans(),
    signed=st.lists(_name.map(bytes.lower), max_size=5),
)


@cache
def _key() -> tuple[bytes, bytes]:
    """A key of 1024 bits, as dkimpy reckons in Python: for it, and as a record."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)
    secret = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = record_text(Algorithm.RSA, base64.b64encode(public).decode())
    return pem(NewKey(Algorithm.RSA, secret, "")), record.encode()


def _signed(case: _Case) -> bytes:
    field: bytes = dkimpy.sign(
        case.raw,
        b"s1",
        DOMAIN.encode(),
        _key()[0],
        canonicalize=(case.header_form, case.body_form),
        include_headers=[b"from", *case.signed],
        length=case.has_length,
        linesep=b"\r\n",
    )
    return field + case.raw


def _theirs(raw: bytes) -> bool:
    try:
        return bool(dkimpy.DKIM(raw).verify(0, dnsfunc=lambda name, timeout=5: _key()[1]))
    except (dkimpy.DKIMException, ValueError, IndexError):
        return False  # it stumbles over an i= that is shorter than its d=


async def _ours(raw: bytes) -> bool:
    dns = Zones()
    dns.add(KEY_NAME, "TXT", _key()[1])
    found = await verify.verify(split(raw), dns, now=NOW)
    return bool(found) and found[0].result in (Result.PASS, Result.POLICY)


@given(_case)
async def test_what_it_signs_holds_for_both(case: _Case) -> None:
    raw = _signed(case)
    assert _theirs(raw)
    assert await _ours(raw)


_change = st.tuples(
    st.integers(0, 2_000),
    st.integers(0, 3),
    st.sampled_from([b"", b" ", b"\t", b"a", b"A", b"\r\n ", b"\r\n", b";", b":", b"=", b"\xff"]),
)


def _changed(raw: bytes, change: tuple[int, int, bytes]) -> bytes:
    """Some octets less at a place, and others there."""
    place, length, octets = change
    place %= len(raw)
    return raw[:place] + octets + raw[place + length :]


def _is_plain(raw: bytes) -> bool:
    """Without what the two are known to read differently: see above."""
    header = raw.partition(b"\r\n\r\n")[0]
    lines = re.sub(rb"\r\n(?=[ \t])", b"", header).split(b"\r\n")
    is_clean = not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    return is_clean and raw.endswith(b"\r\n") and all(map(_FIELD.match, lines))


async def _agree(case: _Case, change: tuple[int, int, bytes]) -> None:
    raw = _changed(_signed(case), change)
    assume(_is_plain(raw))
    assert await _ours(raw) is _theirs(raw)


@given(_case, _change)
async def test_both_say_the_same_of_what_was_changed(
    case: _Case, change: tuple[int, int, bytes]
) -> None:
    await _agree(case, change)


@pytest.mark.long
@settings(max_examples=5_000)
@given(_case, _change)
async def test_both_say_the_same_of_much_that_was_changed(
    case: _Case, change: tuple[int, int, bytes]
) -> None:
    await _agree(case, change)


def _tag(*values: str) -> st.SearchStrategy[str]:
    """The first of the values mostly, so that not all signatures are bad; "" leaves a tag out."""
    return st.one_of(st.just(values[0]), st.sampled_from(values))


_tags = st.fixed_dictionaries(
    {
        "v": _tag("1", "01", ""),
        "c": _tag("", *(f"{one}/{two}" for one in WORDS for two in WORDS), *WORDS, "nowsp"),
        "h": _tag("from:to", "from", "from : to", "From:TO", " from", "from:from", "from::to"),
        "i": _tag(
            "",
            f"@{DOMAIN}",
            f"a@{DOMAIN.upper()}",
            f"a@b@{DOMAIN}",
            f"@sub.{DOMAIN}",
            f"@sub{DOMAIN}",
            DOMAIN,
            "@",
        ),
        "l": _tag("", "0", "5", "500", "9" * 20, "-1", "x"),
        "q": _tag("", "dns/txt", "dns"),
        "t": _tag("", "100", str(NOW), "x"),
        "x": _tag("", "5790000000", "100", "99", "x"),
        "z": _tag("", "From:a=40b|To:c"),
        "_x": _tag("", "1"),
        "X": _tag("", "y z"),
    }
)


@given(_tags)
async def test_both_say_the_same_of_any_tags(tags: dict[str, str]) -> None:
    raw = crafted(PLAIN, **tags)
    (found,) = await verify.verify(split(raw), zones(), now=NOW)
    try:
        theirs = bool(dkimpy.DKIM(raw).verify(0, dnsfunc=txt))
    except (dkimpy.DKIMException, ValueError, IndexError):
        theirs = False
    assert (found.result in (Result.PASS, Result.POLICY)) is theirs


@cache
def _chain() -> bytes:
    """A message that two hops sealed, of which dkimpy is the second."""
    raw = dkim.sign(split(PLAIN), BOTH, now=NOW) + PLAIN
    taken, key = split(raw), signer("r1", RSA, "first.test")
    none = Verdict(Status.NONE)
    raw = arc.seal(taken, arc.NO_CHAIN, none, results="x; none", signer=key, now=NOW) + raw
    told = b"Authentication-Results: y.test; arc=pass\r\n" + raw
    lines = dkimpy.arc_sign(told, b"r1", b"second.test", pem(RSA), b"y.test", linesep=b"\r\n")
    return b"".join(lines) + told


@given(_change)
async def test_both_say_the_same_of_a_chain_that_was_changed(
    change: tuple[int, int, bytes],
) -> None:
    raw = _changed(_chain(), change)
    assume(_is_plain(raw))
    found = await chain.check(split(raw), zones(), now=NOW, trusted=(), author="")
    assert (found.result is Result.PASS) is _is_chain(raw)


def _is_chain(raw: bytes) -> bool:
    try:
        return bool(dkimpy.arc_verify(raw, dnsfunc=txt)[0] == dkimpy.CV_Pass)
    except (ValueError, IndexError):  # for damaged Base64 and instances
        return False


def test_the_chain_holds_before_it_is_changed() -> None:
    assert _is_chain(_chain())
