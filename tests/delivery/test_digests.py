"""Digests: what is news, once, and nothing of a stranger's that acts."""

import email
import email.policy
import re
import threading
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from django.db import close_old_connections, transaction
from pytest_django.fixtures import Settings

from apps.blobs import services as blobs
from apps.delivery import digests, ownletters
from apps.directory.models import Domain, User, UserState
from apps.directory.services import forwards
from apps.mailqueue.models import QueuedMessage, QueuedRecipient
from apps.mailstore import queries as mailstore
from apps.mailstore.models import FLAG_SEEN, SpecialUse
from apps.mailstore.origin import Origin
from apps.mailstore.services.deliver import Filing, deliver
from apps.mailstore.services.prepare import prepare
from apps.mime.address import Address
from apps.provisioning import services as provisioning
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.scan import digests as contents
from apps.scan import standings, tokens
from apps.scan.base import Action, Case, Reader
from apps.scan.deeds import Deed, Done
from apps.scan.digests import SHOWN
from apps.scan.models import Digest, Quarantined
from apps.scan.services import digests as telling
from apps.scan.services import lists, quarantine, verdicts
from apps.scan.services.digests import Every
from apps.scan.verdict import Opinion, Verdict
from apps.wire.errors import InUse, InvalidName
from mailhost.env import Endpoint
from tests.scan.services.test_quarantine import POLICY, VIRUS, claim, keep
from tests.support.mail import RAW, local

pytestmark = pytest.mark.django_db

DAY = 86_400
SIX = 20_784 * DAY + 6 * 3600  # six o'clock of a Friday
MONDAY = SIX + 3 * DAY
OPINION = Opinion(6, Action.JUNK, "Too many links")


@pytest.fixture(autouse=True)
def _web(settings: Settings) -> None:
    settings.WEB_LISTEN = Endpoint("0.0.0.0", 443)
    settings.WEB_TLS = True
    settings.TRUSTED_PROXIES = ()
    settings.QUARANTINE_DIGEST_HOUR = 6


def hold(user: User, raw: bytes = RAW, verdict: Verdict | None = None) -> Quarantined:
    (row,) = keep(claim(local(user), raw), verdict or Verdict((POLICY,)), raw=raw)
    return row


def case(user: User, trace_id: UUID, raw: bytes = RAW) -> Case:
    """A message as it is judged."""
    reader = Reader(user.pk, user.address, user.address, "example.test", 1)
    return Case(trace_id, trace_id, raw, "", (user.address,), (reader,), "mx", 0)


def junk(
    user: User,
    raw: bytes = RAW,
    *,
    flags: int = 0,
    done: Done | None = Done.JUNK,
    why: str = "Too many links",
) -> None:
    """A message in Junk; `done` is what the filter did with it, None if it never saw it."""
    trace_id = new_ulid()
    box = mailstore.boxes([user.pk], SpecialUse.JUNK)[user.pk]
    prepared = prepare(raw, trace_id=trace_id)
    origin = Origin("mx", None)
    with transaction.atomic():
        deliver([Filing(prepared, user.pk, box, now(), origin, flags=flags)])
        if done is None:
            return
        kept = verdicts.prepare(
            case(user, trace_id, raw), Verdict((), {user.pk: OPINION}), blob_id=prepared.blob_id
        )
        verdicts.keep([(kept, [Deed(user.address, user.address, user.pk, done, why)])])


def letters() -> list[EmailMessage]:
    rows = QueuedMessage.objects.filter(door="report").order_by("id")
    found = []
    for row in rows:
        raw = blobs.read(row.blob_id)
        assert re.fullmatch(rb"(?:[^\r\n]{0,998}\r\n)*", raw)
        found.append(email.message_from_bytes(raw, policy=email.policy.default))
    return found


def texts(letter: EmailMessage) -> tuple[str, str]:
    plain, html = letter.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    found = (one.get_content().replace("\r\n", "\n") for one in (plain, html))
    return next(found), next(found)


