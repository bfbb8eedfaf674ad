"""What the search box offers: one's own people, places and operators, quickly."""

import html
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.services import mailboxes
from apps.reception.services import correspondents
from apps.runtime.clock import now
from tests.mailstore.making import box
from tests.search.finding.making import NOW, Mail, file

pytestmark = pytest.mark.django_db


def offered(reader: Client, query: str) -> list[str]:
    """The queries that the list would put into the box."""
    page = reader.get("/mail/search/suggest/", {"q": query}).content.decode()
    return [html.unescape(one) for one in re.findall(r'data-value="([^"]*)"', page)]


def test_an_empty_box_says_what_there_is(reader: Client) -> None:
    assert offered(reader, "")[:3] == ["from:", "has:attachment", "after:"]
    assert offered(reader, "plan ")[0] == "plan from:"


def test_it_completes_operators_and_their_values(reader: Client) -> None:
    assert offered(reader, "plan la") == ["plan label:", "plan larger:"]
    assert offered(reader, "plan -is:un") == ["plan -is:unread ", "plan -is:unanswered "]
    assert "after:yesterday " in offered(reader, "after:")
    assert offered(reader, "has:a") == ["has:attachment "]


def test_people_come_from_mail_and_from_whom_one_wrote_to(alice: User, reader: Client) -> None:
    mails = [
        Mail(sender="Priya Rao <priya@quay.invalid>", date=NOW),
        Mail(sender="Tomás Silva <ts@quay.invalid>", date=NOW - 1),
    ]
    file(box(alice), mails)
    correspondents.note([(alice.pk, "prior@x.invalid", now())])
    assert offered(reader, "from:pri") == ["from:priya@quay.invalid ", "from:prior@x.invalid "]
    assert offered(reader, "lunch to:silv") == ["lunch to:ts@quay.invalid "]
    assert offered(reader, "tomas") == ["from:ts@quay.invalid "]


def test_people_of_old_mail_are_found_by_a_search(alice: User, reader: Client) -> None:
    file(box(alice, "Archive"), [Mail(sender="Ines Moreau <ines@old.invalid>")])
    assert offered(reader, "from:ines") == ["from:ines@old.invalid "]


def test_nobody_is_offered_whom_another_knows(alice: User, eve: User, reader: Client) -> None:
    file(box(eve), [Mail(sender="Priya <priya@quay.invalid>")])
    correspondents.note([(eve.pk, "priya@quay.invalid", now())])
    mailboxes.create(user_id=eve.pk, name="Priya")
    assert offered(reader, "from:priya") == []
    assert offered(reader, "in:priya") == []


def test_folders_and_labels_are_offered(alice: User, reader: Client) -> None:
    mailboxes.create(user_id=alice.pk, name='Projects/Old "quay"')
    file(box(alice), [Mail(keywords=("Work",))])
    assert offered(reader, "in:quay") == ['in:"Projects/Old ""quay""" ']
    assert offered(reader, "in:tra") == ["in:trash "]
    assert "label:work " in [one.lower() for one in offered(reader, "label:wo")]


def test_what_it_offers_is_escaped(alice: User, reader: Client) -> None:
    file(box(alice), [Mail(sender='"<b>priya" <priya@quay.invalid>')])
    page = reader.get("/mail/search/suggest/", {"q": 'from:"<b>pri'}).content.decode()
    assert "&lt;b&gt;priya" in page
    assert "<b>priya" not in page


def test_it_asks_as_often_for_many_people_as_for_few(alice: User, reader: Client) -> None:
    counts = []
    for many in (1, 60):
        mails = [Mail(sender=f"P{n} <p{many}{n}@quay.invalid>", date=NOW - n) for n in range(many)]
        file(box(alice), mails)
        with CaptureQueriesContext(connection) as captured:
            offered(reader, "from:p")
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 14
