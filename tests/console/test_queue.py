"""The queue's list and the page of a message: what waits, where, why, and in whose sight."""

import re
from dataclasses import replace
from urllib.parse import quote
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.console import exporting, paging
from apps.console.queue import words
from apps.delivery.accept import accept
from apps.directory.models import Domain, Role, User
from apps.directory.permissions import powers_of
from apps.directory.services import renaming
from apps.mailqueue import queries, services
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mailqueue.services import EnvelopeRecipient
from apps.mime.address import Address
from apps.runtime import keyset
from apps.runtime.clock import now_us
from apps.runtime.ulid import ulid_text
from apps.trace import services as trace
from tests.console.conftest import browser, holder
from tests.console.hostile import WILD
from tests.mailqueue.leaving import FAR, NEAR, away, keep, results, route, send, settle
from tests.support.mail import local, submission

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def listing(client: Client, query: str = "") -> str:
    answer = client.get(reverse("console-queue") + query)
    assert answer.status_code == 200
    return answer.content.decode()


def page(client: Client, message_id: UUID) -> HttpResponse:
    return client.get(reverse("console-queue-message", args=[message_id]))  # type: ignore[return-value]


def lines(text: str) -> list[str]:
    """Queue ids of the rows."""
    return re.findall(r'name="id" value="([0-9A-Z]{26})"', text)


def badges(text: str) -> list[str]:
    """What the rows say of their state."""
    cells = re.findall(r'<td data-h="State">(.*?)</td><td class="queue-why', text)
    return [re.sub(r"<[^>]*>", "", one).strip() for one in cells]


def sent_by(user: User, to: str = "far@elsewhere.test", where: str = FAR) -> UUID:
    """Mail of a user's that waits for another server."""
    item = submission(away(to), sender=user.address, door="submission")
    accept([replace(item, user_id=user.pk)])
    route(where)
    return item.id


def test_it_is_empty(operator: User) -> None:
    text = listing(browser(operator))
    assert "The queue is empty" in text
    assert "No mail waits for another server" in text


def test_it_lists_what_waits_and_why(operator: User) -> None:
    (message_id,) = send(1, NEAR, recipients=3)
    leased = services.claim_destination(NEAR, 1)[0]
    settle(leased, "deferred", "452 4.2.2 mailbox <b>full</b>", 7200)
    text = listing(browser(operator))
    assert lines(text) == [ulid_text(message_id)]
    assert "person0@elsewhere.test" in text
    assert "and 2 more" in text
    assert "The recipient&#x27;s mailbox is full." in text
    assert "452 4.2.2 mailbox &lt;b&gt;full&lt;/b&gt;" in text
    assert ">Deferred<" in text
    assert "near.test" in text


def test_what_has_nowhere_to_go_is_told_as_held(operator: User) -> None:
    send(1, NEAR)
    assert badges(listing(browser(operator))) == ["Waiting"]
    QueuedRecipient.objects.update(state="held", last_reply="its mailbox is gone")
    text = listing(browser(operator))
    assert badges(text) == ["Held"]
    assert "Its mailbox is gone." in text


def test_it_stands_under_the_tab_of_its_badge(operator: User) -> None:
    """Messages are not held, but all of their recipients who are left, or only some of them."""
    stuck, half, waiting = (send(1, NEAR, recipients=2)[0] for _ in range(3))
    QueuedRecipient.objects.filter(message=stuck).update(state="held")
    some = QueuedRecipient.objects.filter(message=half).order_by("pk")[:1]
    QueuedRecipient.objects.filter(pk__in=some.values("pk")).update(state="held")
    client = browser(operator)
    assert lines(listing(client, "?state=held")) == [ulid_text(stuck)]
    assert badges(listing(client, "?state=held")) == ["Held"]
    ids = [ulid_text(one) for one in sorted([half, waiting])]
    assert lines(listing(client, "?state=waiting")) == ids
    assert badges(listing(client, "?state=waiting")) == ["Waiting", "Waiting"]


def test_it_has_tabs_with_counts(operator: User) -> None:
    client = browser(operator)
    waiting, held, _ = send(3, NEAR)
    services.hold([held], "looks odd")
    services.claim_destination(NEAR, 1)
    later = submission(away("x@y.test"), hold_until_us=now_us() + 3_600_000_000)
    keep([later])
    text = listing(client)
    found = dict(re.findall(r'>(\w+) <span class="count">(\d+)</span>', text))
    assert found == {"All": "4", "Waiting": "2", "Sending": "1", "Held": "1", "Scheduled": "1"}
    assert lines(listing(client, "?state=held")) == [ulid_text(held)]
    assert lines(listing(client, "?state=sending")) == [ulid_text(waiting)]
    assert lines(listing(client, "?state=scheduled")) == [ulid_text(later.id)]
    assert len(lines(listing(client, "?state=nonsense"))) == 4


