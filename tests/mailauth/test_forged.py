"""Results that pretend to be ours: every spelling is found, and nobody else's is touched.

security.md item 16.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import forged
from apps.mailauth.forged import CUTS_MAX, FIELDS_MAX, OCTETS_MAX
from apps.mailauth.results import authentication_results
from apps.mailauth.types import Authentication, Client, Spf
from apps.mime import headers
from tests.support.cost import cost

HOST = "mail.example.test"
IDN = "mail.xn--bcher-kva.test"
RESULTS = b"Authentication-Results: "


def _shown(raw: bytes, hostname: str = HOST) -> bytes:
    shown, at = b"", 0
    for start, end in forged.cuts(raw, hostname):
        assert at <= start < end
        shown, at = shown + raw[at:start], end
    return shown + raw[at:]


def _is_cut(field: bytes, hostname: str = HOST) -> bool:
    """Whether a field goes, and nothing but it."""
    above, below = b"Received: from a\r\n", b"From: a@b.test\r\n\r\nAuthentication-Results: x\r\n"
    shown = _shown(above + field + b"\r\n" + below, hostname)
    assert shown in {above + below, above + field + b"\r\n" + below}
    return shown == above + below


@pytest.mark.parametrize(
    "field",
    [
        RESULTS + b"mail.example.test; dmarc=pass",
        RESULTS + b"mail.example.test 1; dmarc=pass",
        RESULTS + b"mail.example.test; none",
        RESULTS + b"mail.example.test",
        RESULTS + b"Mail.EXAMPLE.test; dmarc=pass",
        RESULTS + b"mail.example.test.; dmarc=pass",
        RESULTS + b'"mail.example.test"; dmarc=pass',
        RESULTS + b'"mail\\.example.test"; dmarc=pass',
        RESULTS + b"(x) mail.example.test (y); dmarc=pass",
        RESULTS + b"(a (nested) \\) comment)mail.example.test; dmarc=pass",
        RESULTS + b"\r\n mail.example.test;\r\n\tdmarc=pass",
        RESULTS + b"\r\n\t(x)\r\n mail.example.test\r\n ;dmarc=pass",
        RESULTS + b"mail.example.test dmarc=pass",
        RESULTS + b"mail.example.test/1; dmarc=pass",
        RESULTS + "\uff4dail.example.test; dmarc=pass".encode(),
        RESULTS + "mail\u3002example\u3002test; dmarc=pass".encode(),
        RESULTS + "mail.exam\u00adple.test; dmarc=pass".encode(),
        b"AUTHENTICATION-RESULTS:mail.example.test; dmarc=pass",
        b"authentication-results : mail.example.test; dmarc=pass",
        b"Authentication-Results\t:\tmail.example.test; dmarc=pass",
        # What nobody can read, or says nobody's name, a hasty reader might take for ours.
        RESULTS,
        RESULTS + b"; dmarc=pass",
        RESULTS + b"dmarc=pass header.from=bank.test",
        RESULTS + b"(mail.example.test) dmarc=pass",
        RESULTS + b'"mail.example.test; dmarc=pass',
        RESULTS + b"(mail.example.test; dmarc=pass",
        RESULTS + b"\x00mail.example.test; dmarc=pass",
        RESULTS + b"=?utf-8?q?mail=2Eexample=2Etest?=; dmarc=pass",
        RESULTS + b"\xff\xfe; dmarc=pass",
    ],
)
def test_it_finds_every_spelling_of_our_name(field: bytes) -> None:
    assert _is_cut(field)


@pytest.mark.parametrize(
    "name",
    [
        b"mail.xn--bcher-kva.test",
        b"MAIL.XN--BCHER-KVA.TEST.",
        "mail.b\u00fccher.test".encode(),
        "Mail.B\u00dcCHER.test".encode(),
        "mail.bu\u0308cher.test".encode(),
        '"mail.b\u00fccher.test"'.encode(),
    ],
)
def test_it_knows_our_name_in_unicode(name: bytes) -> None:
    assert _is_cut(RESULTS + name + b"; dmarc=pass", IDN)
    assert _is_cut(b"Received-SPF: pass (x) receiver=" + name + b";", IDN)
    assert not _is_cut(RESULTS + b"mail.bucher.test; dmarc=pass", IDN)


@pytest.mark.parametrize(
    "field",
    [
        RESULTS + b"mx.other.test; dmarc=pass",
        RESULTS + b"mx.other.test/mail.example.test; dmarc=pass",
        RESULTS + b"relay_1 1; dmarc=pass",
        RESULTS + b"mx.google.com;\r\n       dkim=pass header.i=@mail.example.test",
        RESULTS + b"other.test; spf=pass (mail.example.test: x) smtp.mailfrom=a@mail.example.test",
        RESULTS + b"example.test; dmarc=pass",
        RESULTS + b"a.mail.example.test; dmarc=pass",
        RESULTS + b"mail.example.test.evil.test; dmarc=pass",
        RESULTS + b"xmail.example.test; dmarc=pass",
        RESULTS + b"(mail.example.test) other.test; dmarc=pass",
        b"X-Authentication-Results: mail.example.test; dmarc=pass",
        b"ARC-Authentication-Results: i=1; mail.example.test; dmarc=pass",
        b"Subject: x\r\n Authentication-Results: mail.example.test; dmarc=pass",
        b"Received-SPF: pass (google.com: domain of a@b.test) client-ip=192.0.2.1;",
        b"Received-SPF: pass (x) client-ip=192.0.2.1; receiver=mx.other.test; helo=a;",
        b"Received-SPF: fail receiver=mx.other.test",
    ],
)
def test_it_leaves_what_others_say_of_themselves(field: bytes) -> None:
    assert not _is_cut(field)


@pytest.mark.parametrize(
    "field",
    [
        b"Received-SPF: pass (mail.example.test: domain of a@bank.test) client-ip=192.0.2.1;",
        b"Received-SPF: pass client-ip=192.0.2.1; receiver=mail.example.test;",
        b"Received-SPF: pass client-ip=192.0.2.1; receiver=Mail.Example.TEST.;",
        b'Received-SPF: pass client-ip=192.0.2.1; receiver="mail.example.test";',
        b'Received-SPF: pass client-ip=192.0.2.1; receiver="mail\\.example\\.test";',
        b"Received-SPF: pass receiver = mail.(x)example . test;",
        b"received-spf :\r\n pass\r\n receiver=mail.example.test",
        b"Received-SPF: pass (x) receiver=\xef\xbd\x8dail.example.test;",
        b"Received-SPF: pass",
        b"Received-SPF: pass client-ip=192.0.2.1;",
    ],
)
def test_it_finds_a_received_spf_in_our_name(field: bytes) -> None:
    assert _is_cut(field)


def test_it_finds_what_we_write_ourselves() -> None:
    client = Client("192.0.2.1", "mx.bank.test", "a@bank.test", HOST)
    field = authentication_results(HOST, Authentication(spf=Spf(domain="bank.test")), client)
    assert _is_cut(field.removesuffix(b"\r\n"))


def test_it_finds_all_of_them() -> None:
    one = RESULTS + b"mail.example.test; dmarc=pass\r\n"
    raw = one + b"From: a@b.test\r\n" + one + one + b"To: b@c.test\r\n" + one + b"\r\nbody\r\n"
    assert forged.cuts(raw, HOST) == (
        (0, len(one)),
        (len(one) + 16, 3 * len(one) + 16),
        (3 * len(one) + 30, 4 * len(one) + 30),
    )
    assert _shown(raw) == b"From: a@b.test\r\nTo: b@c.test\r\n\r\nbody\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"\r\n" + RESULTS + b"mail.example.test; dmarc=pass\r\n",
        b"From: a@b.test\r\n\r\n" + RESULTS + b"mail.example.test; dmarc=pass\r\n",
        b" " + RESULTS + b"mail.example.test; dmarc=pass\r\n\r\n",
    ],
)
def test_it_leaves_bodies(raw: bytes) -> None:
    assert forged.cuts(raw, HOST) == ()


def test_it_looks_where_any_reader_looks() -> None:
    one = RESULTS + b"mail.example.test; dmarc=pass"
    # A line that ends in a bare LF; a header without an end, or with one for lenient readers only.
    assert _shown(b"Subject: x\n" + one + b"\nTo: b\r\n\r\n") == b"Subject: x\nTo: b\r\n\r\n"
    assert _shown(b"Subject: x\r\n" + one) == b"Subject: x\r\n"
    assert _shown(b"Subject: x\n\n" + one + b"\r\n\r\n") == b"Subject: x\n\n\r\n"
    # Behind more fields and octets than our own pages read.
    many = b"X: y\r\n" * (headers.FIELDS_MAX + 1) + b"Z: " + b"z" * headers.HEADER_LIMIT + b"\r\n"
    assert _shown(many + one + b"\r\n\r\n") == many + b"\r\n"


@pytest.mark.parametrize(
    "flood",
    [
        (RESULTS + b"other.test; dmarc=pass\r\n") * FIELDS_MAX,
        b"Received-SPF: pass (other.test: x)\r\n" * FIELDS_MAX,
        RESULTS + b"other.test; x=" + b"y" * OCTETS_MAX + b"\r\n",
        (RESULTS + b"other.test; x=" + b"y" * (OCTETS_MAX // 4) + b"\r\n") * 4,
    ],
)
def test_a_flood_hides_what_follows_it(flood: bytes) -> None:
    above, below = b"From: a@b.test\r\n", RESULTS + b"other.test; x\r\nTo: c@d.test\r\n"
    shown = _shown(above + flood + below + b"\r\nbody\r\n")
    assert shown.startswith(above)
    assert shown.endswith(b"\r\n\r\nbody\r\n")
    assert b"To:" not in shown
    fewer = flood[: flood.find(b"\n") + 1]
    if len(fewer) < OCTETS_MAX:
        assert _shown(above + fewer + below + b"\r\n") == above + fewer + below + b"\r\n"


def test_a_thousand_ranges_are_one() -> None:
    many = [(at, at + 1) for at in range(0, 4 * CUTS_MAX, 2)]
    found = forged.merge(many)
    assert len(found) == CUTS_MAX
    assert found[:-1] == tuple(many[: CUTS_MAX - 1])
    assert found[-1] == (many[CUTS_MAX - 1][0], many[-1][1])


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ([], [], ()),
        ([(1, 2)], [], ((1, 2),)),
        ([(5, 6)], [(1, 2)], ((1, 2), (5, 6))),
        ([(1, 3)], [(3, 5)], ((1, 5),)),
        ([(1, 9)], [(2, 3), (8, 12)], ((1, 12),)),
        ([(1, 2), (1, 2)], [(1, 2)], ((1, 2),)),
    ],
)
def test_it_merges_ranges(
    first: list[tuple[int, int]], second: list[tuple[int, int]], merged: tuple[tuple[int, int], ...]
) -> None:
    assert forged.merge(first, second) == merged


_PIECES = (
    b"mail.example.test",
    b"Authentication-Results:",
    b"Received-SPF:",
    b"receiver=",
    b"\r\n",
    b"\r\n ",
    b"\n",
    b"(",
    b")",
    b'"',
    b"\\",
    b";",
    b" dmarc=pass",
    b"other.test",
    b"\xff",
    b"\x00",
)


@given(st.lists(st.sampled_from(_PIECES), max_size=20))
def test_what_is_left_has_nothing_to_cut(pieces: list[bytes]) -> None:
    raw = b"From: a@b.test\r\n" + b"".join(pieces) + b"\r\n\r\n"
    cuts = forged.cuts(raw, HOST)
    assert cuts == forged.merge(cuts)
    assert forged.cuts(_shown(raw), HOST) == ()


@pytest.mark.parametrize(
    "piece",
    [
        RESULTS + b"\r\n",
        b"Authentication-Results:",
        b"Authentication-Results",
        RESULTS + b"(" * 200 + b"\r\n",
        RESULTS + b'"\\' * 200 + b"\r\n",
        RESULTS + b"\xc3\xa9" * 100 + b"\r\n",
        b"Received-SPF: (" + b"\xc3\xa9 a.b " * 1_000 + b"\r\n",
        b"Received-SPF: " + b"( . " * 2_000 + b"\r\n",
        b"Authentication-Results:\r\n " + b"\r\n " * 5_000,
        b"a: b\r\n",
        b"a: b\r\n c\r\n",
        b"\n ",
        b"\r",
    ],
)
def test_it_takes_no_time_over_garbage(piece: bytes) -> None:
    # Some have no empty line: all of the message is header.
    raw = (b"X: y\r\n" + piece * (10_000_000 // len(piece)))[:10_000_000]
    assert cost(lambda: forged.cuts(raw, HOST)) < 0.5
