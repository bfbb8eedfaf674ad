"""What is found is what a plain filter finds, whatever the index knows, a page at a time."""

import random
from collections.abc import Iterator
from datetime import date

import pytest

from apps.directory.models import User
from apps.search.finding.pages import Page, find
from apps.search.indexing import Indexer, Step
from apps.search.language.nodes import Every, In, Node, Not, Query, Some
from apps.search.language.parsing import parse
from tests.mailstore.making import box
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


@pytest.fixture(params=["nothing", "some", "all"])
def mails(request: pytest.FixtureRequest, alice: User) -> list[Mail]:
    """Random mail, of which the index has seen so much."""
    chance = random.Random(request.param)
    filed: list[Mail] = []
    for name in ("INBOX", "Archive", "Junk", "Trash"):
        filed += file(box(alice, name), [_mail(chance) for _ in range(12)])
        if request.param != "nothing" and (name == "Archive" or request.param == "all"):
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


def test_it_finds_what_a_plain_filter_finds(mails: list[Mail], alice: User) -> None:
    chance = random.Random(7)
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
    assert hits > 500  # the queries are not so odd that nothing has them
