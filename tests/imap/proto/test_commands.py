"""Any octets are a command or a GrammarError: nothing else."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.imap.handlers.registry import COMMANDS, load
from apps.imap.proto.commands import Login, parse_login
from apps.imap.proto.scanner import GrammarError, LimitError, Scanner
from apps.imap.proto.search import CharsetError
from apps.wire.lines import Literal, RawCommand, Token

load()
PARSERS = sorted({row.parse for row in COMMANDS.values()}, key=lambda parse: parse.__name__)
WORDS = st.sampled_from(
    (
        b'( ) " * % : , 1 0 4294967296 INBOX \\Seen $x UID FLAGS +FLAGS.SILENT BODY[ ] <0.1> {5}'
        b" BODY.PEEK[1.MIME] HEADER.FIELDS NOT OR SUBJECT SINCE 1-Feb-2024 CHARSET UTF-8 \xff \t"
    ).split(b" ")
)
LINE = st.lists(WORDS | st.binary(max_size=6), max_size=12).map(b" ".join)
LITERAL = st.binary(max_size=20).map(Literal)


@st.composite
def commands(draw: st.DrawFn) -> RawCommand:
    tokens: list[Token] = [b" " + draw(LINE)]
    for _ in range(draw(st.integers(0, 2))):
        tokens += [draw(LITERAL), draw(LINE)]
    return RawCommand(tuple(tokens))


@settings(max_examples=400)
@given(commands(), st.sampled_from(PARSERS))
def test_it_raises_nothing_but_grammar_errors(raw: RawCommand, parse: object) -> None:
    with contextlib.suppress(GrammarError, LimitError, CharsetError):
        parse(Scanner(raw))  # type: ignore[operator]


def test_it_never_shows_a_password() -> None:
    command = parse_login(Scanner(RawCommand((b' alice "hunter2"',))))
    assert command == Login(b"alice", b"hunter2")
    assert "hunter2" not in repr(command)
