"""Odd rows, odd addresses and a machine in trouble: a page that says so, never a traceback."""

import pytest
from django.db import OperationalError
from django.test import Client

from apps.directory.models import User
from apps.mailstore.models import Entry
from apps.wire.errors import MailError, NotFound, QuotaExceeded, StorageFull, StorageUnavailable
from tests.support.mail import RAW
from tests.webmail.test_mail import deliver, text

pytestmark = pytest.mark.django_db

# A date as APPEND may give it (RFC 3501 section 9): the years 1 to 9999, in any zone.
FIRST, LAST = -62135596800, 253402300799


@pytest.mark.parametrize("uid", [2**31, 2**63, 2**64, 10**30])
@pytest.mark.parametrize("rest", ["", "body/", "source/", "part/1/"])
def test_it_knows_no_message_of_an_absurd_number(reader: Client, uid: int, rest: str) -> None:
    assert reader.get(f"/mail/inbox/{uid}/{rest}").status_code == 404
    assert reader.get(f"/mail/{uid}/").status_code == 404


@pytest.mark.parametrize("at", [FIRST - 86_340, FIRST, -1, 0, LAST, LAST + 86_340, 10**15])
def test_it_lists_and_shows_mail_of_any_date(alice: User, reader: Client, at: int) -> None:
    deliver(alice, RAW)
    Entry.objects.update(internaldate=at)
    page = text(reader.get("/mail/inbox/"))
    assert "Quarterly figures" in page
    uid = Entry.objects.get().uid
    assert "The figures are attached." in text(reader.get(f"/mail/inbox/{uid}/"))


def test_it_shows_a_multipart_without_boundary(alice: User, reader: Client) -> None:
    deliver(alice, b"Subject: broken\r\nContent-Type: multipart/mixed\r\n\r\nAll there is.\r\n")
    uid = Entry.objects.get().uid
    assert "All there is." in text(reader.get(f"/mail/inbox/{uid}/"))


def test_it_pages_through_mail_from_before_1970(alice: User, reader: Client) -> None:
    deliver(alice, *[RAW] * 120)
    Entry.objects.update(internaldate=-1_000, thread_id=None)
    seen: list[int] = []
    address = "/mail/inbox/"
    for _ in range(3):
        response = reader.get(address)
        seen += [row.uid for day in response.context["days"] for row in day.rows]
        address = f"/mail/inbox/?before={response.context['older']}"
    assert sorted(seen) == list(range(1, 121))


@pytest.mark.parametrize("error", [StorageFull, StorageUnavailable])
def test_it_shows_a_message_that_it_cannot_mark_read(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch, error: type[MailError]
) -> None:
    deliver(alice, RAW)

    def fail(**_: object) -> None:
        raise error("disk")

    monkeypatch.setattr("apps.mailstore.services.flags.store", fail)
    uid = Entry.objects.get().uid
    response = reader.get(f"/mail/inbox/{uid}/")
    assert response.status_code == 200
    assert "The figures are attached." in text(response)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StorageFull("disk"), 503),
        (OperationalError("database is locked"), 503),
        (QuotaExceeded("user 7 of 9"), 409),
        (NotFound("expunged meanwhile"), 404),
    ],
)
def test_it_says_what_could_not_be_done(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    deliver(alice, RAW)

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("apps.mailstore.services.copy.move", fail)
    response = reader.post(f"/mail/inbox/{Entry.objects.get().uid}/archive/")
    assert response.status_code == status
    page = text(response)
    assert "That did not work" in page
    assert str(error) not in page


def test_it_says_so_when_the_database_is_away(
    reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("apps.mailstore.queries.mailboxes", gone)
    response = reader.get("/mail/inbox/")
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "connection refused" not in text(response)


def test_it_takes_a_defect_for_what_it_is(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("apps.mailstore.queries.mailboxes", broken)
    with pytest.raises(ZeroDivisionError):
        reader.get("/mail/inbox/")
