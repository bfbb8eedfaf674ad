"""Scanning a message says what its search text says: what an index of it would answer."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from apps.imap.proto.search import HeaderHas, TextHas
from apps.imap.search.terms import asking
from apps.imap.search.texts import EXACT, Needle, _Message
from apps.mime.derive import derive
from apps.mime.searchtext import SearchText, search_text
from apps.mime.sections import load_parts
from apps.search.base import Term

WORDS = st.sampled_from(
    [
        *["Hello", "Grüße", "uber", "ÜBER", "東京", "100%", "a_b", '"q"', "x:", "re:", "one  two"],
        *["=?utf-8?q?caf=C3=A9?=", "=?iso-8859-1?q?Gr=FC=DFe?=", "<a@b.example>", "(note)", "\x1f"],
        *["a@xn--bcher-kva.example", "\r\n folded", "\r\n\tfolded", ",", "O'Brien", "\\", "\x00"],
    ]
)
TEXTS = st.lists(WORDS, max_size=5).map(" ".join)
FIELDS = st.lists(
    st.tuples(st.sampled_from(["Subject", "From", "To", "X-Tag", "Reply-To"]), TEXTS), max_size=4
)
HEAD = b"Return-Path: <ada@client.example>\r\n"


@dataclass
class Kept:
    """A message beside its row."""

    head: bytes
    raw: bytes

    def part(self, start: int, end: int) -> bytes:
        return (self.head + self.raw)[start:end]


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    header = "".join(f"{name}: {value}\r\n" for name, value in draw(FIELDS))
    kind = draw(st.sampled_from(["plain", "html", "attached"]))
    body = draw(TEXTS)
    if kind == "html":
        header += "Content-Type: text/html; charset=utf-8\r\n"
        body = f"<p title='{body}'>{body}</p>"
    elif kind == "attached":
        header += 'Content-Type: multipart/mixed; boundary="b"\r\n'
        body = f'--b\r\n\r\n{body}\r\n--b\r\nContent-Type: image/png; name="cat 100%.png"\r\n\r\nx'
    return f"{header}\r\n{body}\r\n".encode()


NEEDLES = st.one_of(
    TEXTS,
    st.sampled_from(
        ["", "l", "ub", "gru", "GRÜ", "note", "x-tag: ", "tag:", "subject: hello", "cat"]
    ),
    st.sampled_from(
        ["o t", " ", "京", "client.example", "bücher", "p", "two folded", "a@b", "\u0301"]
    ),
)


@given(messages(), NEEDLES, st.sampled_from([b"SUBJECT", b"FROM", b"X-TAG", b"REPLY-TO", b"TO"]))
def test_it_says_what_the_search_text_says(raw: bytes, wanted: str, name: bytes) -> None:
    made = derive(raw)
    row = (1, HEAD, raw[: made.header_size], 1, 1, made.parts)
    root, header = load_parts(made.parts), HEAD + raw[: made.header_size]
    text = search_text(header, root, lambda start, end: raw[start:end])
    for leaf in (HeaderHas(name, wanted), TextHas(wanted, False), TextHas(wanted, True)):
        message = _Message(row, Kept(HEAD, raw))  # type: ignore[arg-type]
        score = message.score(leaf, Needle(leaf))
        assert score in {0, EXACT}
        question = asking(leaf)
        if question is None:
            assert score == EXACT
        elif question.is_exact:
            assert bool(score) is has(text, question.terms[0])
        else:  # candidates, of which all that match are some; and who has enough matches
            found = sum(has(text, term) for term in question.terms)
            assert not score or found >= question.least
            if question.enough is not None and has(text, question.enough):
                assert score


@given(messages(), TEXTS)
def test_its_candidates_are_all_that_match_roughly(raw: bytes, wanted: str) -> None:
    made = derive(raw)
    row = (1, HEAD, raw[: made.header_size], 1, 1, made.parts)
    text = search_text(
        HEAD + raw[: made.header_size], load_parts(made.parts), lambda s, e: raw[s:e]
    )
    for leaf in (HeaderHas(b"SUBJECT", wanted, True), TextHas(wanted, True, True)):
        message = _Message(row, Kept(HEAD, raw))  # type: ignore[arg-type]
        question = asking(leaf)
        if message.score(leaf, Needle(leaf)) and question is not None:
            assert sum(has(text, term) for term in question.terms) >= question.least


def has(text: SearchText, term: Term) -> bool:
    return any(term.text in getattr(text, field.value) for field in term.fields)
