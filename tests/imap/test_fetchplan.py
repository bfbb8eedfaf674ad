"""The plan of a FETCH: fields cut out of headers, pages that end when there is enough."""

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given
from hypothesis import strategies as st

from apps.directory.models import User
from apps.imap.messages.fetchplan import (
    CHUNK,
    SHORT,
    Long,
    filtered,
    is_glance,
    make_plan,
    picker,
    read_few,
    read_page,
)
from apps.imap.proto.fetch import Attribute, BinaryItem, BodyItem, FetchItem, Part, Section
from apps.mailstore import queries
from apps.mailstore.models import Message
from apps.runtime.glance import ask_database
from apps.wire.errors import Damaged
from tests.imap.conftest import MESSAGE, add_message, add_numbered

LINES = st.sampled_from(
    [
        b"Subject: a\r\n",
        b"SUBJECT:b\n",
        b"subject \t: c\r\n",
        b"Subject: folded\r\n",
        b" more Subject: d\r\n",
        b"\tand more\n",
        b"X-Subject: e\r\n",
        b"Subject-X: f\r\n",
        b"no field at all\r\n",
        b"From: g@example.net\r\n",
        b"References: <1@x>\r\n",
        b"(odd)[name]: h\r\n",
        b"Subject\r\n",
        b": no name\r\n",
        b"\r\r\n",
        b"\xff\x00: i\r\n",
    ]
)
NAMES = st.lists(
    st.sampled_from(
        [b"SUBJECT", b"FROM", b"REFERENCES", b"(ODD)[NAME]", b"X.Y", b"SUB", b"A B", b"", b"]"]
    ),
    min_size=1,
    max_size=4,
    unique=True,
)
PARTS = st.sampled_from([Part.FIELDS, Part.FIELDS_NOT])


@given(st.lists(LINES, max_size=12), NAMES, PARTS, st.sampled_from([b"\r\n", b"\n", b"", b"cut"]))
@example([b"Subject: last, without a line end"], [b"SUBJECT"], Part.FIELDS, b"")
def test_it_cuts_the_same_fields_out_fast_and_slowly(
    lines: list[bytes], names: list[bytes], part: Part, end: bytes
) -> None:
    raw = b"".join(lines) + end
    section = Section(part=part, fields=tuple(names))
    assert picker(section)(raw) == filtered(raw, section)


def test_it_makes_no_pattern_of_very_many_names() -> None:
    section = Section(part=Part.FIELDS, fields=(*(b"X-%d" % n for n in range(199)), b"TO"))
    many = Section(part=Part.FIELDS, fields=(*section.fields, b"Y" * 999))
    raw = b"To: a\r\nX-7: b\r\nX-200: c\r\n\r\n"
    assert picker(many)(raw) == picker(section)(raw) == b"To: a\r\nX-7: b\r\n\r\n"


WHOLE = BodyItem(Section(), b"BODY[]", peek=True)
SUBJECT = BodyItem(Section(part=Part.FIELDS, fields=(b"SUBJECT",)), b"BODY[X]", peek=True)
FIRST = Section((1,))
STRUCTURE = (Attribute.ENVELOPE, Attribute.BODYSTRUCTURE)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "items",
    [
        STRUCTURE,
        (WHOLE,),
        (SUBJECT,),
        (*STRUCTURE, SUBJECT, WHOLE),
        (Attribute.BODY,),
        (Attribute.PREVIEW, Attribute.SAVEDATE, Attribute.EMAILID, Attribute.THREADID),
        (BinaryItem(FIRST, b"BINARY[1]"), BinaryItem(FIRST, b"BINARY.SIZE[1]", size_only=True)),
    ],
    ids=["columns", "bodies", "headers", "all", "structures", "extensions", "decoded"],
)
@pytest.mark.parametrize("rev2", [False, True], ids=["rev1", "rev2"])
def test_it_reads_a_page_with_one_query(
    alice: User, items: tuple[FetchItem, ...], rev2: bool
) -> None:
    add_numbered(alice.pk, 12)
    inbox = queries.inboxes([alice.pk])[alice.pk]
    uids = list(queries.snapshot(inbox).uids)
    plan = make_plan(items, uid=True, rev2=rev2)
    read_page(inbox, uids[:1], plan, 1 << 20)
    with CaptureQueriesContext(connection) as captured:
        page = read_page(inbox, uids, plan, 1 << 20)
    assert len(captured) == 1
    assert page.used == len(uids)
    assert [row[0] for row in page.rows] == uids


