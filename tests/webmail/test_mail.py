"""The list and the message: the owner's, whole, safe; nobody else's."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.blobs.models import Blob
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN, Entry, Mailbox
from apps.provisioning import services as provisioning
from apps.webmail.views.content import BODY_POLICY, FILE_POLICY
from tests.support.mail import RAW, drain, local, submission

pytestmark = pytest.mark.django_db

HTML = (
    b"From: Shop <news@shop.invalid>\r\nTo: alice@example.test\r\nSubject: Sale\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="B"\r\n\r\n'
    b"--B\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b'<h1>Sale</h1><img src="cid:logo@x"><img src="https://track.invalid/1"><script>x()</script>\r\n'
    b"--B\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n"
    b'--B\r\nContent-Type: text/html; name="../../evil.html"\r\n'
    b"Content-Disposition: attachment; filename*=utf-8''..%2F..%2Fevil%0d%0aX%3A%20y.html\r\n\r\n"
    b"<script>alert(1)</script>\r\n--B--\r\n"
)


def deliver(user: User, *raws: bytes) -> None:
    accept([submission(local(user), raw) for raw in raws])
    drain()


def different(number: int) -> bytes:
    """A message of a conversation of its own."""
    raw = RAW.replace(b"Quarterly", b"Nr %03d quarterly" % number)
    return re.sub(rb"(?i)Message-ID: <", b"Message-ID: <%d." % number, raw)


def text(response: Any) -> str:
    return str(response.content.decode())


def test_it_shows_an_empty_inbox(reader: Client) -> None:
    response = reader.get("/mail/inbox/")
    assert response.status_code == 200
    assert "Nothing to read" in text(response)


def test_it_lists_what_arrived(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    page = text(reader.get("/mail/inbox/"))
    assert "Carol" in page
    assert "Quarterly figures" in page
    assert "The figures are attached." in page
    assert "1 unread" in page


def test_it_pages_by_key(alice: User, reader: Client) -> None:
    deliver(alice, *[different(n) for n in range(120)])
    seen: list[str] = []
    address = "/mail/inbox/"
    for _ in range(3):
        response = reader.get(address)
        rows = [row.subject for day in response.context["days"] for row in day.rows]
        seen += rows
        address = f"/mail/inbox/?before={response.context['older']}"
    assert len(seen) == 120
    assert len(set(seen)) == 120
    assert response.context["older"] == ""


@pytest.mark.parametrize(
    "cursor", ["x", "1", "-", "1-x", "9" * 40 + "-1", "\u0661-\u0661", "1-1-1", "<b>"]
)
def test_it_takes_an_odd_cursor_for_the_first_page(
    alice: User, reader: Client, cursor: str
) -> None:
    deliver(alice, RAW)
    assert "Quarterly" in text(reader.get("/mail/inbox/", {"before": cursor}))


def test_it_asks_the_database_as_often_for_fifty_as_for_one(alice: User, reader: Client) -> None:
    counts = []
    for many in (1, 49):
        deliver(alice, *[different(many + n) for n in range(many)])
        with CaptureQueriesContext(connection) as captured:
            reader.get("/mail/inbox/")
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("is_administrator", [False, True])
def test_a_page_asks_the_database_each_question_once(
    alice: User, reader: Client, is_administrator: bool
) -> None:
    """The session, who that is, the roles, how it shall look; seven for the side; the list, under
    which addresses they are known, what its conversations are made of, and its keywords."""
    if is_administrator:
        provisioning.make_domain_admin(alice)
    deliver(alice, RAW)
    with CaptureQueriesContext(connection) as captured:
        reader.get("/mail/inbox/")
    asked = [one["sql"] for one in captured]
    assert len(asked) == len(set(asked)) == 15, asked
    assert sum("directory_rolegrant" in sql for sql in asked) == 1
    assert not any("accounts_" in sql for sql in asked if "accounts_websession" not in sql)


def test_it_marks_a_message_read(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    page = text(reader.get("/mail/inbox/1/"))
    assert "The figures are attached." in page
    assert Entry.objects.get().flags == FLAG_SEEN
    assert "1 unread" not in page


def test_it_escapes_what_strangers_wrote(alice: User, reader: Client) -> None:
    bait = b"<script>alert(1)</script>"
    raw = RAW.replace(b"Quarterly figures", b"S" + bait).replace(b"Carol", b'"C%s"' % bait)
    deliver(alice, raw.replace(b"The figures", bait))
    for address in ("/mail/inbox/", "/mail/inbox/1/"):
        assert "<script>alert" not in text(reader.get(address))


def test_it_shows_html_in_a_frame_that_runs_nothing(alice: User, reader: Client) -> None:
    deliver(alice, HTML)
    page = text(reader.get("/mail/inbox/1/"))
    assert 'sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"' in page
    assert "allow-scripts" not in page
    assert "1 picture from outside is off" in page
    response = reader.get("/mail/inbox/1/body/")
    assert response.headers["Content-Security-Policy"] == BODY_POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    body = text(response)
    assert "<h1>Sale</h1>" in body
    assert 'src="/mail/inbox/1/inline/2/"' in body
    assert "track.invalid" not in body
    assert "<script" not in body


def test_it_serves_inline_images_as_images(alice: User, reader: Client) -> None:
    deliver(alice, HTML)
    response = reader.get("/mail/inbox/1/part/2/")
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Security-Policy"] == FILE_POLICY
    assert response.content == b"\x89PNG\r\n\x1a\n"


def test_it_serves_attachments_as_downloads_under_a_clean_name(alice: User, reader: Client) -> None:
    deliver(alice, HTML)
    page = text(reader.get("/mail/inbox/1/"))
    assert "evil" in page
    response = reader.get("/mail/inbox/1/part/3/")
    assert response.headers["Content-Type"] == "application/octet-stream"
    disposition = response.headers["Content-Disposition"]
    assert disposition.startswith("attachment")
    assert "/" not in disposition
    assert "\r" not in disposition
    assert "X" not in response.headers


@pytest.mark.parametrize("number", [0, 4, 999_999])
def test_it_knows_no_other_parts(alice: User, reader: Client, number: int) -> None:
    deliver(alice, HTML)
    assert reader.get(f"/mail/inbox/1/part/{number}/").status_code == 404


def test_it_gives_the_source_byte_for_byte(alice: User, reader: Client) -> None:
    deliver(alice, RAW + b"\xff\x00\r\n")
    response = reader.get("/mail/inbox/1/source/?download")
    assert response.content.endswith(RAW + b"\xff\x00\r\n")
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert reader.get("/mail/inbox/1/source/").headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("verb", "use"), [("archive", "archive"), ("junk", "junk"), ("trash", "trash")]
)
def test_it_moves_mail(alice: User, reader: Client, verb: str, use: str) -> None:
    deliver(alice, RAW)
    assert reader.post(f"/mail/inbox/1/{verb}/").status_code == 302
    target = Mailbox.objects.get(user=alice, special_use=use)
    assert list(Entry.objects.values_list("mailbox", flat=True)) == [target.pk]
    assert "Quarterly" in text(reader.get(f"/mail/{use}/"))


def test_it_stars_and_marks_unread(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    reader.post("/mail/inbox/1/star/")
    assert Entry.objects.get().flags & FLAG_FLAGGED
    reader.post("/mail/inbox/1/unstar/")
    reader.get("/mail/inbox/1/")
    reader.post("/mail/inbox/1/unread/")
    assert Entry.objects.get().flags == 0


def test_it_changes_nothing_by_get(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    for verb in ("archive", "trash", "star"):
        assert reader.get(f"/mail/inbox/1/{verb}/").status_code == 405
    assert reader.get("/logout/").status_code == 405
    assert Entry.objects.get().flags == 0


def test_it_says_when_a_message_is_damaged_and_shows_the_others(
    alice: User, reader: Client
) -> None:
    deliver(alice, RAW, RAW.replace(b"Quarterly", b"Yearly").replace(b"<q3@", b"<y@"))
    first = Blob.objects.order_by("created_at", "id").first()
    assert first is not None
    Blob.objects.filter(pk=first.pk).update(sha256=b"\0" * 32)
    pages = [text(reader.get(f"/mail/inbox/{uid}/")) for uid in (1, 2)]
    assert sum("cannot be read" in page for page in pages) == 1
    assert sum("The figures are attached." in page.split("thread__in")[1] for page in pages) == 1


ADDRESSES = [
    "/mail/{box}/",
    "/mail/{box}/1/",
    "/mail/{box}/1/body/",
    "/mail/{box}/1/source/",
    "/mail/{box}/1/part/0/",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_shows_nothing_of_another_user(
    alice: User, eve: User, client: Client, address: str
) -> None:
    deliver(alice, RAW)
    box = Mailbox.objects.get(user=alice, special_use="inbox").pk
    client.force_login(eve)
    assert client.get(address.format(box=box)).status_code == 404
    assert client.post(f"/mail/{box}/1/trash/").status_code == 404
    assert "Quarterly" not in text(client.get("/mail/inbox/"))
    assert client.get("/mail/inbox/1/").status_code == 404


@pytest.mark.parametrize("address", [*ADDRESSES, "/", "/mail/", "/settings/password/"])
def test_it_sends_strangers_to_sign_in(db: None, client: Client, address: str) -> None:
    response = client.get(address.format(box="inbox"))
    assert response.status_code == 302
    assert response.headers["Location"].startswith(("/login/", "/mail/"))


def test_it_guards_every_page(reader: Client) -> None:
    headers = reader.get("/mail/inbox/").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "camera=()" in headers["Permissions-Policy"]
