"""Conversations on the page: whole, the owner's, at a constant cost; the hostile ones too."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.blobs.models import Blob
from apps.delivery.accept import accept
from apps.directory.models import User
from apps.mailstore.models import FLAG_SEEN, Entry, Mailbox, MailboxRight, Message
from apps.mailstore.origin import Origin
from apps.mailstore.services import copy, flags
from apps.mailstore.services.append import Appending, append
from apps.mailstore.services.flags import FlagChange
from apps.mailstore.services.prepare import prepare
from apps.provisioning import services as provisioning
from apps.runtime.clock import now_us
from apps.runtime.ulid import new_ulid
from apps.webmail import thread
from apps.webmail.models import Preferences
from tests.support.mail import RAW, drain, local, submission

pytestmark = pytest.mark.django_db

ENCRYPTED = (
    b"From: a@x.invalid\r\nTo: alice@example.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="B"\r\n\r\n'
    b'--B\r\nContent-Type: text/html\r\n\r\n<img src="http://evil.invalid/\r\n'
    b"--B\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nMIAGCSqGSIb3DQ==\r\n"
    b'--B\r\nContent-Type: text/html\r\n\r\n">\r\n--B--\r\n'
)


def answer(number: int, to: str = "<q3@outside.invalid>") -> bytes:
    return (
        b"From: Dora <dora@outside.invalid>\r\nTo: Alice <alice@example.test>, Bob"
        b" <bob@example.test>\r\nSubject: Re: Quarterly figures\r\n"
        b"Message-ID: <a%d@outside.invalid>\r\nReferences: %s\r\n\r\nAnswer %d here.\r\n"
        % (number, to.encode(), number)
    )


def deliver(user: User, *raws: bytes) -> None:
    for raw in raws:
        accept([submission(local(user), raw)])
        drain()


def keep(user: User, use: str, raw: bytes) -> None:
    """Put a copy into a mailbox, as a mail program does."""
    append(
        mailbox_id=Mailbox.objects.get(user=user, special_use=use).pk,
        user_id=user.pk,
        messages=[Appending(prepare(raw, trace_id=new_ulid()), now_us() // 1_000_000, FLAG_SEEN)],
        origin=Origin("imap", user.pk),
    )


def read_all(user: User) -> None:
    box = Mailbox.objects.get(user=user, special_use="inbox")
    uids = sorted(Entry.objects.filter(mailbox=box).values_list("uid", flat=True))
    flags.store(
        mailbox_id=box.pk,
        uids=uids,
        change=FlagChange("add", FLAG_SEEN, ()),
        origin=Origin("imap", user.pk),
    )


def pane(response: Any) -> str:
    return str(response.content.decode()).partition('class="mail__read"')[2]


def refs(page: str) -> list[str]:
    return re.findall(r'<article class="msg[^>]* data-ref="([0-9.]+)"', page)


def test_it_shows_the_whole_conversation_with_own_replies(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    own = answer(1).replace(b"Dora <dora@outside.invalid>", b"Alice <alice@example.test>")
    keep(alice, "sent", own)
    deliver(alice, answer(2, "<a1@outside.invalid>"))
    read_all(alice)
    page = pane(reader.get("/mail/inbox/1/"))
    assert len(refs(page)) == 3
    assert "The figures are attached." in page
    assert "Answer 2 here." in page  # the last is open
    assert page.count("msg--folded") == 1
    assert ">Me</bdi>" in page
    opened = pane(reader.get("/mail/sent/1/"))
    assert len(refs(opened)) == 3
    assert "to me" not in opened.partition("Answer 1 here.")[0][-900:]


def test_a_folded_message_opens_in_place_and_by_its_own_address(
    alice: User, reader: Client
) -> None:
    deliver(alice, RAW, answer(1), answer(2))
    read_all(alice)
    page = pane(reader.get("/mail/inbox/3/"))
    (address,) = set(re.findall(r'data-open="(/mail/inbox/2/one/)"', page))
    part = reader.get(address).content.decode()
    assert refs(part) == [f"{Mailbox.objects.get(user=alice, special_use='inbox').pk}.2"]
    assert "Answer 1 here." in part
    assert "<html" not in part
    ref = refs(part)[0]
    assert "msg__body" in pane(reader.get(f"/mail/inbox/3/?open={ref}")).partition("Answer 1")[0]
    assert reader.get("/mail/inbox/3/?open=999.1&open=x&open=").status_code == 200


def test_opening_marks_what_is_shown_read(alice: User, reader: Client) -> None:
    deliver(alice, RAW, answer(1))
    reader.get("/mail/inbox/1/")
    assert not Entry.objects.exclude(flags=FLAG_SEEN).exists()


@pytest.mark.parametrize(("what", "most"), [("OPEN_OCTETS", 1_000), ("SECONDS", -1.0)])
def test_what_is_open_together_is_bounded(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch, what: str, most: float
) -> None:
    deliver(alice, RAW, *(answer(n) for n in range(1, 6)))
    monkeypatch.setattr(thread, what, most)
    page = pane(reader.get("/mail/inbox/3/", headers={"X-Peek": "1"}))
    assert len(refs(page)) == 6
    assert "msg__body" in page.partition("Answer 2 here.")[0]
    assert 0 < 6 - page.count("msg--folded") < 6
    # Those that are folded are on paper, too, by their first words.
    whole = reader.get("/mail/inbox/3/print/?whole").content.decode()
    assert all(f"Answer {n} here." in whole for n in range(1, 6))
    # What is folded was not read by anybody.
    reader.get("/mail/inbox/3/")
    assert Entry.objects.filter(flags=0).count() >= page.count("msg--folded")


def test_it_marks_nothing_for_who_wants_to_do_it_by_hand(alice: User, reader: Client) -> None:
    Preferences.objects.create(user=alice, marks_read=False)
    deliver(alice, RAW)
    page = pane(reader.get("/mail/inbox/1/"))
    assert "The figures are attached." in page
    assert Entry.objects.filter(flags=0).exists()


def test_trash_is_apart(alice: User, reader: Client) -> None:
    deliver(alice, RAW, answer(1), answer(2))
    boxes = {box.special_use: box.pk for box in Mailbox.objects.filter(user=alice)}
    copy.move(
        mailbox_id=boxes["inbox"],
        uids=[2],
        target_id=boxes["trash"],
        origin=Origin("imap", alice.pk),
    )
    assert len(refs(pane(reader.get("/mail/inbox/1/")))) == 2
    assert len(refs(pane(reader.get("/mail/trash/1/")))) == 3


def test_only_the_very_same_message_counts_as_a_copy(alice: User, reader: Client) -> None:
    """A Message-ID anybody can write: it hides nothing."""
    deliver(alice, RAW, RAW.replace(b"The figures", b"Other figures"))
    boxes = {box.special_use: box.pk for box in Mailbox.objects.filter(user=alice)}
    copy.copy(
        mailbox_id=boxes["inbox"],
        uids=[1],
        target_id=boxes["archive"],
        origin=Origin("imap", alice.pk),
    )
    page = pane(reader.get("/mail/inbox/1/"))
    assert len(refs(page)) == 2
    assert "Other figures" in page
    assert "The figures" in page


def test_it_shows_the_newest_and_says_how_many_more_there_are(
    alice: User, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread, "SHOWN", 3)
    deliver(alice, RAW, *(answer(number) for number in range(1, 6)))
    read_all(alice)
    page = pane(reader.get("/mail/inbox/6/"))
    assert "Show 3 older messages" in page
    assert len(refs(page)) == 3
    assert len(refs(pane(reader.get("/mail/inbox/6/?older=1")))) == 6
    first = pane(reader.get("/mail/inbox/1/"))
    assert "The figures are attached." in first
    assert "Show 2 older messages" in first


def test_what_went_to_an_alias_is_to_me_and_what_it_sent_is_ones_own(
    alice: User, reader: Client
) -> None:
    provisioning.add_alias("al@example.test", [alice.address])
    deliver(alice, RAW.replace(b"alice@example.test", b"al@example.test"))
    keep(alice, "sent", answer(1).replace(b"Dora <dora@outside.invalid>", b"Al <al@example.test>"))
    page = pane(reader.get("/mail/inbox/1/?open=" + sent_ref(alice)))
    assert "to <bdi>me</bdi>" in page
    assert ">Me</bdi>" in page


def sent_ref(user: User) -> str:
    return f"{Mailbox.objects.get(user=user, special_use='sent').pk}.1"


def test_a_code_in_html_alone_is_offered_to_be_copied(alice: User, reader: Client) -> None:
    raw = RAW.replace(b"\r\n\r\nThe figures are attached.", b"\r\nContent-Type: text/html\r\n\r\n")
    filler = b"<p>%s</p>" % (b"Welcome to our shop. " * 20)
    deliver(alice, raw + filler + b"<p>Your sign-in code:</p><h1>482913</h1>\r\n")
    assert "482913" in pane(reader.get("/mail/inbox/1/"))


def test_folded_messages_cost_no_question_and_no_bytes(alice: User, reader: Client) -> None:
    def asked(address: str) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            reader.get(address)
        return [one["sql"] for one in captured]

    deliver(alice, RAW, answer(1), answer(2))
    read_all(alice)
    few = asked("/mail/inbox/3/")
    deliver(alice, *(answer(number) for number in range(3, 13)))
    read_all(alice)
    many = asked("/mail/inbox/13/")
    assert len(many) == len(few)
    assert len(many) <= len(set(many)) + 2  # the counts are read again when all is marked read
    assert sum("blobs_blob" in one for one in many) == 1
    assert len(many) < 32


def test_a_damaged_message_says_so_alone(alice: User, reader: Client) -> None:
    deliver(alice, RAW, answer(1))
    blob = Message.objects.get(message_id="<q3@outside.invalid>").blob_id
    Blob.objects.filter(pk=blob).update(sha256=b"\0" * 32)
    page = pane(reader.get("/mail/inbox/1/"))
    assert "The other messages are not affected." in page
    assert "Answer 1 here." in page
    assert reader.get("/mail/inbox/1/print/?whole=1").status_code == 200


def test_a_message_alone_works_the_same(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    Entry.objects.update(thread_id=None)
    assert len(refs(pane(reader.get("/mail/inbox/1/")))) == 1


def test_a_script_gets_the_pane_alone(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    response = reader.get(
        "/mail/inbox/1/", headers={"HX-Request": "true", "HX-Target": "mail__read"}
    )
    part = response.content.decode()
    assert "<html" not in part
    assert 'class="mail__read"' in part
    assert "conv-list" not in part
    assert response.context["days"] == []  # nor was it read
    assert "HX-Request" in response.headers["Vary"]


def share(owner: User, with_whom: User, rights: str) -> Mailbox:
    box = Mailbox.objects.get(user=owner, special_use="inbox")
    MailboxRight.objects.create(mailbox=box, user=with_whom, rights=rights)
    return box


def test_what_is_shared_to_be_read_is_not_marked(alice: User, bob: User, reader: Client) -> None:
    deliver(bob, RAW, answer(1))
    keep(bob, "sent", answer(2))
    box = share(bob, alice, "lr")
    page = pane(reader.get(f"/mail/{box.pk}/1/"))
    assert "The figures are attached." in page
    assert len(refs(page)) == 2  # nothing of what the owner did not share
    assert not Entry.objects.filter(mailbox=box, flags=FLAG_SEEN).exists()
    MailboxRight.objects.update(rights="lrs")
    reader.get(f"/mail/{box.pk}/1/")
    assert not Entry.objects.filter(mailbox=box).exclude(flags=FLAG_SEEN).exists()


@pytest.mark.parametrize("address", ["", "one/", "print/", "print/?whole=1", "headers/"])
def test_nobody_reads_anothers(alice: User, bob: User, reader: Client, address: str) -> None:
    deliver(bob, RAW)
    box = Mailbox.objects.get(user=bob, special_use="inbox")
    strange = reader.get(f"/mail/{box.pk}/1/{address}")
    missing = reader.get(f"/mail/99999/1/{address}")
    assert strange.status_code == missing.status_code == 404
    MailboxRight.objects.create(mailbox=box, user=alice, rights="l")
    assert reader.get(f"/mail/{box.pk}/1/{address}").status_code == 404


def test_a_conversation_of_two_users_is_two(alice: User, bob: User, reader: Client) -> None:
    """Both have the same first message, so both conversations have its number."""
    accept([submission(local(alice, bob))])
    drain()
    deliver(bob, answer(1))
    share(bob, alice, "lr")
    assert len(refs(pane(reader.get("/mail/inbox/1/")))) == 1


def test_the_header_page_shows_each_field_decoded_and_escaped(alice: User, reader: Client) -> None:
    deliver(alice, RAW.replace(b"Quarterly", b"=?utf-8?Q?=3Cb=3EK=C3=A4se?="))
    page = reader.get("/mail/inbox/1/headers/").content.decode()
    assert "&lt;b&gt;Käse" in page
    assert "<b>K" not in page
    assert "=?utf-8?Q?" in page


def test_print_shows_one_message_or_all(alice: User, reader: Client) -> None:
    deliver(alice, RAW, answer(1))
    one = reader.get("/mail/inbox/1/print/").content.decode()
    both = reader.get("/mail/inbox/1/print/?whole=1").content.decode()
    assert ("figures are attached" in one, "Answer 1" in one) == (True, False)
    assert ("figures are attached" in both, "Answer 1" in both) == (True, True)
    assert "mail__side" not in one


def test_names_in_any_field_are_escaped(alice: User, reader: Client) -> None:
    bait = b'"<script>x()</script>" <"<b>"@x.invalid>'
    raw = b"".join(
        name + b": " + bait + b"\r\n" for name in (b"From", b"To", b"Cc", b"Reply-To", b"Sender")
    )
    deliver(alice, raw + b"Subject: <script>x()</script>\r\n\r\n<script>x()</script>\r\n")
    for address in ("", "print/", "headers/", "one/"):
        assert "<script>x" not in reader.get(f"/mail/inbox/1/{address}").content.decode()


def test_a_name_cannot_turn_the_line_round(alice: User, reader: Client) -> None:
    deliver(alice, RAW.replace(b"Carol <", "\u202egnp.exe <".encode()))
    assert "\u202e" not in pane(reader.get("/mail/inbox/1/one/"))


def test_encrypted_parts_are_told_and_html_round_them_is_not_joined(
    alice: User, reader: Client
) -> None:
    deliver(alice, ENCRYPTED)
    page = pane(reader.get("/mail/inbox/1/"))
    assert "encrypted with S/MIME" in page
    assert page.count("<iframe") == 2
    assert len(set(re.findall(r'<iframe[^>]* src="([^"]+)"', page))) == 2


def test_a_code_can_be_copied(alice: User, reader: Client) -> None:
    deliver(alice, RAW.replace(b"Quarterly figures", b"Your code is 482913"))
    assert 'data-copy="482913"' in pane(reader.get("/mail/inbox/1/"))
    Entry.objects.update(internaldate=now_us() // 1_000_000 - 10 * 86_400)
    assert "data-copy" not in pane(reader.get("/mail/inbox/1/"))


def test_an_invitation_is_a_card(alice: User, reader: Client) -> None:
    ics = (
        b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nDTSTART:20261201T100000Z\r\n"
        b"SUMMARY:Meet <b>\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    head = b"MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n"
    deliver(alice, RAW.partition(b"\r\n\r\n")[0] + b"\r\n" + head + ics)
    page = pane(reader.get("/mail/inbox/1/"))
    assert "Meet &lt;b&gt;" in page
    assert "Invitation" in page
