"""Names and signatures: a page that works without script, and a door that gives no right."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditRecord
from apps.directory.models import User
from apps.directory.services import delegations
from apps.provisioning import services as provisioning
from apps.webmail import writers
from apps.webmail.models import Identity
from apps.webmail.services import identities
from apps.webmail.services.identities import Wanted
from apps.wire.errors import InvalidAddress, InvalidName, MailError, NotFound, SenderNotAllowed

pytestmark = pytest.mark.django_db

PAGE = "/settings/identities/"


def read(reader: Client, path: str = PAGE) -> str:
    return str(reader.get(path, secure=True).content.decode())


def post(reader: Client, **fields: str) -> int:
    return int(reader.post(PAGE, {"do": "save", **fields}, secure=True).status_code)


def test_it_lists_what_one_may_write_as(reader: Client, alice: User, bob: User) -> None:
    provisioning.add_alias("sales@example.test", ["alice@example.test"])
    delegations.grant(owner=bob, delegate=alice, send_as=False, send_on_behalf=True)

    page = read(reader)

    assert "sales@example.test" in page
    assert "on behalf of Bob" in page or "on behalf of bob@example.test" in page
    assert page.count("Signed with DKIM") == 3
    assert "signature_text" not in page


def test_a_form_without_script_sets_all(reader: Client, alice: User) -> None:
    assert 'value="alice@example.test"' in read(reader, f"{PAGE}?edit=alice%40example.test")

    status = post(
        reader,
        edit="alice@example.test",
        address="alice@example.test",
        name=" A. Liddell ",
        reply_to="team@Elsewhere.test",
        signature_text="Alice\r\n<Oxford>\r\n",
        attaches_card="on",
        is_default="on",
    )

    assert status == 302
    (one,) = writers.choices(alice)
    assert (one.name, one.reply_to) == ("A. Liddell", "team@elsewhere.test")
    assert one.signature_text == "Alice\n<Oxford>"
    assert one.signature_html == "<p>Alice<br>&lt;Oxford&gt;</p>"
    assert (one.is_above_quote, one.attaches_card, one.is_default) == (False, True, True)
    kept = AuditRecord.objects.get(action="identity.save")
    assert kept.subject == "alice@example.test"
    assert "signature" not in str(kept.detail)


def test_rich_text_stays_where_only_the_name_changes(reader: Client, alice: User) -> None:
    fields = {"edit": alice.key, "address": alice.key}
    assert post(reader, **fields, signature_html="<div><b>Alice</b><script>x</script></div>") == 302
    kept = Identity.objects.get()
    assert (kept.signature_html, kept.signature_text) == ("<div><b>Alice</b></div>", "Alice")

    assert post(reader, **fields, name="A", signature_text="Alice") == 302
    assert Identity.objects.get().signature_html == "<div><b>Alice</b></div>"

    assert post(reader, **fields, name="A", signature_text="Alice L.") == 302
    assert Identity.objects.get().signature_html == "<p>Alice L.</p>"


def test_there_is_one_default_at_most(reader: Client, alice: User) -> None:
    provisioning.add_alias("sales@example.test", ["alice@example.test"])
    for address in ("alice@example.test", "sales@example.test", "alice+x@example.test"):
        assert post(reader, address=address, new="1", is_default="on") == 302

    assert writers.default(writers.choices(alice)).key == "alice+x@example.test"
    assert Identity.objects.filter(is_default=True).count() == 1


@pytest.mark.parametrize(
    "address", ["bob@example.test", "nobody@example.test", "a@elsewhere.test", "eve@other.test"]
)
def test_nobody_takes_the_name_of_another(
    reader: Client, alice: User, bob: User, eve: User, address: str
) -> None:
    answer = reader.post(PAGE, {"address": address, "new": "1", "name": "x"}, secure=True)

    assert answer.status_code == 422
    assert "You may not write from this address." in answer.content.decode()
    assert not Identity.objects.exists()
    with pytest.raises(SenderNotAllowed):
        identities.change(user=alice, address=address, wanted=Wanted())


@pytest.mark.parametrize(
    "name",
    [
        "A\r\nBcc: victim@example.test",
        "A\nB",
        "A\rB",
        "A\0B",
        "A\u2028B",
        "moc.elpmaxe\u202e",
        "A\u200bB",
        "x" * 201,
    ],
)
def test_a_name_goes_into_a_header_and_stays_a_name(reader: Client, alice: User, name: str) -> None:
    assert post(reader, edit=alice.key, address=alice.key, name=name) == 422
    with pytest.raises(InvalidName):
        identities.change(user=alice, address=alice.key, wanted=Wanted(name=name))
    assert not Identity.objects.exists()


@pytest.mark.parametrize(
    "address", ["x", "a@b@c", "a@example.test\r\nBcc: b@example.test", "<a@example.test>, b@c.d"]
)
def test_answers_go_to_an_address(alice: User, address: str) -> None:
    with pytest.raises(InvalidAddress):
        identities.change(user=alice, address=alice.key, wanted=Wanted(reply_to=address))
    with pytest.raises(MailError):
        identities.change(user=alice, address=address, wanted=Wanted())


def test_what_was_typed_is_not_lost_by_a_mistake(reader: Client, alice: User) -> None:
    answer = reader.post(
        PAGE,
        {"edit": alice.key, "address": alice.key, "name": "A<b>", "reply_to": "no", "do": "save"},
        secure=True,
    )

    page = answer.content.decode()
    assert 'value="A&lt;b&gt;"' in page
    assert "Answers cannot go there" in page


def test_it_can_be_taken_away_and_the_address_stays(reader: Client, alice: User, bob: User) -> None:
    identities.change(user=alice, address=alice.key, wanted=Wanted(name="A"))
    identities.change(user=bob, address=bob.key, wanted=Wanted(name="B"))

    assert post(reader, do="remove", edit=alice.key, address=alice.key) == 302
    assert [one.name for one in writers.choices(alice)] == [alice.name]
    assert post(reader, do="remove", edit=bob.key, address=bob.key) == 422
    with pytest.raises(NotFound):
        identities.remove(user=alice, key=bob.key)
    assert Identity.objects.get().user_id == bob.pk


def test_the_page_costs_the_same_for_many(reader: Client, alice: User) -> None:
    identities.change(user=alice, address="alice+0@example.test", wanted=Wanted())
    read(reader)
    with CaptureQueriesContext(connection) as few:
        read(reader)
    for number in range(1, 20):
        identities.change(user=alice, address=f"alice+{number}@example.test", wanted=Wanted())
    with CaptureQueriesContext(connection) as many:
        read(reader)

    assert len(many) == len(few)


def test_there_are_at_most_a_hundred(alice: User) -> None:
    Identity.objects.bulk_create(
        Identity(user=alice, key=f"alice+{n}@example.test", address="x") for n in range(100)
    )
    with pytest.raises(MailError, match="identities"):
        identities.change(user=alice, address="alice+new@example.test", wanted=Wanted())
    identities.change(user=alice, address="alice+7@example.test", wanted=Wanted(name="A"))