class Links(HTMLParser):
    """The links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [value or "" for name, value in attrs if name in {"href", "src"}]


def test_it_tells_of_what_is_held_and_of_new_junk(alice: User) -> None:
    row = hold(alice)
    junk(alice)
    assert digests.send_due(SIX) == 1
    (letter,) = letters()
    assert letter["to"] == "alice@example.test"
    assert letter["subject"] == "Mail for you: 1 held back, 1 new in Junk"
    assert letter["auto-submitted"] == "auto-generated"
    plain, html = texts(letter)
    for text in (plain.replace("\u2060", ""), html.replace("\u2060", "").replace("&lt;", "<")):
        assert "Quarterly figures" in text
        assert "Carol <carol@outside.invalid" in text
        assert "run.exe is a program" in text
        assert "Too many links" in text
    links = re.findall(r"https://mail\.example\.test/held/([\w.-]+)/(\?do=block)?", plain)
    assert [tokens.read_copy(token)[0] for token, _ in links] == [alice.pk] * 4
    assert tokens.read_copy(links[0][0])[1] == row.trace_id
    stop = re.search(r"https://mail\.example\.test/digests/([\w.-]+)/", plain)
    assert stop is not None
    assert tokens.read_digest(stop[1]) == alice.pk
    queued = QueuedMessage.objects.get(door="report")
    assert (queued.sender, queued.is_cleared) == ("", True)


def test_it_tells_once(alice: User) -> None:
    hold(alice)
    junk(alice)
    assert [digests.send_due(at) for at in (SIX, SIX, SIX + 900, SIX + DAY)] == [1, 0, 0, 0]
    junk(alice)
    assert digests.send_due(SIX + 900) == 0
    assert digests.send_due(SIX + DAY) == 1
    assert letters()[1]["subject"] == "Mail for you: 1 new in Junk"


def test_it_tells_nothing_when_there_is_no_news(alice: User, bob: User) -> None:
    junk(alice, flags=FLAG_SEEN)  # its reader has seen it
    junk(alice, done=None)  # its reader has moved it there
    junk(alice, done=Done.INBOX)  # nor has the filter put it there
    lists.block_sender(alice.pk, "carol@outside.invalid")
    blocked = standings.of([case(alice, new_ulid())])[0][alice.pk].blocked
    assert "carol@outside.invalid" in blocked
    junk(alice, why=blocked)  # its reader has said so
    quarantine.release([hold(alice).pk], by="command")
    assert digests.send_due(SIX) == 0
    assert letters() == []


def test_it_waits_for_its_hour(alice: User) -> None:
    hold(alice)
    assert digests.send_due(SIX - 1) == 0
    assert digests.send_due(SIX + 17 * 3600) == 1


def test_it_comes_as_often_as_is_wanted(alice: User, bob: User, settings: Settings) -> None:
    hold(alice)
    hold(bob)
    settings.QUARANTINE_DIGEST = "never"
    assert digests.send_due(SIX) == 0
    telling.set_every(bob.pk, Every.WEEKLY)
    assert digests.send_due(SIX) == 1  # the one of this week
    hold(bob)
    assert digests.send_due(SIX + DAY) == 0
    assert digests.send_due(MONDAY) == 1
    settings.QUARANTINE_DIGEST = "daily"
    telling.set_every(alice.pk, Every.NEVER)
    assert digests.send_due(MONDAY) == 0
    telling.set_every(alice.pk, None)
    assert digests.send_due(MONDAY) == 1
    assert [one["to"] for one in letters()] == ["bob@example.test"] * 2 + ["alice@example.test"]


def test_a_domain_says_how_often_unless_its_user_has_said(
    alice: User, bob: User, settings: Settings
) -> None:
    hold(alice)
    hold(bob)
    provisioning.change_domain("example.test", digest="never")
    assert telling.every_of(alice.pk) is Every.NEVER
    assert digests.send_due(SIX) == 0
    telling.set_every(bob.pk, Every.DAILY)
    assert digests.send_due(SIX) == 1
    settings.QUARANTINE_DIGEST = "never"
    provisioning.change_domain("example.test", digest="daily")
    assert digests.send_due(SIX) == 1
    provisioning.change_domain("example.test", digest="")
    assert telling.every_of(alice.pk) is Every.NEVER
    assert [one["to"] for one in letters()] == ["bob@example.test", "alice@example.test"]


def test_a_domain_says_nothing_else(domain: Domain) -> None:
    with pytest.raises(InvalidName):
        provisioning.change_domain("example.test", digest="hourly")
    provisioning.add_domain("mirror.test", alias_of="example.test")
    with pytest.raises(InUse):
        provisioning.change_domain("mirror.test", digest="weekly")


def test_it_comes_again_after_a_clock_was_wrong(alice: User) -> None:
    hold(alice)
    assert digests.send_due(SIX + 1_000 * DAY) == 1
    hold(alice)
    assert [digests.send_due(SIX), digests.send_due(SIX)] == [1, 0]
    hold(alice)
    telling.set_every(alice.pk, Every.NEVER)
    assert digests.send_due(SIX + DAY) == 0


def test_it_is_sent_once_whatever_dies(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(alice)
    real = ownletters.queue

    def dies(*args: Any, **names: Any) -> None:
        real(*args, **names)
        raise OSError("killed before the commit")

    monkeypatch.setattr(ownletters, "queue", dies)
    assert digests.send_due(SIX) == 0
    assert (letters(), Digest.objects.count()) == ([], 0)
    monkeypatch.undo()
    # Two workers that have read the same: one tells.
    told = contents.content(alice.pk)
    assert [telling.claim(told, 100), telling.claim(told, 100)] == [True, False]
    Digest.objects.all().delete()
    Quarantined.objects.update(is_told=False)
    assert digests.send_due(SIX) == 1
    assert len(letters()) == 1


def test_it_lets_one_user_stop_no_other(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(alice)
    hold(bob)
    real = digests.send

    def send(told: contents.Content, today: int) -> bool:
        if told.user_id == alice.pk:
            raise RuntimeError("no letter can be made")
        return real(told, today)

    monkeypatch.setattr(digests, "send", send)
    assert digests.send_due(SIX) == 1


def test_it_offers_no_release_of_a_virus(alice: User) -> None:
    hold(alice, verdict=Verdict((VIRUS,)))
    digests.send_due(SIX)
    plain, html = texts(letters()[0])
    for text in (plain, html):
        assert "only your administrator can release it" in text
        assert "Release" not in text
        assert "do=block" not in text


@pytest.mark.parametrize(
    "subject",
    [
        b"=?utf-8?q?x=0D=0ABcc=3A_eve=40other.test=0D=0A=0D=0Abody?=",
        b"=?utf-8?q?x=0A--=3D=5F?= \r\n X-Evil: 1",
        b"<script>alert(1)</script><a href=https://evil.test/>win</a>",
        "\u202egnp.exe\u2066 https://evil.test/ www.evil.test evil.test".encode(),
        b"{{ 7|add:7 }}{% debug %} %s {0} {why}",
        b"x" * 5_000,
        b"\xff\x00\x1b[2J",
    ],
)
def test_it_lets_no_stranger_write_in_it(alice: User, subject: bytes) -> None:
    raw = RAW.replace(b"Quarterly figures", subject).replace(b"Carol", subject)
    hold(alice, raw)
    junk(alice, raw)
    digests.send_due(SIX)
    (letter,) = letters()
    assert set(letter.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"),
        *("MIME-Version", "Content-Type"),
    }
    assert letter["subject"] == "Mail for you: 1 held back, 1 new in Junk"
    plain, html = texts(letter)
    page = Links(html)
    assert not page.tags & {"script", "img", "iframe", "form"}
    assert all(one.startswith("https://mail.example.test/") for one in page.found)
    for text in (plain, html):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
        assert not re.search(r"evil\.test|https?://(?!mail\.example\.test/)", text)
    assert max(map(len, plain.splitlines())) < 300


def test_it_names_so_many_and_counts_the_rest(alice: User) -> None:
    for _ in range(3):
        hold(alice)
    told = contents.content(alice.pk)
    many = contents.Content(alice.pk, told.held[:1] * SHOWN, SHOWN + 7, (), 0, told.told, told.mark)
    subject, plain, html = digests.compose(many, Address.parse(alice.address))
    assert subject == f"Mail for you: {SHOWN + 7} held back"
    assert "and 7 more" in plain
    assert "and 7 more" in html
    assert plain.count("Release:") == SHOWN


def test_it_goes_where_the_users_mail_goes(alice: User) -> None:
    forwards.add(user=alice, target="away@elsewhere.test", keeps_copy=False)
    hold(alice)
    assert digests.send_due(SIX) == 1
    (to,) = QueuedRecipient.objects.filter(message__door="report")
    assert (to.address, to.notify) == ("away@elsewhere.test", "NEVER")


def test_it_tells_who_was_suspended_afterwards(alice: User) -> None:
    hold(alice)
    User.objects.filter(pk=alice.pk).update(state=UserState.SUSPENDED)
    assert digests.send_due(SIX) == 0
    assert letters() == []
    User.objects.filter(pk=alice.pk).update(state=UserState.ACTIVE)
    assert digests.send_due(SIX + DAY) == 1


def test_it_has_no_links_where_there_is_no_web(alice: User, settings: Settings) -> None:
    settings.WEB_LISTEN = None
    hold(alice)
    assert digests.send_due(SIX) == 1
    plain, html = texts(letters()[0])
    assert "http" not in plain
    assert Links(html).found == []


@pytest.mark.django_db(transaction=True)
def test_it_is_sent_once_whoever_sends_it_at_the_same_moment(alice: User) -> None:
    hold(alice)
    told = contents.content(alice.pk)
    start = threading.Barrier(4)
    sent: list[bool] = []

    def send() -> None:
        start.wait(30)
        try:
            sent.append(digests.send(told, 100))
        finally:
            close_old_connections()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert sorted(sent) == [False, False, False, True]
    assert len(letters()) == 1
