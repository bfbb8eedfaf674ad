"""The list: conversations, what is unread, stars, labels; whole pages, and parts for a script."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN, Entry, Mailbox
from apps.mailstore.services import sharing
from apps.mailstore.services.append import Appending
from apps.provisioning import services as provisioning
from apps.webmail.models import Label, Preferences
from apps.webmail.people import Voice, who
from apps.webmail.rows import Row
from tests.mailstore.making import DATE, ORIGIN, appended, box, prepared

pytestmark = pytest.mark.django_db


def mail(
    name: str, *, answers: str = "", sender: str = "Bob Baker <bob@example.test>", more: str = ""
) -> bytes:
    link = f"In-Reply-To: <{answers}@x.test>\r\n" if answers else ""
    return (
        f"From: {sender}\r\nTo: Alice <alice@example.test>\r\nSubject: {name}\r\n"
        f"Message-ID: <{name.replace(' ', '')}@x.test>\r\n{link}{more or chr(13) + chr(10)}Words"
    ).encode()


def put(mailbox: Mailbox, *raws: bytes, at: int = DATE, flags: int = 0, **more: Any) -> list[int]:
    wanted = [Appending(prepared(raw), at + n, flags, **more) for n, raw in enumerate(raws)]
    return [one.uid for one in appended(mailbox, wanted)]


@pytest.fixture
def inbox(alice: User) -> Mailbox:
    return box(alice)


def rows(response: Any) -> Sequence[Row]:
    return [row for day in response.context["days"] for row in day.rows]


def subjects(response: Any) -> list[str]:
    return [row.subject for row in rows(response)]


def text(response: Any) -> str:
    return str(response.content.decode())


def test_a_conversation_is_one_row_with_all_who_wrote(
    alice: User, reader: Client, inbox: Mailbox
) -> None:
    put(inbox, mail("plan", sender="Priya Rao <priya@a.test>"))
    put(inbox, mail("plan2", answers="plan", sender="Tomás Díaz <t@b.test>"), at=DATE + 9)
    put(box(alice, "Sent"), mail("plan3", answers="plan2", sender="alice@example.test"))
    [row] = rows(reader.get("/mail/inbox/"))
    assert row.who == ("Priya", "me", "Tomás")
    assert (row.count, row.face, row.subject) == (3, "Tomás Díaz", "plan2")
    assert row.is_unread


def test_what_came_from_an_alias_of_the_person_is_from_me(
    alice: User, bob: User, reader: Client, inbox: Mailbox
) -> None:
    provisioning.add_alias("al@example.test", [alice.address])
    provisioning.add_alias("team@example.test", [alice.address, bob.address])
    put(inbox, mail("a", sender="Al <AL@example.test>"))
    put(inbox, mail("b", sender="The team <team@example.test>"), at=DATE + 9)
    assert [row.who for row in rows(reader.get("/mail/inbox/"))] == [("The team",), ("me",)]


def test_a_copy_of_what_one_sent_to_oneself_counts_once(
    alice: User, reader: Client, inbox: Mailbox
) -> None:
    for mailbox in (inbox, box(alice, "Sent")):
        put(mailbox, mail("note", sender="alice@example.test"))
    [row] = rows(reader.get("/mail/inbox/"))
    assert (row.who, row.count) == (("me",), 0)


def test_an_old_unread_or_starred_message_marks_its_conversation(
    reader: Client, inbox: Mailbox
) -> None:
    put(inbox, mail("a1"), flags=FLAG_FLAGGED)
    put(inbox, mail("a2", answers="a1"), at=DATE + 5, flags=FLAG_SEEN)
    [row] = rows(reader.get("/mail/inbox/"))
    assert (row.is_unread, row.is_starred) == (True, True)
    assert f'value="unstar:{row.ref}"' in text(reader.get("/mail/inbox/"))


def test_each_message_is_a_row_where_a_person_wants_it(
    alice: User, reader: Client, inbox: Mailbox
) -> None:
    put(inbox, mail("a1"), mail("a2", answers="a1"))
    Preferences.objects.create(user=alice, has_conversations=False)
    found = rows(reader.get("/mail/inbox/"))
    assert [row.subject for row in found] == ["a2", "a1"]
    assert [row.count for row in found] == [0, 0]


def test_only_what_is_unread_is_shown_on_demand(reader: Client, inbox: Mailbox) -> None:
    put(inbox, mail("a1"), mail("b1"))
    put(inbox, mail("c1"), flags=FLAG_SEEN)
    page = reader.get("/mail/inbox/?only=unread")
    assert subjects(page) == ["b1", "a1"]
    assert "?only=unread" in page.context["page_query"]
    Entry.objects.update(flags=FLAG_SEEN)
    page = reader.get("/mail/inbox/?only=unread")
    assert "You have read everything" in text(page)
    assert 'href="/mail/inbox/"' in text(page)


def test_the_oldest_may_come_first(reader: Client, inbox: Mailbox) -> None:
    put(inbox, *[mail(f"m{n:02}") for n in range(60)])
    first = reader.get("/mail/inbox/?sort=oldest")
    assert subjects(first)[0] == "m00"
    assert "Load newer messages" in text(first)
    second = reader.get(first.context["older_url"])
    assert subjects(second) == [f"m{n}" for n in range(50, 60)]


def test_a_script_gets_the_list_alone_and_then_rows_alone(reader: Client, inbox: Mailbox) -> None:
    put(inbox, *[mail(f"m{n:02}") for n in range(60)])
    page = reader.get("/mail/inbox/", headers={"hx-request": "true"})
    assert text(page).lstrip().startswith('<section class="mail__list"')
    assert "HX-Request" in page.headers["Vary"]
    more = text(reader.get(page.context["older_url"], headers={"hx-request": "true"}))
    assert more.count("<article") == 10
    assert "mail__list" not in more
    whole = reader.get(
        "/mail/inbox/", headers={"hx-request": "true", "hx-history-restore-request": "true"}
    )
    assert "<!doctype html>" in text(whole)


@pytest.mark.parametrize(
    "odd",
    ["only=<b>", "sort=x", "before=1-2-3", "before=9999999999999999-1", "in=label:\0", "in=x"],
)
def test_odd_wishes_are_the_usual_list(reader: Client, inbox: Mailbox, odd: str) -> None:
    put(inbox, mail("a1"))
    page = reader.get(f"/mail/inbox/?{odd}")
    assert page.status_code == 200
    assert subjects(page) == ["a1"]
    assert "<b>" not in text(page).split('class="mail__list"')[1].split("</nav>")[0]


def test_stars_of_all_folders_stand_together(alice: User, reader: Client, inbox: Mailbox) -> None:
    put(inbox, mail("a1"), flags=FLAG_FLAGGED)
    put(box(alice, "Archive"), mail("b1"), flags=FLAG_FLAGGED, at=DATE + 9)
    for name in ("Trash", "Junk"):
        put(box(alice, name), mail(f"x{name}"), flags=FLAG_FLAGGED)
    page = reader.get("/mail/starred/")
    assert subjects(page) == ["b1", "a1"]
    assert 'href="/mail/archive/1/?in=starred"' in text(page)
    within = reader.get("/mail/archive/1/?in=starred")
    assert subjects(within) == ["b1", "a1"]
    assert [row.is_current for row in rows(within)] == [True, False]


def test_a_label_gathers_what_has_it(alice: User, reader: Client, inbox: Mailbox) -> None:
    Label.objects.create(user=alice, keyword="travel", name="On the road", hue=3)
    put(inbox, mail("a1"), keywords=("other", "Travel", "$Forwarded"))
    put(box(alice, "Archive"), mail("b1"), keywords=("travel",), at=DATE + 9)
    page = reader.get("/mail/label/travel/")
    assert subjects(page) == ["b1", "a1"]
    names = {label.name for row in rows(page) for label in row.labels}
    assert names == {"On the road", "other"}
    assert "On the road" in text(page)


@pytest.mark.parametrize("name", ["none-such", "TRAVEL"])
def test_a_label_without_mail_says_so(alice: User, reader: Client, name: str) -> None:
    Label.objects.create(user=alice, keyword="travel", name="Travel")
    assert "Nothing is labelled" in text(reader.get(f"/mail/label/{name}/"))


@pytest.mark.parametrize("name", ["$Junk", "a b", "(", "x" * 500])
def test_what_is_no_label_is_no_place(reader: Client, name: str) -> None:
    assert reader.get(f"/mail/label/{name}/").status_code == 404


def test_stars_and_labels_of_another_user_are_in_no_list(
    alice: User, bob: User, client: Client
) -> None:
    put(box(alice), mail("secret"), flags=FLAG_FLAGGED, keywords=("travel",))
    client.force_login(bob)
    for address in ("/mail/starred/", "/mail/label/travel/", "/mail/inbox/?in=starred"):
        assert "secret" not in text(client.get(address))


def test_a_shared_mailbox_shows_no_answers_of_its_owner(
    alice: User, bob: User, client: Client
) -> None:
    put(box(alice), mail("a1", sender="Carol Chen <carol@x.test>"))
    put(box(alice, "Sent"), mail("a2", answers="a1", sender="alice@example.test"))
    sharing.grant(mailbox_id=box(alice).pk, to=bob.address, rights="lr", origin=ORIGIN)
    client.force_login(bob)
    [row] = rows(client.get(f"/mail/{box(alice).pk}/"))
    assert (row.count, row.who) == (0, ("Carol Chen",))


def test_files_are_named(reader: Client, inbox: Mailbox) -> None:
    parts = "".join(
        f'--B\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="{n}"'
        "\r\n\r\nx\r\n"
        for n in ("plan.pdf", "../../etc/<b>.pdf", "third.pdf")
    )
    more = f'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="B"\r\n\r\n{parts}--B--'
    put(inbox, mail("a1", more=more))
    page = reader.get("/mail/inbox/")
    [row] = rows(page)
    assert (row.files, row.more_files) == (("plan.pdf", "<b>.pdf"), 1)
    assert "<b>.pdf" not in text(page)


BAIT = '<img src=x onerror="alert(1)">'


def test_what_strangers_wrote_is_text(reader: Client, inbox: Mailbox) -> None:
    put(inbox, mail(BAIT, sender='"<script>x</script>" <"<b>"@x.test>'))
    page = text(reader.get("/mail/inbox/"))
    assert "onerror=&quot;" in page
    assert "<img src=x" not in page
    assert "<script>x" not in page


def test_nobody_else_is_me() -> None:
    voices = [Voice("me", "evil@x.test"), Voice("Bob Baker", "bob@example.test")]
    assert who(voices, "me") == ("evil", "Bob")
    assert who(voices[:1], "me") == ("evil@x.test",)
    assert who([Voice("Alice", "a@x.test", is_mine=True)], "me") == ("me",)


def test_of_many_the_first_and_the_last_are_named() -> None:
    voices = [Voice(f"N{n} Surname", f"{n}@x.test") for n in range(6)]
    assert who(voices, "me") == ("N0", "…", "N4", "N5")
    two = [Voice("Baker, Bob", "b@x.test"), Voice("", "carol@x.test")]
    assert who(two, "me") == ("Bob", "carol")
    assert who([Voice("", "")], "me") == ("(unknown sender)",)
    assert len(who([Voice("x" * 300, "a@x"), Voice(", ", "b@x")], "me")[0]) <= 40


def test_a_message_knows_where_it_stands(reader: Client, inbox: Mailbox) -> None:
    put(inbox, mail("a1"), mail("b1"), mail("c1"))
    at = reader.get("/mail/inbox/2/").context["position"]
    assert (at.at, at.total) == (2, 3)
    assert (at.newer, at.older) == ("/mail/inbox/3/", "/mail/inbox/1/")
    first = reader.get("/mail/inbox/3/?only=unread").context["position"]
    assert (first.newer, first.older) == ("", "/mail/inbox/1/?only=unread")


@pytest.mark.parametrize(
    "address", ["/mail/inbox/", "/mail/inbox/?only=unread", "/mail/starred/", "/mail/label/travel/"]
)
def test_it_asks_as_often_for_a_full_page_as_for_one_row(
    reader: Client, inbox: Mailbox, address: str
) -> None:
    parts = 'Content-Disposition: attachment; filename="x.txt"\r\n\r\n'
    counts = []
    for many in (1, 20):
        for n in range(many):
            raws = mail(f"a{many}.{n}", more=parts), mail(f"b{many}.{n}", answers=f"a{many}.{n}")
            put(inbox, *raws, flags=FLAG_FLAGGED, keywords=("travel",))
        with CaptureQueriesContext(connection) as captured:
            page = reader.get(address)
        assert len(rows(page)) >= many
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_day_that_goes_on_has_no_second_heading(reader: Client, inbox: Mailbox) -> None:
    put(inbox, *[mail(f"m{n:02}") for n in range(60)])
    first = reader.get("/mail/inbox/")
    heads = re.findall(r'class="conv-day"', text(first))
    more = reader.get(first.context["older_url"], headers={"hx-request": "true"})
    assert len(heads) == 1
    assert "conv-day" not in text(more)
    assert "conv-day" in text(reader.get(first.context["older_url"]))