@pytest.mark.parametrize("few", [1, 2_000])
def test_it_narrows(operator: User, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "FEW", few)
    client = browser(operator)
    (near,), (far,) = send(1, NEAR), send(1, FAR)
    QueuedRecipient.objects.filter(message=near).update(address="Someone@Near.test")
    for query in ("?text=someone@near", f"?text={ulid_text(near)}", f"?destination={NEAR}"):
        assert lines(listing(client, query)) == [ulid_text(near)], query
    assert lines(listing(client, "?destination=far.test")) == [ulid_text(far)]
    services.hold([far], "odd")
    assert lines(listing(client, "?destination=far.test")) == [ulid_text(far)]
    assert lines(listing(client, "?text=nobody")) == []
    assert lines(listing(client, "?age=1")) == []
    assert "No message like that" in listing(client, "?age=1")
    assert len(lines(listing(client, "?after=nonsense&age=9"))) == 2


def test_pages_follow_each_other(operator: User) -> None:
    client = browser(operator)
    found = send(60)
    first = listing(client)
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link is not None
    second = listing(client, link[1].replace("&amp;", "&"))
    assert lines(first) + lines(second) == [ulid_text(one) for one in sorted(found)]


def test_the_part_that_changes_comes_alone(operator: User) -> None:
    send(2, NEAR)
    services.close_destination(NEAR, 3600, "nobody answers")
    client = browser(operator)
    answer = client.get(reverse("console-queue"), headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert "<html" not in text
    assert 'data-fresh="15"' in text
    assert "No answer" in text
    assert "Nobody answers." in text


def test_a_tenant_sees_what_its_users_sent(
    admin: User, operator: User, ann: User, zoe: User
) -> None:
    mine, theirs = sent_by(ann), sent_by(zoe, "secret@quokka.test", "mx/quokka.test")
    client = browser(admin)
    text = listing(client)
    assert lines(text) == [ulid_text(mine)]
    assert "quokka" not in text
    assert "quokka" not in listing(client, "?places=all")
    assert page(client, mine).status_code == 200
    assert page(client, theirs).status_code == 404
    assert len(lines(listing(browser(operator)))) == 2
    for query in ("?text=quokka", "?destination=mx/quokka.test", f"?text={ulid_text(theirs)}"):
        assert lines(listing(client, query)) == []


def test_who_is_in_the_group_of_another_tenant_is_not_told(
    admin: User, operator: User, ann: User, bob: User
) -> None:
    """Ann writes to a group of bob's tenant, which leads to somebody elsewhere."""
    mine = EnvelopeRecipient("far@elsewhere.test", "far@elsewhere.test", None)
    group = EnvelopeRecipient("boss@quokka.test", "team@other.test", None)
    own = EnvelopeRecipient("aide@wombat.test", "desk@example.test", None)
    item = submission([group, mine, own], sender=ann.address, door="submission")
    accept([replace(item, user_id=ann.pk)])
    route("mx/quokka.test")
    QueuedRecipient.objects.filter(address=mine.address).update(destination=FAR)
    QueuedRecipient.objects.filter(address=own.address).update(destination="mx/wombat.test")
    for where in ("mx/quokka.test", FAR):
        (leased,) = services.claim_destination(where, 1)
        assert len(leased.recipients) == 1
        reply = f"450 4.2.1 <{leased.recipients[0].address}> is on leave"
        tried = [
            replace(one, transcript="> RCPT TO:<boss@quokka.test>")
            for one in results(leased, "deferred", reply, 7200)
        ]
        with transaction.atomic():
            services.settle_outgoing(tried)
    event = trace.Event(item.trace_id, "queue.held", {"to": "boss@quokka.test", "why": "odd"})
    trace.record([event])

    client = browser(admin)
    texts = [
        listing(client),
        listing(client, "?places=all"),
        page(client, item.id).content.decode(),
    ]
    for text in texts:
        assert "team@other.test" in text
        assert "quokka" not in text
    assert "far@elsewhere.test" in texts[2]
    assert "aide@wombat.test" in texts[2]
    assert "wombat.test" in texts[1]
    for query in ("?text=quokka", "?text=boss", "?destination=quokka.test"):
        assert lines(listing(client, query)) == []
    for query in ("?text=team@", "?text=aide", "?destination=wombat.test"):
        assert lines(listing(client, query)) == [ulid_text(item.id)]
    assert "boss@quokka.test" in page(browser(operator), item.id).content.decode()
    assert lines(listing(browser(operator), "?text=quokka")) == [ulid_text(item.id)]


def test_a_tenant_sees_what_comes_in_for_its_users_alone(admin: User, ann: User, zoe: User) -> None:
    client = browser(admin)
    whole, partly, others = (
        submission(local(ann)),
        submission([*local(ann), *local(zoe)]),
        submission(local(zoe)),
    )
    keep([whole, partly, others])
    services.hold([whole.id, partly.id, others.id], "odd")
    text = listing(client)
    assert lines(text) == [ulid_text(one) for one in sorted((whole.id, partly.id))]
    assert "zoe@other.test" not in text
    shown = page(client, partly.id).content.decode()
    assert "ann@example.test" in shown
    assert "zoe@other.test" not in shown
    assert 'value="delete"' not in shown
    assert lines(listing(client, "?text=zoe@other")) == []
    assert page(client, others.id).status_code == 404
    assert 'value="delete"' in page(client, whole.id).content.decode()


def test_a_helpdesk_has_no_queue(helpdesk: User, ann: User) -> None:
    message_id = sent_by(ann)
    client = browser(helpdesk)
    assert client.get(reverse("console-queue")).status_code == 404
    assert page(client, message_id).status_code == 404


def test_a_reseller_sees_all_its_domains(domain: Domain, ann: User, zoe: User) -> None:
    reseller = holder("seller@example.test", Role.RESELLER, domain.organization)
    mine, _ = sent_by(ann), sent_by(zoe)
    assert lines(listing(browser(reseller))) == [ulid_text(mine)]


def test_a_message_is_shown_with_its_attempts(operator: User) -> None:
    (message_id,) = send(1, NEAR)
    leased = services.claim_destination(NEAR, 1)[0]
    settle(leased, "deferred", "450 4.2.1 greylisted, come again", 7200)
    services.hold([message_id], "looks odd")
    text = page(browser(operator), message_id).content.decode()
    for part in (
        ulid_text(message_id),
        "carol@outside.invalid",
        "person0@elsewhere.test",
        "mx.near.test [192.0.2.25]:25",
        "TLSv1.3",
        "second try only",
        "450 4.2.1 greylisted, come again",
        "SMTP transcript",
        "looks odd",
    ):
        assert part in text, part


def test_what_is_finished_says_so(operator: User) -> None:
    (message_id,) = send(1, NEAR)
    settle(services.claim_destination(NEAR, 1)[0], "delivered")
    text = page(browser(operator), message_id).content.decode()
    assert "This message is finished" in text
    assert 'value="delete"' not in text


def test_hostile_text_is_text(operator: User) -> None:
    client = browser(operator)
    (message_id,) = send(1, NEAR)
    settle(services.claim_destination(NEAR, 1)[0], "deferred", "451 " + WILD, 7200)
    wild = WILD.replace("\0", "")[:300]
    QueuedMessage.objects.update(
        sender=wild, last_error=wild, client='{"helo": "<img src=x>\\u202e"}'
    )
    QueuedRecipient.objects.update(address=wild, original=f"{wild}x", last_reply=f"451 {wild}")
    for text in (
        listing(client),
        listing(client, f"?text={ulid_text(message_id)}"),
        page(client, message_id).content.decode(),
    ):
        assert "<img src=x" not in text
        assert "<script>alert" not in text
        assert not [text[i - 200 : i + 9] for i, c in enumerate(text) if c in "\x1b\u202e\u2066"]


def test_an_id_of_nothing_is_not_found(operator: User) -> None:
    client = browser(operator)
    assert page(client, UUID(int=7)).status_code == 404
    assert client.get(reverse("console-queue") + "nonsense/").status_code == 404


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("", ""),
        ("nobody answers", "Nobody answers."),
        ("421 4.7.28 rate limited", "The recipient gets too much mail at once."),
        ("450 4.7.1 Greylisted", "The other side takes mail of strangers at a second try only."),
        ("421 closing", "The other side is too busy, or wants us to slow down."),
        ("451 hm", "The other side does not take it for now."),
        ("451 4.0.0 hm", "The other side does not take it for now."),
        ("550 no", "The other side does not take it."),
    ],
)
def test_replies_are_told_in_words(reply: str, told: str) -> None:
    assert words.said(reply).words == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (6_720, "1 h 52 min"),
        (90_000, "1 d 1 h"),
        (-5, "0 s"),
    ],
)
def test_times_are_told_in_words(seconds: int, told: str) -> None:
    assert words.span(seconds) == told


