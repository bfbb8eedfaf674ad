"""Rows that are drawn in Python: whatever strangers wrote in them is text."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils.html import escape

from apps.mailstore.conversations import Head
from apps.mailstore.models import FLAG_DRAFT, FLAG_FLAGGED, FLAG_SEEN
from apps.mime.searchtext import folded
from apps.webmail import drawing
from apps.webmail.folded import folded as folded_message
from apps.webmail.folders import Folder
from apps.webmail.labels import LabelView
from apps.webmail.rows import Row
from apps.webmail.searching import drawing as found
from apps.webmail.searching.marks import marked
from apps.webmail.searching.rows import Result
from apps.webmail.sent import Mark
from apps.webmail.thread import Message

EVIL = "\"'><script>x</script>{uid}%(subject)s&amp;"
AT = datetime(2026, 4, 8, 6, 31, 12, tzinfo=UTC)
ROW = Row(
    mailbox_id=7,
    uid=21,
    slug="inbox",
    thread_id=5,
    who=("Bob", "me"),
    face="Bob",
    subject="Bricks",
    preview="Words",
    at=AT,
    when="8 Apr",
    files=("a.pdf",),
    labels=(LabelView(None, "work", "Work", 3),),
)
RESULT = Result(
    ref="7.21",
    address="/mail/inbox/21/?q=bricks",
    person="Bob",
    is_to=False,
    who=marked("Bob", ()),
    subject=marked("Bricks", ()),
    plain_subject="Bricks",
    snippet=marked("Words", ()),
    files=(),
    more_files=0,
    place="Inbox",
    icon="inbox",
    labels=(),
    at=AT,
    when="8 Apr",
    is_unread=False,
    is_starred=False,
    has_attachments=False,
)
TEXTS = ("subject", "preview", "face", "when")


def evil(name: str) -> dict[str, Any]:
    return {name: EVIL}


def listed(row: Row, special_use: str = "", query: str = "") -> str:
    return drawing.rows([row], special_use=special_use, query=query)


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_of_a_row_leaves_its_place(name: str) -> None:
    html = listed(replace(ROW, **evil(name)))
    assert "<script" not in html
    assert name == "face" or escape(EVIL) in html


def test_nor_do_names_files_labels_and_what_the_address_ends_with() -> None:
    worst = replace(ROW, who=(EVIL, EVIL), files=(EVIL,), labels=(LabelView(None, EVIL, EVIL, 1),))
    html = listed(worst, query=f"?in={EVIL}")
    assert "<script" not in html
    assert html.count(escape(EVIL)) == 5


def test_what_became_of_it_is_a_word_and_a_picture() -> None:
    html = listed(replace(ROW, fate=Mark(f"Failed: {EVIL}", "bad", "circle-alert"), later=EVIL))
    assert "<script" not in html
    assert html.count(escape(EVIL)) == 3
    assert "#i-circle-alert" in html


@pytest.mark.parametrize("name", ["person", "plain_subject", "place", "address", "when"])
def test_no_text_of_a_result_leaves_its_place(name: str) -> None:
    html = found.rows([replace(RESULT, **evil(name))])
    assert "<script" not in html
    assert name == "person" or escape(EVIL) in html


def test_what_was_looked_for_is_all_that_is_marked() -> None:
    html = found.rows([replace(RESULT, subject=marked(f"Bricks {EVIL}", (folded("bricks"),)))])
    assert f"<mark>Bricks</mark> {escape(EVIL)}" in html


def test_a_row_says_what_its_marks_mean() -> None:
    plain = listed(ROW)
    assert "Unread, from" not in plain
    assert 'value="star:7.21"' in plain
    assert 'href="/mail/inbox/21/?before=3-4"' in listed(ROW, query="?before=3-4")
    marked_row = replace(
        ROW, is_unread=True, is_starred=True, is_current=True, count=12, has_more=True
    )
    html = listed(marked_row)
    for piece in (
        '<article class="conv is-unread" id="c-7-21" data-ref="7.21" data-thread="5"'
        ' aria-current="true">',
        '<span class="vh">Unread, from </span>',
        'value="unstar:7.21" class="conv__star is-on"',
        '<span class="conv__n">12+<span class="vh"> messages</span></span>',
    ):
        assert piece in html
    sent = listed(replace(ROW, is_unread=True, is_to=True, thread_id=None))
    assert '<span class="vh">Unread </span><span class="faint">To:</span> ' in sent
    assert 'data-thread=""' in sent


@pytest.mark.parametrize(
    ("special_use", "offered"),
    [
        ("", "archive trash"),
        ("archive", "trash"),
        ("drafts", "trash"),
        ("scheduled", "trash"),
        ("trash", "archive"),
    ],
)
def test_a_place_offers_what_can_be_done_there(special_use: str, offered: str) -> None:
    html = listed(ROW, special_use)
    verbs = [verb for verb in ("archive", "trash") if f'value="{verb}:7.21"' in html]
    assert " ".join(verbs) == offered


def test_what_was_deleted_is_no_link() -> None:
    html = found.rows([replace(RESULT, address="")])
    assert "<a " not in html
    assert "checkbox" not in html


def test_all_that_a_row_knows_is_drawn() -> None:
    """Whoever adds a field to a row thinks of how it is drawn."""
    drawn = {"mailbox_id", "uid", "slug", "thread_id", "who", "face", "subject", "preview", "at"}
    drawn |= {"when", "count", "has_more", "is_to", "is_unread", "is_starred", "is_current"}
    drawn |= {"has_attachments", "files", "more_files", "labels", "later", "fate"}
    assert {one.name for one in fields(Row)} == drawn


def message(**more: Any) -> Message:
    head = Head(
        mailbox_id=7,
        uid=21,
        thread_id=5,
        flags=FLAG_SEEN,
        keywords=0,
        internaldate=0,
        size=10,
        message_id=1,
        head_id=None,
        subject="",
        sender_name="",
        sender_address="",
        recipients="",
        preview="Words",
        has_attachments=False,
        message_key="",
    )._replace(**more)
    box = Folder(7, "inbox", "Inbox", "", "Inbox", 0, "inbox", "inbox", 1, 0)
    name = head.sender_name or head.sender_address
    return Message(head=head, folder=box, name=name, is_mine=False, when="8 Apr", at=AT)


def test_no_text_of_a_folded_message_leaves_its_place() -> None:
    html = folded_message(message(sender_name=EVIL, preview=EVIL), f"?in={EVIL}")
    assert "<script" not in html
    assert html.count(escape(EVIL)) == 3


def test_a_folded_message_says_what_its_marks_mean() -> None:
    plain = folded_message(message(), "?in=starred")
    assert 'class="msg msg--folded"' in plain
    assert 'href="/mail/inbox/21/?in=starred" data-full data-open="/mail/inbox/21/one/"' in plain
    assert "(unknown sender)" in plain
    html = folded_message(message(flags=FLAG_FLAGGED | FLAG_DRAFT, has_attachments=True), "")
    for piece in ("msg--folded is-unread", ">Draft<", ">starred<", ">has attachments<"):
        assert piece in html
