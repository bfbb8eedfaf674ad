"""What people type is understood, or taken as text with a remark; nothing of it is an error."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.search.language.lexing import CURLY
from apps.search.language.nodes import (
    Attached,
    Days,
    Every,
    In,
    Is,
    Label,
    Mark,
    Mine,
    Node,
    Not,
    Octets,
    Some,
    Text,
    Where,
)
from apps.search.language.parsing import DEPTH_MAX, HINTS_MAX, LEAVES_MAX, LENGTH_MAX, parse
from apps.search.language.writing import write
from tests.support.cost import cost

TODAY = date(2026, 11, 26)
ANY = Where.ANYWHERE


def text(words: str, where: Where = ANY) -> Text:
    return Text(where, words)


def nodes(query: str) -> list[Node]:
    return [factor.node for factor in parse(query, TODAY).factors]


def codes(query: str) -> list[str]:
    return [hint.code for hint in parse(query, TODAY).hints]


READ, STARRED = Is(Mark.READ), Is(Mark.STARRED)
UNDERSTOOD: dict[str, list[Node]] = {
    "": [],
    "lunch": [text("lunch")],
    "Lunch at noon": [text("Lunch"), text("at"), text("noon")],
    '"at noon"': [text("at noon")],
    "from:bob": [text("bob", Where.FROM)],
    "FROM:bob": [text("bob", Where.FROM)],
    "from: bob": [text("bob", Where.FROM)],
    'subject:"at noon"': [text("at noon", Where.SUBJECT)],
    "to:a cc:b bcc:c body:d filename:e": [
        *(text("a", Where.TO), text("b", Where.CC), text("c", Where.BCC)),
        *(text("d", Where.BODY), text("e", Where.FILENAME)),
    ],
    "from:me to:ME": [Mine(Where.FROM), Mine(Where.TO)],
    'from:"me" subject:me': [text("me", Where.FROM), text("me", Where.SUBJECT)],
    "-lunch": [Not(text("lunch"))],
    '-"at noon"': [Not(text("at noon"))],
    "NOT lunch": [Not(text("lunch"))],
    "NOT -lunch": [text("lunch")],
    "-from:bob": [Not(text("bob", Where.FROM))],
    "a OR b": [Some((text("a"), text("b")))],
    "a OR b OR c": [Some((text("a"), text("b"), text("c")))],
    "a OR b c": [Some((text("a"), text("b"))), text("c")],
    "a b OR c": [text("a"), Some((text("b"), text("c")))],
    "a OR -b": [Some((text("a"), Not(text("b"))))],
    "a AND b": [text("a"), text("b")],
    "(a b) OR c": [Some((Every((text("a"), text("b"))), text("c")))],
    "-(a OR b)": [Not(Some((text("a"), text("b"))))],
    "((a))": [text("a")],
    "((a b) c) OR d": [Some((Every((text("a"), text("b"), text("c"))), text("d")))],
    "from:(amy OR bob)": [Some((text("amy", Where.FROM), text("bob", Where.FROM)))],
    "subject:(dinner movie)": [
        Every((text("dinner", Where.SUBJECT), text("movie", Where.SUBJECT)))
    ],
    "from:(a subject:b c)": [
        Every((text("a", Where.FROM), text("b", Where.SUBJECT), text("c", Where.FROM)))
    ],
    "is:(unread OR starred)": [Some((Not(READ), STARRED))],
    "has:attachment has:label": [Attached(), Label("")],
    "label:work tag:Work": [Label("work"), Label("Work")],
    "in:inbox in:anywhere": [In("inbox"), In("")],
    'in:"My Box/Sub"': [In("My Box/Sub")],
    "is:read is:unread is:seen is:unseen": [READ, Not(READ), READ, Not(READ)],
    "-is:unread": [READ],
    "is:starred is:unflagged": [STARRED, Not(STARRED)],
    "is:answered is:forwarded is:draft is:deleted": [
        *(Is(Mark.ANSWERED), Is(Mark.FORWARDED), Is(Mark.DRAFT), Is(Mark.DELETED)),
    ],
    "before:2026-11-25": [Days(None, date(2026, 11, 25))],
    "after:2026/11/25": [Days(date(2026, 11, 25), None)],
    "on:25.11.2026": [Days(date(2026, 11, 25), date(2026, 11, 26))],
    "on:25-Nov-2026": [Days(date(2026, 11, 25), date(2026, 11, 26))],
    "on:2026-12": [Days(date(2026, 12, 1), date(2027, 1, 1))],
    "on:2026": [Days(date(2026, 1, 1), date(2027, 1, 1))],
    "after:2026-11": [Days(date(2026, 11, 1), None)],
    "on:today": [Days(TODAY, date(2026, 11, 27))],
    "on:Yesterday": [Days(date(2026, 11, 25), TODAY)],
    "older_than:3d": [Days(None, date(2026, 11, 23))],
    "newer_than:2weeks": [Days(date(2026, 11, 12), None)],
    "older_than:9m": [Days(None, date(2026, 2, 26))],
    "newer_than:1y": [Days(date(2025, 11, 26), None)],
    "newer_than:99999y": [Days(date(1900, 1, 26), None)],
    "larger:5M smaller:100k": [Octets(True, 5 << 20), Octets(False, 100 << 10)],
    "larger:1.5mb larger:700": [Octets(True, 3 << 19), Octets(True, 700)],
}


@pytest.mark.parametrize("query", UNDERSTOOD)
def test_it_understands_operators_words_and_brackets(query: str) -> None:
    assert nodes(query) == UNDERSTOOD[query]
    assert codes(query) == []


PLAIN = ['12"', "print()", ":)", "--force", "e-mail", "100%", "a_b", "it's", "C:\\x", "-->"]


@pytest.mark.parametrize("word", PLAIN)
def test_it_takes_signs_inside_words_as_they_are(word: str) -> None:
    assert nodes(f"{word} more") == [text(word), text("more")]


def test_it_takes_addresses_of_pages_as_words() -> None:
    assert nodes("https://example.test/a") == [text("https://example.test/a")]
    assert codes("https://example.test/a") == []


@pytest.mark.parametrize("quotes", ["“%s”", "„%s“", "„%s”", "”%s”"])
def test_it_takes_the_quotes_of_telephones(quotes: str) -> None:
    assert nodes(quotes % 'at "noon') == [text('at "noon')]


def test_it_takes_two_quotes_in_a_phrase_as_one() -> None:
    assert nodes('"say ""hi"" now" x') == [text('say "hi" now'), text("x")]


def test_it_leaves_out_a_hyphen_by_itself() -> None:
    assert nodes("lunch - noon") == [text("lunch"), text("noon")]
    assert nodes("subject:-") == [text("-", Where.SUBJECT)]


def test_a_bracket_closes_only_what_was_opened() -> None:
    assert nodes("(print() a) b)") == [Every((text("print()"), text("a"))), text("b)")]


REMARKS: dict[str, tuple[list[Node], list[str]]] = {
    '"at noon': ([text("at noon")], ["open-quote"]),
    "(a OR b": ([Some((text("a"), text("b")))], ["open-bracket"]),
    "a ()": ([text("a")], ["empty-bracket"]),
    "form:bob": ([text("form:bob")], ["unknown-operator"]),
    'form:"bob b"': ([text('form:"bob'), text('b"')], ["unknown-operator"]),
    "from:": ([], ["no-value"]),
    "from: is:read": ([READ], ["no-value"]),
    "-from: a": ([Not(text("a", Where.FROM))], []),
    "OR": ([text("OR")], ["odd-word"]),
    "OR a": ([text("OR"), text("a")], ["odd-word"]),
    "a OR": ([text("a"), text("OR")], ["odd-word"]),
    "a OR OR b": ([Some((text("a"), text("OR"))), text("b")], ["odd-word"]),
    "a NOT": ([text("a"), text("NOT")], ["odd-word"]),
    "AND a": ([text("AND"), text("a")], ["odd-word"]),
    "before:soon": ([text("before:soon")], ["odd-value"]),
    "before:2026-02-30": ([text("before:2026-02-30")], ["odd-value"]),
    "on:0000": ([text("on:0000")], ["odd-value"]),
    "on:9999-12-31": ([text("on:9999-12-31")], ["odd-value"]),
    "older_than:soon": ([text("older_than:soon")], ["odd-value"]),
    "is:blue": ([text("is:blue")], ["odd-value"]),
    "has:wings": ([text("has:wings")], ["odd-value"]),
    "larger:much": ([text("larger:much")], ["odd-value"]),
    "larger:٣": ([text("larger:٣")], ["odd-value"]),
}


@pytest.mark.parametrize("query", REMARKS)
def test_it_remarks_on_what_it_cannot_take_as_meant(query: str) -> None:
    assert (nodes(query), codes(query)) == REMARKS[query]


def test_it_says_which_operator_may_have_been_meant() -> None:
    (hint,) = parse("lunch form:bob", TODAY).hints
    assert "“from:”" in hint.text
    assert (hint.start, hint.end) == (6, 11)


def test_it_says_where_each_thing_stands() -> None:
    query = "a  -from:(b c) d OR e"
    places = [query[one.start : one.end] for one in parse(query, TODAY).factors]
    assert places == ["a", "-from:(b c)", "d OR e"]


def test_it_takes_so_many_things_and_no_more() -> None:
    query = parse(" ".join(f"w{n}" for n in range(3 * LEAVES_MAX)), TODAY)
    assert len(query.leaves()) == LEAVES_MAX
    assert [hint.code for hint in query.hints] == ["too-many"]


def test_it_says_once_that_it_is_too_much() -> None:
    query = parse(" OR ".join(f"(w{n} is:read)" for n in range(LEAVES_MAX)), TODAY)
    assert len(query.leaves()) == LEAVES_MAX
    assert [hint.code for hint in query.hints] == ["too-many"]


def test_it_takes_so_many_brackets_and_no_more() -> None:
    deep = DEPTH_MAX + 5
    query = parse("-(a " * deep + "b" + ")" * deep + " c", TODAY)
    assert {hint.code for hint in query.hints} == {"too-deep"}
    assert query.factors[-1].node == text("c")
    assert _depth(query.factors[0].node) <= 2 * DEPTH_MAX + 2


def _depth(node: Node) -> int:
    match node:
        case Not(one):
            return 1 + _depth(one)
        case Every(many) | Some(many):
            return 1 + max(map(_depth, many))
        case _:
            return 1


@pytest.mark.parametrize(
    "piece", ["(", ")", '"', "-", "NOT ", "OR ", "from:", "a OR ", "x:", "(a "]
)
def test_it_is_done_soon_with_a_million_characters(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    assert cost(lambda: parse(text, TODAY)) < 1
    query = parse(text, TODAY)
    assert "too-long" in [hint.code for hint in query.hints] or len(query.hints) == HINTS_MAX
    assert len(query.leaves()) <= LEAVES_MAX
    assert max((one.end for one in query.factors), default=0) <= LENGTH_MAX


PIECES = st.sampled_from(
    [
        *("a", "bob", "from:", "to:me", "is:unread", "is:", "label:x", "in:anywhere", "in:inbox"),
        *("on:2026-11", "before:2026", "older_than:2w", "larger:5M", "has:attachment", "x:y"),
        *("-", "(", ")", '"', '""', " ", " ", " ", " OR ", " AND ", " NOT ", "\0", "\x1e", "é"),
        *CURLY,
    ]
)
QUERIES = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60)


@given(QUERIES)
def test_it_tells_back_what_it_reads_as_the_same(query: str) -> None:
    asked = parse(query, TODAY)
    again = parse(write(asked), TODAY)
    assert [one.node for one in again.factors] == [one.node for one in asked.factors]
    assert again.hints == ()