def test_a_transcript_is_told_line_by_line() -> None:
    found = words.spoken("* mx.a.test\n> MAIL\x1b[2J\n< 250 ok\n< 451 no")
    assert [one.how for one in found] == ["note", "ours", "theirs", "bad"]
    assert "\x1b" not in found[1].text


def test_as_a_file(admin: User, ann: User, zoe: User, operator: User) -> None:
    mine = sent_by(ann, to="=1+1@elsewhere.test")
    theirs = sent_by(zoe, to="secret@elsewhere.test")
    path = reverse("console-export")
    text = b"".join(browser(admin).get(f"{path}?kind=queue")).decode("utf-8-sig")
    assert ulid_text(mine) in text
    assert "'=1+1@elsewhere.test" in text
    assert ",=1+1" not in text
    assert ulid_text(theirs) not in text
    assert "secret" not in text
    text = b"".join(browser(operator).get(f"{path}?kind=queue&text=secret")).decode("utf-8-sig")
    assert ulid_text(theirs) in text
    assert ulid_text(mine) not in text
    assert AuditRecord.objects.filter(action="directory.export", subject="queue").count() == 2
    assert browser(ann).get(f"{path}?kind=queue").status_code == 404


def test_a_file_costs_a_few_statements_for_some_hundred(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(7, NEAR)
    powers = powers_of(operator)
    with CaptureQueriesContext(connection) as few:
        whole = list(exporting.EXPORTS["queue"].rows(powers, {}))
    send(30, NEAR)
    with CaptureQueriesContext(connection) as many:
        assert len(list(exporting.EXPORTS["queue"].rows(powers, {}))) == 37
    assert len(few) == len(many)
    monkeypatch.setattr(keyset, "BATCH", 2)
    again = list(exporting.EXPORTS["queue"].rows(powers, {}))
    assert [row[0] for row in again[:7]] == [row[0] for row in whole]


def test_what_was_sent_stays_with_the_domain_it_was_sent_from(
    admin: User, ann: User, zoe: User
) -> None:
    """Who moves to another tenant takes nothing along that waits; who is removed leaves it."""
    elsewhere = zoe.domain
    assert elsewhere is not None
    message_id = sent_by(ann)
    address = Address.parse(f"ann2@{elsewhere.name}")
    with transaction.atomic():
        renaming.rename(user=ann, address=address, other_organization=True)
    theirs = holder(f"boss@{elsewhere.name}", Role.DOMAIN_ADMIN, elsewhere)
    assert lines(listing(browser(theirs))) == []
    assert page(browser(theirs), message_id).status_code == 404
    assert lines(listing(browser(admin))) == [ulid_text(message_id)]
    assert 'value="delete"' in page(browser(admin), message_id).content.decode()
    User.objects.filter(pk=ann.pk).update(state="removed", domain=None, removed_at=timezone.now())
    assert lines(listing(browser(admin))) == [ulid_text(message_id)]


def test_a_tenant_searches_its_own(admin: User, ann: User, zoe: User) -> None:
    """Of a message for several tenants only what may be known is found by its text."""
    client = browser(admin)
    both = submission([*local(ann), *local(zoe)], sender="carol@outside.invalid")
    keep([both])
    services.hold([both.id], "odd")
    mine, _ = sent_by(ann, "far@quokka.test"), sent_by(zoe, "near@quokka.test")
    found = {
        "ann@": [both.id, mine],
        "zoe@": [],
        "quokka": [mine],
        "carol@outside": [both.id],
        "near@": [],
        "%": [],
        "_": [],
    }
    for text, ids in found.items():
        assert lines(listing(client, f"?text={quote(text)}")) == list(map(ulid_text, ids)), text


def test_what_was_sought_has_pages_too(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is more of it than is counted."""
    monkeypatch.setattr(paging, "PAGE", 2)
    rows = sorted([*send(5, FAR), *send(1, NEAR)])
    ids = [ulid_text(one) for one in rows]
    client = browser(operator)
    for most, total in ((10, "6"), (5, "more than 5")):
        monkeypatch.setattr(paging, "COUNTED", most)
        text = listing(client, "?text=person0@")
        assert lines(text) == ids[:2]
        assert f"2 of {total}" in text
        assert lines(listing(client, f"?text=person0@&after={rows[1]}")) == ids[2:4]
        assert lines(listing(client, f"?text=person0@&after={rows[3]}")) == ids[4:]
        assert lines(listing(client, "?text=person0@&after=nonsense")) == ids[:2]
