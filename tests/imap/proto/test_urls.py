"""URLs of messages (RFC 5092 section 6, RFC 2192 section 12), relative to a session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.imap.proto.fetch import Part, Section
from apps.imap.proto.urls import URL_MAX, MessageUrl, UrlError, parse_url, tellable
from tests.support.cost import cost

WHOLE = Section()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"/Drafts/;UID=20", MessageUrl("Drafts", None, 20, WHOLE)),
        (
            b"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER",
            MessageUrl("Drafts", 385759045, 20, Section(part=Part.HEADER)),
        ),
        (
            b"/a/b;uidvalidity=1/;uid=2/;Section=1.MIME/;Partial=0.1024",
            MessageUrl("a/b", 1, 2, Section((1,), Part.MIME), (0, 1024)),
        ),
        (b"/a/;UID=2/;PARTIAL=7", MessageUrl("a", None, 2, WHOLE, (7, None))),
        (b"/%E6%97%A5%20x/;UID=2", MessageUrl("\u65e5 x", None, 2, WHOLE)),
        (b"/a%3b%2Fb/;UID=2", MessageUrl("a;/b", None, 2, WHOLE)),
        (b"/&AOk-/;UID=2", MessageUrl("&AOk-", None, 2, WHOLE)),  # no modified UTF-7 here
        (
            b"/a/;UID=2/;SECTION=1.HEADER.FIELDS%20(A%20b)",
            MessageUrl("a", None, 2, Section((1,), Part.FIELDS, (b"A", b"B"))),
        ),
        (b";UID=9", MessageUrl(None, None, 9, WHOLE)),
        (b";UID=9/;SECTION=2", MessageUrl(None, None, 9, Section((2,)))),
        (b"c/;UID=9", MessageUrl("a/c", None, 9, WHOLE)),
    ],
)
def test_it_reads_relative_urls(raw: bytes, expected: MessageUrl) -> None:
    assert parse_url(raw, "a/b") == expected


def test_it_begins_at_the_top_where_nothing_is_selected() -> None:
    assert parse_url(b"c/;UID=9", None).mailbox == "c"
    with pytest.raises(UrlError):
        parse_url(b";UID=9", None)


@pytest.mark.parametrize("raw", [b"/a/;UID=1" + b"/;UID=1" * 999, b"/" * 7_000 + b";UID=1"])
def test_it_takes_linear_time(raw: bytes) -> None:
    def read() -> None:
        with pytest.raises(UrlError):
            parse_url(raw, None)

    assert cost(read) < 0.5


def test_it_takes_no_url_without_end() -> None:
    with pytest.raises(UrlError):
        parse_url(b"/" + b"a" * URL_MAX + b"/;UID=1", None)


PIECES = st.sampled_from(
    [b"/", b";UID=", b"1", b";UIDVALIDITY=", b";SECTION=", b";PARTIAL=", b"0.5", b"%41", b"%", b"a"]
)


@given(st.lists(PIECES | st.binary(max_size=4), max_size=12).map(b"".join))
def test_it_raises_nothing_but_its_own_error(raw: bytes) -> None:
    for selected in (None, "INBOX"):
        try:
            found = parse_url(raw, selected)
        except UrlError:
            continue
        assert found.uid > 0
        assert (found.mailbox is None) <= (selected is not None)


@given(st.binary(max_size=2_000))
def test_it_tells_a_url_within_a_response_code(raw: bytes) -> None:
    told = tellable(raw)
    assert told.startswith(b'"')
    assert told.endswith(b'"')
    assert not set(told[1:-1]) & {*range(32), *b'"]\\', *range(127, 256)}
