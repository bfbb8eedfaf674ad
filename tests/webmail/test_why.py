"""Why a message is here, in words; and how a list is left, a sender blocked."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.directory.models import User
from apps.mailqueue.models import QueuedMessage
from apps.mailstore.models import Entry, Message, SpecialUse
from apps.mailstore.queries import boxes
from apps.scan.models import ListEntry
from apps.webmail import leaving
from apps.webmail.why.unsubscribing import Kind, offer
from apps.wire.errors import Refused
from tests.imap.conftest import add_message
from tests.support.mail import RAW
from tests.webmail.test_mail import deliver

pytestmark = pytest.mark.django_db

SIGNED = (
    b"DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; s=k;\r\n"
    b"\th=From:Subject:List-Unsubscribe:\r\n List-Unsubscribe-Post; bh=x; b=AbCdEf12 34567890\r\n"
)
ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
PROVED = (
    b"Authentication-Results: mail.example.test; dkim=pass header.d=shop.example"
    b" header.s=k header.a=rsa-sha256 header.b=AbCdEf12\r\n"
)


def mail(*fields: bytes, ways: bytes = b"<https://shop.example/u?x=1>") -> bytes:
    return (
        b"".join(fields)
        + b"From: Shop <news@shop.example>\r\nSubject: Sale\r\nList-Unsubscribe: "
        + ways
        + b"\r\n\r\nHi\r\n"
    )


def test_one_click_takes_a_signature_over_both_fields() -> None:
    found = offer(PROVED, mail(SIGNED, ONE_CLICK))
    assert found is not None
    assert (found.kind, found.url) == (Kind.ONE_CLICK, "https://shop.example/u?x=1")


@pytest.mark.parametrize(
    ("prefix", "raw"),
    [
        (b"", mail(PROVED, SIGNED, ONE_CLICK)),  # a stranger's own word for it
        (PROVED.replace(b"dkim=pass", b"dkim=fail"), mail(SIGNED, ONE_CLICK)),
        (PROVED.replace(b"AbCdEf12", b"ZzCdEf12"), mail(SIGNED, ONE_CLICK)),
        (PROVED.replace(b"shop.example", b"evil.example"), mail(SIGNED, ONE_CLICK)),
        (PROVED, mail(SIGNED.replace(b"List-Unsubscribe-Post", b"To"), ONE_CLICK)),
        (PROVED, mail(SIGNED.replace(b"List-Unsubscribe:", b"To:"), ONE_CLICK)),
        (PROVED, mail(SIGNED)),
        (PROVED, mail(SIGNED, ONE_CLICK, ONE_CLICK)),
        (PROVED, mail(SIGNED, ONE_CLICK.replace(b"One", b"Two"))),
        (PROVED, mail(ONE_CLICK)),
        # The signature that is good, and another that only begins as it does.
        (PROVED, mail(SIGNED.replace(b"List-Unsubscribe:", b"To:"), SIGNED, ONE_CLICK)),
        (PROVED, mail(SIGNED, *[SIGNED.replace(b"AbCd", b"Xyzw")] * 10, ONE_CLICK)),
    ],
)
def test_else_it_is_a_page_to_open(prefix: bytes, raw: bytes) -> None:
    found = offer(prefix, raw)
    assert found is not None
    assert found.kind is Kind.LINK


@pytest.mark.parametrize(
    "ways",
    [
        b"<http://shop.example/u>",
        b"<javascript:alert(1)>",
        b"<data:text/html,x>",
        b"<https://user:pw@shop.example/>",
        b"<https://shop.example:8443/>",
        b"<https://127.0.0.1/>",
        b"<https://[::1]/>",
        b"<https://2130706433/>",
        b"<https://localhost/>",
        b"<https://" + b"a" * 3_000 + b".example/>",
        b"<https://shop.example/\xff>",
        b"https://shop.example/",
        b"<" * 5_000,
        b"<>" * 1_000 + b"<https://shop.example/>",
        b"<mailto:>",
        b"<mailto:a@b@c>",
        b"<mailto:%FF@shop.example>",
        b"<https://shop.example/>\r\nList-Unsubscribe: <https://evil.example/>",
        b"",
    ],
)
def test_what_is_odd_is_not_offered(ways: bytes) -> None:
    assert offer(PROVED, mail(SIGNED, ONE_CLICK, ways=ways)) is None


def test_folding_and_many_addresses_are_read() -> None:
    ways = b"(a comment)\r\n\t<mailto:leave@shop.example?subject=out%0d%0aBcc:x@y.z&body=b>,\r\n <http://x.y/>"
    found = offer(b"", mail(ways=ways))
    assert found is not None
    assert found.kind is Kind.MAIL
    assert (found.to, found.subject, found.text) == ("leave@shop.example", "out Bcc:x@y.z", "b")
    assert offer(b"", mail(ways=b"<x:y>," * 1_000 + b"<https://a.example/>")) is None


def text(response: Any) -> str:
    return str(response.content.decode())


def test_it_says_what_the_filter_saw_of_mail_that_came_in(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    uid = Entry.objects.get().uid
    page = text(reader.get(f"/mail/inbox/{uid}/why/"))
    assert "It belongs here" in page
    assert "Spam score" in page
    assert "When it came it was filed in the inbox." in page
    part = text(reader.get(f"/mail/inbox/{uid}/why/", headers={"hx-request": "true"}))
    assert "<html" not in part
    assert "drawer" in part


def test_it_says_of_an_import_that_nobody_looked(alice: User, reader: Client) -> None:
    forged = b"Authentication-Results: mail.example.test; dmarc=pass header.from=bank.example\r\n"
    uid = add_message(alice.pk, forged + RAW).uid
    page = text(reader.get(f"/mail/inbox/{uid}/why/"))
    assert "It did not come in" in page
    assert "bank.example" not in page
    assert "Spam score" not in page


def test_it_tells_nothing_of_the_copies_of_others(
    alice: User, bob: User, eve: User, client: Client
) -> None:
    deliver(alice, RAW)
    uid = Entry.objects.get().uid
    client.force_login(bob)
    assert client.get(f"/mail/inbox/{uid}/why/").status_code == 404
    add_message(bob.pk, RAW)
    mine = Entry.objects.get(mailbox__user=bob)
    Message.objects.filter(pk=mine.message_id).update(
        trace_id=Message.objects.exclude(pk=mine.message_id).get().trace_id
    )
    page = text(client.get(f"/mail/inbox/{mine.uid}/why/"))
    assert "alice" not in page
    assert "Spam score" not in page


def test_a_sender_is_blocked_and_let_in_again(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    entry = Entry.objects.get()
    ref = f"{entry.mailbox_id}.{entry.uid}"
    as_script = {"accept": "application/json"}
    fields = {"ref": ref, "what": "address", "junk": "1"}
    said = reader.post("/mail/block/", fields, headers=as_script).json()
    assert "goes to Junk" in said["text"]
    row = ListEntry.objects.get()
    assert (row.user_id, row.verb) == (alice.pk, "block")
    junk = boxes([alice.pk], SpecialUse.JUNK)[alice.pk]
    moved = Entry.objects.get()
    assert moved.mailbox_id == junk
    ref = f"{junk}.{moved.uid}"
    reader.post("/mail/allow/", {"ref": ref, "what": "domain"})
    assert {one.verb for one in ListEntry.objects.all()} == {"allow", "block"}
    reader.post("/mail/block/", {"ref": ref, "what": "address", "undo": "1"})
    assert ListEntry.objects.get().verb == "allow"


def said_of(alice: User) -> set[tuple[str, str]]:
    return set(ListEntry.objects.filter(user=alice).values_list("value", "verb"))


def test_what_was_said_of_a_sender_is_taken_back_with_what_it_moved(
    alice: User, reader: Client
) -> None:
    deliver(alice, RAW)
    entry = Entry.objects.get()
    inbox = entry.mailbox_id
    fields = {"ref": f"{inbox}.{entry.uid}", "what": "address"}
    as_script = {"accept": "application/json"}

    def say(verb: str, **more: str) -> Any:
        return reader.post(f"/mail/{verb}/", {**fields, **more}, headers=as_script).json()

    def undo(token: str) -> Any:
        return reader.post("/mail/undo/", {"token": token}, headers=as_script).json()

    say("allow")
    sender = ListEntry.objects.get().value
    blocked = say("block", junk="1")
    assert said_of(alice) == {(sender, "block")}
    assert blocked["gone"] == [fields["ref"]]
    back = undo(blocked["undo"])
    assert back["text"] == (
        "Undone: the message is as it was."
        f" Mail that is proved to be from {sender} stays out of Junk from now on."
    )
    assert said_of(alice) == {(sender, "allow")}
    assert Entry.objects.get().mailbox_id == inbox
    # What somebody has said since stays.
    assert "Something else is said" in undo(blocked["undo"])["text"]
    assert said_of(alice) == {(sender, "allow")}
    # To say the same again is nothing that could be taken back.
    fields["ref"] = f"{inbox}.{Entry.objects.get().uid}"
    assert say("allow")["undo"] is None
    whole = say("block", what="domain")
    assert undo(whole["undo"])["text"].startswith("Nothing is said of")
    assert said_of(alice) == {(sender, "allow")}


def test_nobody_takes_back_what_another_said(alice: User, bob: User, reader: Client) -> None:
    deliver(alice, RAW)
    entry = Entry.objects.get()
    fields = {"ref": f"{entry.mailbox_id}.{entry.uid}", "what": "address"}
    as_script = {"accept": "application/json"}
    token = reader.post("/mail/block/", fields, headers=as_script).json()["undo"]
    reader.force_login(bob)
    answer = reader.post("/mail/undo/", {"token": token}, headers=as_script)
    assert answer.status_code >= 400
    assert ListEntry.objects.filter(user=alice, verb="block").exists()


def test_who_blocks_without_script_sees_the_list_and_undo(alice: User, reader: Client) -> None:
    deliver(alice, RAW)
    entry = Entry.objects.get()
    at = f"/mail/inbox/{entry.uid}/"
    fields = {"ref": f"{entry.mailbox_id}.{entry.uid}", "what": "address", "next": at}
    page = reader.post("/mail/block/", fields, follow=True)
    assert page.redirect_chain[-1][0] == at
    token = re.search(r'name="token" value="([^"]+)"', text(page))
    assert token
    reader.post("/mail/undo/", {"token": token[1]})
    assert not ListEntry.objects.exists()
    page = reader.post("/mail/block/", {**fields, "junk": "1"}, follow=True)
    assert page.redirect_chain[-1][0] == "/mail/inbox/"
    assert page.status_code == 200


@pytest.mark.parametrize("ref", ["", "x", "1", "1.x", "999.1", "1.99999999999", "\u0661.\u0661"])
def test_nobody_is_blocked_by_what_is_not_there(
    alice: User, bob: User, reader: Client, ref: str
) -> None:
    deliver(bob, RAW)
    entry = Entry.objects.get()
    theirs = f"{entry.mailbox_id}.{entry.uid}"
    for one in (ref, theirs):
        assert reader.post("/mail/block/", {"ref": one, "what": "address"}).status_code == 404
    assert not ListEntry.objects.exists()


def test_nobody_blocks_themselves(alice: User, reader: Client) -> None:
    uid = add_message(alice.pk, b"From: alice@example.test\r\n\r\nHi\r\n").uid
    ref = f"{Entry.objects.get().mailbox_id}.{uid}"
    answer = reader.post(
        "/mail/block/", {"ref": ref, "what": "address"}, headers={"accept": "application/json"}
    )
    assert answer.status_code == 422
    assert not ListEntry.objects.exists()


def test_a_letter_is_sent_only_after_its_address_was_shown(alice: User, reader: Client) -> None:
    uid = add_message(alice.pk, mail(ways=b"<mailto:leave@shop.example?subject=out>")).uid
    path = f"/mail/inbox/{uid}/unsubscribe/"
    assert "leave@shop.example" in text(reader.get(path))
    assert reader.post(path).status_code == 404
    assert not QueuedMessage.objects.exists()
    assert reader.post(path, {"confirmed": "1"}).status_code == 302
    queued = QueuedMessage.objects.get()
    assert (queued.sender, queued.user_id) == ("alice@example.test", alice.pk)
    assert queued.recipients.get().address == "leave@shop.example"


def test_the_message_says_how_to_leave(alice: User, bob: User, reader: Client) -> None:
    uid = add_message(alice.pk, mail()).uid
    page = text(reader.get(f"/mail/inbox/{uid}/"))
    assert "Unsubscribe at shop.example" in page
    assert 'rel="noopener noreferrer nofollow"' in page
    assert reader.post(f"/mail/inbox/{uid}/unsubscribe/").status_code == 404
    plain = add_message(alice.pk, RAW).uid
    assert reader.get(f"/mail/inbox/{plain}/unsubscribe/").status_code == 404


def test_a_list_that_leads_into_our_own_network_is_not_asked(alice: User) -> None:
    found = offer(PROVED, mail(SIGNED, ONE_CLICK, ways=b"<https://nowhere.invalid/u>"))
    assert found is not None
    with pytest.raises(Refused, match=r".") as caught:
        leaving.ask(found)
    assert "could not be asked" in caught.value.reply.text
