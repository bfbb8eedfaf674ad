"""What is found is what a plain filter finds, whatever the index knows, a page at a time."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from apps.blobs.models import Blob
from apps.directory.models import User
from apps.mailstore.models import FLAG_FLAGGED, Entry
from apps.mailstore.services import copy, mailboxes, sharing
from apps.mailstore.services.expunge import expunge
from apps.provisioning import services as provisioning
from apps.search import asking
from apps.search.base import Known, Term
from apps.search.finding import clauses, pages, texts
from apps.search.finding.pages import Page, find
from apps.search.finding.rows import Place, read_place
from apps.search.indexing import Indexer, Step
from apps.search.language.nodes import Every, In, Node, Not, Query, Some
from apps.search.language.parsing import parse
from tests.mailstore.making import ORIGIN, box
from tests.search.finding.making import NOW, Mail, file, fulfils, newest_first

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 26)
DAY = 24 * 60 * 60


def index_all() -> None:
    assert Indexer().run(60) is Step.IDLE


def search(user: User, text: str, **more: object) -> Page:
    return find(parse(text, TODAY), user_id=user.pk, **more)  # type: ignore[arg-type]


def found(page: Page) -> list[tuple[int, int]]:
    return [(hit.folder.id, hit.row.uid) for hit in page.hits]


def subjects(page: Page) -> list[str]:
    return [hit.row.subject for hit in page.hits]


WORDS = ("Lunch", "noon", "Möller", "straße", "Сегодня", "漢字", "a_b", "100%", "it's", "né", "x")
PEOPLE = (
    "Amy Möller <amy@example.test>",
    "alice@example.test",
    '"Baker, Bob" <bob@example.test>',
    "漢字 <kanji@other.test>",
)
NAMES = ("", "", "", "plan.pdf", "Übersicht.docx")
OPERATORS = (
    *("is:unread", "is:read", "is:starred", "is:answered", "is:forwarded", "is:draft"),
    *("has:attachment", "has:label", "label:work", "label:none", "label:WORK"),
    *("in:inbox", "in:archive", "in:anywhere", "in:junk", "in:trash", "in:nowhere", "-in:trash"),
    *("before:2026-11-25", "after:2026-11-20", "on:2026-11", "on:2026-11-23", "newer_than:3d"),
    *("larger:700", "smaller:600", "larger:0", "from:me", "to:me", "cc:me"),
)
FIELDS = ("", "", "", "from:", "to:", "cc:", "bcc:", "subject:", "body:", "filename:")


def _mail(chance: random.Random) -> Mail:
    def words(count: int) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(1, count)))

    return Mail(
        sender=chance.choice(PEOPLE),
        to=chance.choice(PEOPLE),
        cc=chance.choice(("", "", *PEOPLE)),
        bcc=chance.choice(("", "", "", *PEOPLE)),
        subject=words(3),
        body=words(6) + " y" * chance.randint(0, 150),
        filename=chance.choice(NAMES),
        flags=chance.randrange(32),
        keywords=tuple(chance.sample(("work", "$Forwarded", "$Other"), chance.randrange(3))),
        date=NOW - chance.randrange(10) * DAY,
    )


def _query(chance: random.Random, depth: int = 0) -> str:
    kind = chance.random()
    if depth < 3 and kind < 0.25:
        joint = chance.choice((" OR ", " "))
        inner = joint.join(_query(chance, depth + 1) for _ in range(chance.randint(2, 3)))
        return f"{chance.choice(('', '-'))}({inner})"
    if kind < 0.5:
        return chance.choice(("", "", "-")) + chance.choice(OPERATORS)
    word = chance.choice((*WORDS, "test", "amy", "baker, bob", "pdf", "no"))
    start = chance.randrange(len(word))
    piece = word[start : start + chance.randint(1, 6)].replace('"', "").strip() or "u"
    return f'{chance.choice(("", "", "-"))}{chance.choice(FIELDS)}"{piece}"'


@pytest.fixture(params=["nothing", "some", "all", "all, as if it were much"])
def mails(
    request: pytest.FixtureRequest, alice: User, monkeypatch: pytest.MonkeyPatch
) -> list[Mail]:
    """Random mail, of which the index has seen so much."""
    if "much" in request.param:
        monkeypatch.setattr(clauses, "FEW", 3)
        monkeypatch.setattr(texts, "_AT_ONCE", 2)
    chance = random.Random(request.param)
    filed: list[Mail] = []
    for name in ("INBOX", "Archive", "Junk", "Trash"):
        filed += file(box(alice, name), [_mail(chance) for _ in range(12)])
        if request.param != "nothing" and (name == "Archive" or "all" in request.param):
            index_all()
    return filed


def _named(node: Node, denied: bool = False) -> Iterator[str]:
    match node:
        case In(name) if not denied:
            yield name.lower()
        case Not(one):
            yield from _named(one, not denied)
        case Every(many) | Some(many):
            for one in many:
                yield from _named(one, denied)


def _is_searched(query: Query, mail: Mail) -> bool:
    """Junk and Trash only if they are asked for."""
    assert mail.mailbox is not None
    use = mail.mailbox.special_use
    named = {name for factor in query.factors for name in _named(factor.node)}
    return use not in ("junk", "trash") or bool(named & {use, ""})


def _compare(alice: User, mails: list[Mail], seed: int) -> int:
    """Compare what queries find with what a plain filter finds; how many hits they had."""
    chance = random.Random(seed)
    hits = 0
    for _ in range(150):
        text = " ".join(_query(chance) for _ in range(chance.randint(1, 3)))
        query = parse(text, TODAY)
        page = search(alice, text, limit=1_000)
        expected = [
            mail
            for mail in newest_first(mails)
            if _is_searched(query, mail) and all(fulfils(one.node, mail) for one in query.factors)
        ]
        assert found(page) == [mail.key for mail in expected], text
        assert page.after is None
        assert page.count is not None
        assert (page.count.least, page.count.most) == (len(expected), len(expected)), text
        hits += len(expected)
    return hits


def test_it_finds_what_a_plain_filter_finds(mails: list[Mail], alice: User) -> None:
    assert _compare(alice, mails, 7) > 500  # the queries are not so odd that nothing has them


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_it_finds_what_a_plain_filter_finds_again_and_again(
    mails: list[Mail], alice: User, seed: int
) -> None:
    assert _compare(alice, mails, seed) > 500


def test_it_leaves_out_what_comes_while_it_looks(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    (before,) = file(box(alice), [Mail(subject="Lunch")])
    index_all()
    real = asking.ask

    def ask(owner_id: int, terms: Sequence[Term]) -> Known:
        known = real(owner_id, terms)
        file(box(alice), [Mail(subject="Lunch, but later")])
        return known

    monkeypatch.setattr(texts, "ask", ask)
    # Of what came later nobody has said that it has no dinner in it.
    assert found(search(alice, "-dinner")) == [before.key]
    monkeypatch.setattr(texts, "ask", real)
    assert len(search(alice, "-later").hits) == 1
    assert len(search(alice, "later").hits) == 1


def test_it_remembers_what_each_text_has(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_AT_ONCE", 1)
    file(box(alice), [Mail(subject=words) for words in ("one", "one two", "two")])
    index_all()
    for one, other in (("one", "two"), ("two", "one")):
        query = f"({one} {other} is:starred) OR ({one} is:unread)"
        assert len(search(alice, query).hits) == 2


def test_it_scans_nothing_that_is_indexed(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    file(box(alice), [Mail(subject=f"Lunch {n}") for n in range(3)])
    index_all()
    monkeypatch.setattr(texts, "sights", _forbidden)
    assert subjects(search(alice, "lunch -noon")) == []
    assert len(search(alice, "lunch noon subject:lunch").hits) == 3


def _forbidden(places: object) -> None:
    raise AssertionError(places)


def test_it_scans_the_tail_that_matters(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    file(box(alice), [Mail(subject="Lunch"), Mail(subject="Dinner")])
    index_all()
    file(box(alice), [Mail(subject="Lunch", flags=FLAG_FLAGGED), Mail(subject="Tea")])
    scanned: list[int] = []
    real = texts.Texts.scan

    def scan(self: texts.Texts, message_ids: Sequence[int]) -> None:
        scanned.extend(message_ids)
        real(self, message_ids)

    monkeypatch.setattr(texts.Texts, "scan", scan)
    assert len(search(alice, "lunch is:starred").hits) == 1
    assert len(scanned) == 1
    assert subjects(search(alice, "lunch")) == ["Lunch", "Lunch"]
    assert len(scanned) == 3


@pytest.mark.parametrize("is_indexed", [True, False])
@pytest.mark.parametrize("query", ["lunch", "-dinner", "is:unread", "e"])
def test_it_gives_page_after_page(alice: User, query: str, is_indexed: bool) -> None:
    for name in ("INBOX", "Archive"):
        file(box(alice, name), [Mail(date=NOW + n // 3) for n in range(12)])
    if is_indexed:
        index_all()
    whole = search(alice, query)
    assert len(whole.hits) == 24
    pieces: list[tuple[int, int]] = []
    place = None
    for _ in range(5):
        page = search(alice, query, after=place, limit=5, with_count=False)
        assert page.count is None
        pieces += found(page)
        place = page.after and read_place(page.after.write())
    assert pieces == found(whole)
    assert place is None


def test_it_begins_a_list_where_no_place_is_given() -> None:
    assert read_place("") is None
    assert read_place("1-2") is None
    assert read_place(Place(-5, 2, 3).write()) == Place(-5, 2, 3)


def test_it_stops_when_the_time_is_over_and_goes_on_later(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_SCANNED", 2)
    monkeypatch.setattr(pages, "_WINDOW", 5)
    rare = [Mail(date=NOW - n, subject="Rare" if n in (3, 9) else "Lunch") for n in range(11)]
    mails = file(box(alice), rare)
    gathered: list[tuple[int, int]] = []
    rounds, place = 0, None
    while True:
        page = search(alice, "rare", after=place, seconds=0)
        gathered += found(page)
        rounds += 1
        assert page.count is not None
        assert page.count.least <= 2 <= page.count.most
        if page.after is None:
            break
        assert page.is_cut
        place = page.after
    assert gathered == [mails[3].key, mails[9].key]
    assert rounds == 6


def test_it_asks_the_database_as_often_for_little_as_for_much(alice: User) -> None:
    query = "lunch from:bob is:unread label:work -in:archive has:attachment"

    def asked() -> int:
        with CaptureQueriesContext(connection) as statements:
            search(alice, query, limit=5)
        return len(statements)

    file(box(alice), [Mail(keywords=("work",), filename="a")])
    index_all()
    little = asked()
    for name in ("INBOX", "Archive", "Sent"):
        file(box(alice, name), [Mail(keywords=("work",), filename="a") for _ in range(30)])
    index_all()
    assert asked() == little <= 12


def test_me_is_whoever_asks_under_any_address_of_theirs(alice: User, bob: User) -> None:
    provisioning.add_alias("al@example.test", [alice.address])
    provisioning.add_alias("team@example.test", [alice.address, bob.address])
    senders = ("al@example.test", "Alice <alice@example.test>", "team@example.test", "x@b.test")
    file(box(alice), [Mail(sender=one, subject=one, date=NOW - n) for n, one in enumerate(senders)])
    for is_indexed in (False, True):
        if is_indexed:
            index_all()
        assert subjects(search(alice, "from:me")) == list(senders[:2])
        assert subjects(search(alice, "-from:me")) == list(senders[2:])
        assert subjects(search(alice, "from:me OR from:b.test")) == [*senders[:2], senders[3]]


def test_it_searches_what_others_share_if_it_may_be_read(alice: User, bob: User, eve: User) -> None:
    for user in (alice, bob, eve):
        file(box(user), [Mail(subject=f"Lunch of {user.name}")])
        file(box(user, "Archive"), [Mail(subject=f"Old lunch of {user.name}")])
    index_all()
    sharing.grant(mailbox_id=box(bob).pk, to=alice.address, rights="lr", origin=ORIGIN)
    sharing.grant(mailbox_id=box(bob, "Archive").pk, to=alice.address, rights="li", origin=ORIGIN)
    shown = search(alice, "lunch of")
    assert sorted(subjects(shown)) == [
        *("Lunch of Alice Archer", "Lunch of Bob Baker", "Old lunch of Alice Archer"),
    ]
    assert [hit.folder.owner_key for hit in shown.hits if "Bob" in hit.row.subject] == [bob.key]
    assert subjects(search(alice, "in:bob@example.test")) == ["Lunch of Bob Baker"]
    sharing.revoke(mailbox_id=box(bob).pk, to=alice.address, origin=ORIGIN)
    assert len(search(alice, "lunch of").hits) == 2
    assert len(search(eve, "lunch of").hits) == 2


def test_it_finds_a_shared_message_by_what_its_owner_has_indexed(alice: User, bob: User) -> None:
    (mail,) = file(box(bob), [Mail(subject="Lunch")])
    assert mail.mailbox is not None
    sharing.grant(mailbox_id=mail.mailbox.pk, to=alice.address, rights="lr", origin=ORIGIN)
    sharing.grant(mailbox_id=box(alice).pk, to=bob.address, rights="lri", origin=ORIGIN)
    index_all()
    copy.copy(mailbox_id=mail.mailbox.pk, uids=[mail.uid], target_id=box(alice).pk, origin=ORIGIN)
    assert len(search(alice, "lunch").hits) == 2
    assert len(search(alice, "-lunch").hits) == 0


def test_it_finds_mailboxes_by_role_name_and_last_level(alice: User) -> None:
    for name in ("Projects/Größe", "Other/Spam"):
        mailboxes.create(user_id=alice.pk, name=name)
    for name in ("Projects/Größe", "Other/Spam", "Junk", "Sent"):
        file(box(alice, name), [Mail(subject=name)])
    assert subjects(search(alice, "in:projects/grösse")) == ["Projects/Größe"]
    assert subjects(search(alice, "in:GROSSE")) == ["Projects/Größe"]
    assert subjects(search(alice, "in:spam")) == ["Junk"]
    assert subjects(search(alice, "in:other/spam")) == ["Other/Spam"]
    assert subjects(search(alice, "in:sent")) == ["Sent"]
    assert len(search(alice, "").hits) == 3
    assert len(search(alice, "in:anywhere").hits) == 4
    assert len(search(alice, "-in:junk").hits) == 3


def test_it_says_that_nothing_is_called_so(alice: User) -> None:
    file(box(alice), [Mail(keywords=("work",))])
    page = search(alice, "in:nowhere OR label:play OR label:WORK")
    assert [hint.code for hint in page.hints] == ["no-mailbox", "no-label"]
    assert len(page.hits) == 1


def test_it_counts_days_where_the_reader_is(alice: User) -> None:
    midnight = int(datetime(2026, 11, 25, 15, tzinfo=UTC).timestamp())  # of the 26th in Tokyo
    file(box(alice), [Mail(date=midnight - 1), Mail(date=midnight)])
    with timezone.override("Asia/Tokyo"):
        assert len(search(alice, "on:2026-11-26").hits) == 1
        assert len(search(alice, "before:2026-11-26").hits) == 1
    assert len(search(alice, "on:2026-11-25").hits) == 2


def test_it_takes_dates_of_any_year(alice: User) -> None:
    file(box(alice), [Mail(date=-(10**12)), Mail(date=10**14)])
    assert len(search(alice, "").hits) == 2
    assert len(search(alice, "before:1900").hits) == 1
    assert len(search(alice, "after:9998-12-31").hits) == 1
    with timezone.override("Pacific/Kiritimati"):
        assert len(search(alice, "before:1900-01-01").hits) == 1


def test_it_finds_what_can_be_brought_back(alice: User) -> None:
    mailboxes.create(user_id=alice.pk, name="Old")
    file(box(alice, "Old"), [Mail(subject="Lunch in Old")])
    gone, _, moved = file(
        box(alice), [Mail(subject="Lunch gone"), Mail(), Mail(subject="Lunch moved")]
    )
    (trashed,) = file(box(alice, "Trash"), [Mail(subject="Lunch trashed")])
    index_all()
    for mail in (gone, trashed):
        expunge(mailbox_id=mail.key[0], uids=[mail.uid], origin=ORIGIN, marked=False)
    copy.move(
        mailbox_id=moved.key[0], uids=[moved.uid], target_id=box(alice, "Sent").pk, origin=ORIGIN
    )
    mailboxes.delete(user_id=alice.pk, name="Old", origin=ORIGIN)
    shown = search(alice, "lunch", is_deleted=True)
    assert sorted(subjects(shown)) == ["Lunch gone", "Lunch in Old", "Lunch trashed"]
    assert subjects(search(alice, "lunch in:old", is_deleted=True)) == ["Lunch in Old"]
    assert subjects(search(alice, "-gone -old", is_deleted=True)) == ["Lunch trashed"]
    assert sorted(subjects(search(alice, "lunch"))) == ["Lunch", "Lunch moved"]
    assert shown.count is not None
    assert shown.count.least == shown.count.most == 3


@pytest.mark.parametrize("index", ["off", "behind", "there"])
def test_it_finds_the_rest_beside_a_damaged_message(alice: User, index: str) -> None:
    whole, broken = file(box(alice), [Mail(), Mail(subject="Broken lunch", flags=FLAG_FLAGGED)])
    entry = Entry.objects.get(mailbox=broken.mailbox, uid=broken.uid)
    blobs = Blob.objects.filter(pk=entry.message.blob_id)
    blobs._raw_delete(blobs.db)
    if index == "there":
        index_all()
    for text, keys in (
        ("noon", [whole.key]),
        ("-midnight", [whole.key]),  # whether it stands in the other nobody knows
        ("noon OR is:starred", [broken.key, whole.key]),
        ("is:starred -midnight", []),
    ):
        with override_settings(SEARCH_INDEX=index != "off"):
            page = search(alice, text)
        assert found(page) == keys, text
        assert [hint.code for hint in page.hints] == ["damaged"]
        assert page.count is not None
        assert page.count.least == len(keys)


def test_it_takes_what_was_typed_as_it_is(alice: User) -> None:
    file(
        box(alice), [Mail(subject=text) for text in ("100% a_b", "it's", 'say "hi"', "x\\y", "né")]
    )
    index_all()
    for typed, subject in (
        ("0%", "100% a_b"),
        ("a_b", "100% a_b"),
        ("t's", "it's"),
        ('"say ""hi"""', 'say "hi"'),
        ("x\\y", "x\\y"),
        ("NÉ", "né"),
    ):
        assert subjects(search(alice, f"subject:{typed}")) == [subject], typed
    for typed in ("subject:%", "subject:_", "'", "\0", "a%b", "l*h", ".unch", "'; DROP TABLE x"):
        expected = {"subject:%": 1, "subject:_": 1, "'": 1}.get(typed, 0)
        assert len(search(alice, typed).hits) == expected, typed