@pytest.mark.django_db
@pytest.mark.parametrize("items", [(WHOLE,), (SUBJECT,), STRUCTURE])
def test_it_ends_a_page_when_there_is_enough(
    alice: User, monkeypatch: pytest.MonkeyPatch, items: tuple[FetchItem, ...]
) -> None:
    monkeypatch.setattr(queries, "FEW", 4)
    add_numbered(alice.pk, 11)
    inbox = queries.inboxes([alice.pk])[alice.pk]
    uids = list(queries.snapshot(inbox).uids)
    plan = make_plan(items, uid=False)
    seen: list[int] = []
    pages = 0
    while len(seen) < len(uids):
        page = read_page(inbox, uids[len(seen) :], plan, 1)
        assert 0 < page.used <= 4
        seen += [row[0] for row in page.rows]
        pages += 1
    assert seen == uids
    assert pages == 3


@pytest.mark.django_db
def test_it_answers_for_messages_that_are_gone_in_the_middle_of_a_page(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "FEW", 2)
    add_numbered(alice.pk, 6)
    inbox = queries.inboxes([alice.pk])[alice.pk]
    uids = list(queries.snapshot(inbox).uids)
    asked = [*uids[:2], uids[2] + 1000, uids[2] + 1001]
    page = read_page(inbox, asked, make_plan((WHOLE,), uid=False), 1)
    assert ([row[0] for row in page.rows], page.used) == (uids[:2], 2)
    rest = read_page(inbox, asked[2:], make_plan((WHOLE,), uid=False), 1)
    assert (rest.rows, rest.used) == ([], 2)


@pytest.mark.django_db
def test_it_leaves_a_long_message_to_be_read_by_pieces(alice: User) -> None:
    raw = b"Subject: long\r\n\r\n" + b"0123456789abcde\n" * (CHUNK // 8)
    add_message(alice.pk, raw)
    inbox = queries.inboxes([alice.pk])[alice.pk]
    page = read_page(inbox, [1], make_plan((WHOLE,), uid=False), 1 << 20)
    (found,) = page.bodies
    assert isinstance(found, list)
    assert isinstance(found[0], Long)
    assert found[0].head == b"BODY[] {%d}\r\n" % len(raw)
    pieces = list(found[0].pieces())
    assert b"".join(pieces) == raw
    assert max(map(len, pieces)) == CHUNK


@pytest.mark.django_db
def test_it_says_damaged_for_one_message_only(alice: User) -> None:
    add_numbered(alice.pk, 3)
    second = Message.objects.order_by("id")[1]
    Message.objects.filter(pk=second.pk).update(blob_id="00000000-0000-0000-0000-000000000000")
    inbox = queries.inboxes([alice.pk])[alice.pk]
    page = read_page(inbox, [1, 2, 3], make_plan((WHOLE,), uid=False), 1 << 20)
    assert page.used == 3
    assert isinstance(page.bodies[1], Damaged)
    assert page.bodies[2] == [
        b"BODY[] {%d}\r\n%b" % ((len(raw := MESSAGE.format(3).encode())), raw)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "items",
    [STRUCTURE, (WHOLE,), (SUBJECT,), (*STRUCTURE, SUBJECT, WHOLE), (SUBJECT, SUBJECT)],
    ids=["columns", "bodies", "header", "all", "headers"],
)
def test_it_answers_for_a_few_from_their_rows_alone(
    alice: User, items: tuple[FetchItem, ...]
) -> None:
    add_numbered(alice.pk, 3)
    inbox = queries.inboxes([alice.pk])[alice.pk]
    plan = make_plan(items, uid=True)
    for uids in ([2], [1, 2, 3], [9]):
        with CaptureQueriesContext(connection) as captured:
            few = read_few(ask_database, inbox, uids, plan)
        assert len(captured) == 1
        assert few is not None
        assert few.bodies == read_page(inbox, uids, plan, 1 << 20).bodies
        assert [row[0] for row in few.rows] == [uid for uid in uids if uid < 9]
    assert is_glance(plan, [2])
    assert is_glance(plan, [1, 2]) is (not plan.reads_blobs)


@pytest.mark.django_db
def test_it_leaves_to_a_thread_what_no_row_has_or_takes_long(alice: User) -> None:
    field = b"X: " + b"y" * (SHORT // 4) + b"\r\n"
    add_message(alice.pk, b"Subject: long header\r\n" + field * 20 + b"\r\nHello")
    add_message(alice.pk, b"Subject: long\r\n\r\n" + b"0" * SHORT)
    add_message(alice.pk, b"Subject: an object\r\n\r\n" + bytes(range(1, 255)) * 2_000)
    add_message(alice.pk, b"Subject: row is missing\r\n\r\n")
    Message.objects.filter(subject="row is missing").update(blob_id=UUID(int=0))
    inbox = queries.inboxes([alice.pk])[alice.pk]
    whole, header = make_plan((WHOLE,), uid=False), make_plan((SUBJECT,), uid=False)
    body = make_plan((Attribute.BODY,), uid=False)
    for uid in (1, 2, 3, 4):
        assert read_few(ask_database, inbox, [uid], whole) is None
        assert read_few(ask_database, inbox, [uid], body) is None
        assert (read_few(ask_database, inbox, [uid], header) is None) is (uid == 1)
    assert not is_glance(body, [1])
