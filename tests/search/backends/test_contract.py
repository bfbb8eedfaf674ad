"""Whatever an index is made of, it answers as looking at every text would. Run for the database at
hand: a file of SQLite, or tables of Postgres."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, transaction

from apps.mime.searchtext import DIVIDER, SearchText, column, folded
from apps.search.backends import postgres
from apps.search.backends.contract import Backend, Pair, Row
from apps.search.backends.fts5 import Fts5Index
from apps.search.backends.postgres import PostgresIndex
from apps.search.base import Field, Term
from apps.search.models import IndexState

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = (
    *(
        "meeting",
        "Grüße",
        "ΟΔΟΣ",
        "ΟΔΟΣΑΒΓ",
        "привет",
        "会議の資料",
        "中文",
        "한국어",
        "🎉",
        "👩\u200d💻",
    ),
    *(
        "100%",
        "a_b",
        'say "hi"',
        "\\",
        "\\%",
        "'",
        "''",
        ".*",
        "[a-z]+",
        "(?:x)",
        "%_%",
        "::",
        "--",
    ),
    *("x", "ab", "abcabc", "the", "\ufffd", "e\u0301", "ﬁne", "ß", "NEAR(", "AND", "*", "^", "$1"),
)


@pytest.fixture
def index(db: None, tmp_path: Path) -> Iterator[Backend]:
    if connection.vendor == "postgresql":
        IndexState.objects.update_or_create(pk=1, defaults={"epoch": 7, "number": 0, "version": 1})
        made: Backend = PostgresIndex()
        with made.turn():
            made.begin(7)
        yield made
    else:
        file = Fts5Index(tmp_path / "search")
        with file.turn():
            file.begin(7)
        yield file
        file.close()


def write(index: Backend, rows: list[Row], gone: list[Pair]) -> None:
    with index.turn() as mine:
        assert mine
        index.write(rows, gone)


def random_text(dice: random.Random) -> SearchText:
    def values() -> str:
        return column([folded(phrase(dice)) for _ in range(dice.choice([0, 1, 1, 2]))])

    return SearchText(*[values() for _ in Field])


def phrase(dice: random.Random) -> str:
    return dice.choice(["", " ", " "]).join(dice.choices(WORDS, k=dice.randint(1, 6)))


def random_term(dice: random.Random, known: dict[Pair, SearchText | None]) -> Term:
    """Mostly something that is there."""
    texts = [getattr(text, field) for text in known.values() if text for field in Field]
    values = [value for text in texts for value in text.split(DIVIDER) if value]
    value = dice.choice(values)
    first = dice.randrange(len(value))
    part = value[first : first + dice.randint(1, 30)]
    if first == 0 and len(part) > 1 and dice.random() < 0.5:
        part = DIVIDER + part  # as `field_mark` does
    if dice.random() < 0.2:
        part = folded(phrase(dice))
    return Term(part or "x", tuple(dice.sample(list(Field), dice.randint(1, len(Field)))))


def random_terms(dice: random.Random, known: dict[Pair, SearchText | None]) -> Term:
    """One, or several that stand together."""
    first, *others = [random_term(dice, known) for _ in range(dice.choice((1, 1, 1, 2, 3)))]
    return Term(first.text, first.fields, tuple(others))


def has(text: SearchText | None, term: Term) -> bool:
    return text is not None and all(
        any(one.text in getattr(text, field) for field in one.fields) for one in term.all()
    )


@pytest.mark.parametrize("seed", range(3))
def test_it_answers_as_looking_at_every_text(index: Backend, seed: int) -> None:
    dice = random.Random(seed)
    known: dict[Pair, SearchText | None] = {}
    answered = 0
    for _ in range(6):
        pairs = {Pair(dice.randint(1, 3), dice.randint(1, 40)) for _ in range(30)}
        rows = [Row(one, random_text(dice) if dice.random() < 0.9 else None) for one in pairs]
        gone = [one for one in dice.sample(sorted(known), len(known) // 3) if one not in pairs]
        write(index, rows, [*gone, Pair(9, 9)])
        known.update((row.pair, row.text) for row in rows)
        for one in gone:
            del known[one]
        terms = [random_terms(dice, known) for _ in range(40)]
        for owner in (1, 2, 3, 4):
            mine = {pair[1]: text for pair, text in known.items() if pair[0] == owner}
            found = index.find(owner, terms)
            assert found.apart == {one for one, text in mine.items() if text is None}
            for term, hits in zip(terms, found.hits, strict=True):
                if hits is not None:
                    answered += 1
                    assert hits == {one for one, text in mine.items() if has(text, term)}, term
    assert answered > 500
    assert index.count() == len(known)
    assert index.pairs(None, 1_000) == sorted(known)
    for owner in (1, 2, 3):
        mine = {pair[1]: text for pair, text in known.items() if pair[0] == owner}
        assert index.texts(owner, list(range(50))) == mine


def test_it_pages_through_its_pairs(index: Backend) -> None:
    pairs = [Pair(owner, message) for owner in (1, 2) for message in (3, 4, 5)]
    write(index, [Row(pair, None) for pair in reversed(pairs)], [])
    first = index.pairs(None, 4)
    assert first + index.pairs(first[-1], 4) == pairs
    assert index.pairs(pairs[-1], 4) == []


def test_it_takes_a_batch_of_long_texts(index: Backend) -> None:
    long = column(["WORD " * 400_000 + "END"])
    text = SearchText(*["", "", "", "", "", "", long, ""])
    write(index, [Row(Pair(1, number), text) for number in range(1, 5)], [])
    (hits,) = index.find(1, [Term("WORD END", (Field.BODY,))]).hits
    assert hits == {1, 2, 3, 4}
    assert index.texts(1, [3]) == {3: text}


def test_it_finds_long_texts_that_stand_together(index: Backend) -> None:
    one, other = (" ".join(f"{word}{n}" for n in range(100)) for word in ("LONG", "TALL"))
    texts = [(f"{one} {other}", "A"), (one, "A"), (other, "A"), (f"{one} {other}", "B")]
    rows = [
        Row(Pair(1, number), SearchText("", "", "", "", column([subject]), "", column([body]), ""))
        for number, (body, subject) in enumerate(texts, 1)
    ]
    write(index, rows, [])
    also = (Term("A", (Field.SUBJECT,)), Term(other, (Field.BODY, Field.TO)))
    assert index.find(1, [Term(one, (Field.BODY,), also)]).hits == ({1},)
    assert index.find(1, [Term("A", (Field.SUBJECT,), (Term("B", (Field.SUBJECT,)),))]).hits == (
        frozenset(),
    )


def test_it_begins_anew(index: Backend) -> None:
    text = SearchText(*[column(["SUBJECT"]) for _ in Field])
    write(index, [Row(Pair(1, 5), text)], [])
    assert index.size() > 0
    if connection.vendor == "postgresql":  # no backup has it
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DROP TABLE search_indexed")
        assert index.count() == index.size() == 0
    with index.turn():
        index.begin(8)
    assert index.count() == 0
    assert index.find(1, [Term("SUBJECT", tuple(Field))]).hits == (frozenset(),)


def test_it_looks_terms_up_by_their_trigrams(
    index: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Postgres: as soon as the index begins anew with the right to make extensions; without it
    every row is looked at."""
    text = SearchText(*[column(["A MEETING"]) for _ in Field])
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DROP INDEX search_indexed_trigrams")
        for extensions, used in ((("no_such_extension",), False), (postgres.EXTENSIONS, True)):
            with monkeypatch.context() as patch, index.turn():
                patch.setattr(postgres, "EXTENSIONS", extensions)
                index.begin(7)
                index.write([Row(Pair(1, 5), text)], [])
            assert postgres.has_trigrams() is used
            assert _are_trigrams_used() is used
            assert index.find(1, [Term("MEETING", (Field.BODY,))]).hits == ({5},)
    else:
        write(index, [Row(Pair(1, 5), text)], [])
    assert index.find(1, [Term("MEETING", (Field.BODY,))]).hits == ({5},)


def _are_trigrams_used() -> bool:
    """Whether Postgres would, were the table large."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute("EXPLAIN SELECT 1 FROM search_indexed WHERE body LIKE '%MEETING%'")
        return any("Index Cond: (body ~~" in row[0] for row in cursor.fetchall())