@pytest.mark.parametrize("is_indexed", [True, False])
def test_it_answers_whatever_is_typed(alice: User, is_indexed: bool) -> None:
    file(box(alice), [Mail(), Mail(subject="\N{GRINNING FACE} say", filename="a b.pdf")])
    if is_indexed:
        index_all()
    chance = random.Random(3)
    signs = [
        *"\"()-:%_\\'\0\x1e\x1f\ud800\U0001f600é漢*?;|&^$ \t\n",
        "OR ",
        "from:",
        "in:",
        "label:",
        "x",
    ]
    for _ in range(150):
        typed = "".join(chance.choices(signs, k=chance.randint(1, 25)))
        page = search(alice, typed, limit=5)
        assert page.count is not None
        assert len(page.hits) == page.count.least == page.count.most


def test_what_others_removed_is_their_own_business(alice: User, bob: User) -> None:
    (mail,) = file(box(bob), [Mail()])
    sharing.grant(mailbox_id=mail.key[0], to=alice.address, rights="lrswite", origin=ORIGIN)
    expunge(mailbox_id=mail.key[0], uids=[mail.uid], origin=ORIGIN, marked=False)
    assert len(search(alice, "lunch", is_deleted=True).hits) == 0
    assert found(search(bob, "lunch", is_deleted=True)) == [mail.key]
