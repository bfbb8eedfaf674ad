"""Command framing: whole, byte by byte, hostile."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.wire.limits import AFTER_LOGIN, BEFORE_LOGIN, BufferLimits
from apps.wire.lines import (
    BadLine,
    CommandBuffer,
    Event,
    Literal,
    LiteralTooLarge,
    NeedContinuation,
    RawCommand,
)

APPENDING = BufferLimits(
    line=1_000,
    literal=100,
    command=150,
    large_verbs=frozenset({b"APPEND", b"REPLACE"}),
    large_literal=10_000,
    large_command=15_000,
    large_line=3_000,
)
PASSING = replace(APPENDING, passed_over=1_000_000)


def run(
    pieces: Iterable[bytes], limits: BufferLimits = BEFORE_LOGIN, *, accept: bool = True
) -> list[Event]:
    """Feed pieces, answer every continuation the same way, return all events."""
    buffer = CommandBuffer(limits)
    events: list[Event] = []
    for piece in pieces:
        buffer.feed(piece)
        while (event := buffer.next_event()) is not None:
            events.append(event)
            if isinstance(event, NeedContinuation):
                (buffer.accept_literal if accept else buffer.refuse_literal)()
    return events


def whole_at_once(data: bytes) -> Iterable[bytes]:
    return [data]


def bytewise(data: bytes) -> Iterable[bytes]:
    return (data[n : n + 1] for n in range(len(data)))


def commands(events: list[Event]) -> list[tuple[bytes | Literal, ...]]:
    return [event.tokens for event in events if isinstance(event, RawCommand)]


DIALOGUES = [
    (b"a NOOP\r\n", [(b"a NOOP",)]),
    (b"a NOOP\nb NOOP\r\n", [(b"a NOOP",), (b"b NOOP",)]),
    (b"\r\n", [(b"",)]),
    (
        b"a LOGIN {3}\r\nbob {4+}\r\npass\r\n",
        [(b"a LOGIN ", Literal(b"bob"), b" ", Literal(b"pass", non_sync=True), b"")],
    ),
    (
        b"a LOGIN {0}\r\n {0+}\r\n\r\n",
        [(b"a LOGIN ", Literal(b""), b" ", Literal(b"", non_sync=True), b"")],
    ),
    (b"a APPEND x ~{3}\r\n\0\r\n\r\n", [(b"a APPEND x ", Literal(b"\0\r\n", binary=True), b"")]),
    (b"a X {7}\r\n{3}\r\n\r\n)\r\n", [(b"a X ", Literal(b"{3}\r\n\r\n"), b")")]),
    (b'a X "{3}"\r\nb NOOP\r\n', [(b'a X "{3}"',), (b"b NOOP",)]),
]


@pytest.mark.parametrize(("data", "expected"), DIALOGUES)
def test_it_cuts_commands(data: bytes, expected: list[tuple[bytes | Literal, ...]]) -> None:
    assert commands(run([data])) == expected


@pytest.mark.parametrize(("data", "expected"), DIALOGUES)
def test_it_cuts_commands_fed_byte_by_byte(
    data: bytes, expected: list[tuple[bytes | Literal, ...]]
) -> None:
    assert commands(run(bytewise(data))) == expected


def test_it_asks_once_for_a_synchronising_literal() -> None:
    buffer = CommandBuffer(BEFORE_LOGIN)
    buffer.feed(b"a1 LOGIN {3}\r\n")
    assert buffer.next_event() == NeedContinuation(3, b"a1", (b"a1 LOGIN ",))
    assert buffer.next_event() is None
    buffer.feed(b"bob")
    assert buffer.next_event() is None, "the caller has not answered yet"
    buffer.accept_literal()
    buffer.feed(b" x\r\n")
    assert buffer.next_event() == RawCommand((b"a1 LOGIN ", Literal(b"bob"), b" x"))
    assert buffer.is_idle


def test_it_reads_on_after_a_refused_literal() -> None:
    events = run([b"a LOGIN {3}\r\nb NOOP\r\n"], accept=False)
    assert isinstance(events[0], NeedContinuation)
    assert events[1:] == [RawCommand((b"b NOOP",))]


@pytest.mark.parametrize(
    "size",
    [
        "",
        "-1",
        "+1",
        " 1",
        "1 ",
        "0x1",
        "1.0",
        "٣",
        "18446744073709551617",
        "9223372036854775808",
        "9" * 50,
    ],
)
def test_it_takes_only_numbers_for_a_size(size: str) -> None:
    events = run([f"a X {{{size}}}\r\nb NOOP\r\n".encode()])
    assert events == [BadLine(b"a", "invalid literal size"), RawCommand((b"b NOOP",))]


def test_it_loses_step_with_a_client_that_sends_a_literal_of_no_size() -> None:
    events = run([b"a X {18446744073709551617+}\r\nb DELETE INBOX\r\n"])
    assert events == [BadLine(b"a", "invalid literal size", fatal=True)]


@pytest.mark.parametrize("size", [8_193, 10_000_000, 2_000_000_000, 2**63 - 1])
def test_it_refuses_a_stranger_a_large_literal_and_lives_on(size: int) -> None:
    events = run([b"a LOGIN {%d}\r\nb NOOP\r\n" % size])
    assert events == [LiteralTooLarge(b"a", size, fatal=False), RawCommand((b"b NOOP",))]


def test_it_closes_on_a_large_literal_that_is_already_coming() -> None:
    buffer = CommandBuffer(BEFORE_LOGIN)
    buffer.feed(b"a LOGIN {16777216+}\r\n")
    assert buffer.next_event() == LiteralTooLarge(b"a", 16_777_216, fatal=True)
    for _ in range(256):
        buffer.feed(b"\n" * 65_536)
        assert buffer.next_event() is None
        assert buffer.buffered == 0
    assert buffer.is_closed


def test_it_adds_up_the_literals_of_a_command() -> None:
    data = b"a X {8000}\r\n" + b"x" * 8_000 + b" {193}\r\nb NOOP\r\n"
    *_, refused, following = run([data])
    assert refused == LiteralTooLarge(b"a", 193, fatal=False)
    assert following == RawCommand((b"b NOOP",))


def test_it_lets_only_large_verbs_send_large_literals() -> None:
    assert run([b"a append x {10000}\r\n"], APPENDING) == [
        NeedContinuation(10_000, b"a", (b"a append x ",))
    ]
    assert run([b"a APPEND x {10001}\r\n"], APPENDING) == [
        LiteralTooLarge(b"a", 10_001, fatal=False)
    ]
    assert run([b"a SEARCH x {101}\r\n"], APPENDING) == [LiteralTooLarge(b"a", 101, fatal=False)]
    assert run([b"APPEND SEARCH {101}\r\n"], APPENDING) == [
        LiteralTooLarge(b"APPEND", 101, fatal=False)
    ]


def test_it_finds_the_verb_where_there_are_no_tags() -> None:
    limits = BufferLimits(
        large_verbs=frozenset({b"PUTSCRIPT"}),
        large_literal=50_000,
        large_command=50_000,
        verb_index=0,
    )
    (event,) = run([b'PUTSCRIPT "x" {50000+}\r\n' + b"y" * 50_000 + b"\r\n"], limits)
    assert isinstance(event, RawCommand)
    assert event.tokens[1] == Literal(b"y" * 50_000, non_sync=True)


def test_it_caps_non_synchronising_literals_alone() -> None:
    limits = BufferLimits(non_sync=10)
    assert run([b"a X {11+}\r\n"], limits) == [LiteralTooLarge(b"a", 11, fatal=True)]
    assert run([b"a X {11}\r\n"], limits) == [NeedContinuation(11, b"a", (b"a X ",))]


@pytest.mark.parametrize("cut", [whole_at_once, bytewise])
def test_it_asks_before_it_takes_a_large_literal_that_comes_unasked(
    cut: Callable[[bytes], Iterable[bytes]],
) -> None:
    limits = replace(APPENDING, ask_above=5)
    small, large = b"a APPEND x {5+}\r\nhello\r\n", b"b APPEND x {6+}\r\nhello!\r\nc NOOP\r\n"
    asked = NeedContinuation(6, b"b", (b"b APPEND x ",), non_sync=True)
    events = run(cut(small + large), limits)
    assert events[1] == asked
    assert [event.tag for event in events if isinstance(event, RawCommand)] == [b"a", b"b", b"c"]
    assert run(cut(large), limits, accept=False) == [asked]  # nothing behind it is a command


def test_it_asks_for_what_the_literals_of_a_command_take_together() -> None:
    limits = replace(APPENDING, ask_above=10)
    events = run([b"a APPEND x {6+}\r\nhello! {5+}\r\nworld\r\n"], limits)
    assert events[0] == NeedContinuation(
        5,
        b"a",
        (b"a APPEND x ", Literal(b"hello!", non_sync=True), b" "),
        non_sync=True,
        held=6,
    )
    assert commands(events)[0][3] == Literal(b"world", non_sync=True)


def test_it_bounds_the_messages_of_one_command_together() -> None:
    message = b" {9000+}\r\n" + b"x" * 9_000
    first, second = run([b"a APPEND x" + message * 3 + b"\r\nb NOOP\r\n"], PASSING)
    assert first == LiteralTooLarge(b"a", 9_000, fatal=False)
    assert second == RawCommand((b"b NOOP",))


@pytest.mark.parametrize("verb", [b"REPLACE 1", b"UID REPLACE 7", b"uid replace 7"])
def test_it_knows_the_verb_of_a_uid_command(verb: bytes) -> None:
    (event,) = run([b"a " + verb + b" x {10000}\r\n"], APPENDING)
    assert isinstance(event, NeedContinuation)
    assert run([b"a UID SEARCH x {101}\r\n"], APPENDING) == [
        LiteralTooLarge(b"a", 101, fatal=False)
    ]


def test_it_gives_a_command_with_many_messages_more_line_text() -> None:
    message = b" {1+}\r\nx"
    (event,) = run([b"a APPEND x" + message * 300 + b"\r\n"], APPENDING)
    assert isinstance(event, RawCommand)
    assert run([b"a APPEND x" + message * 600 + b"\r\n"], APPENDING)[0] == BadLine(
        b"a", "line too long", fatal=True
    )
    assert run([b"a SEARCH x" + message * 150 + b"\r\n"], APPENDING)[0] == BadLine(
        b"a", "line too long", fatal=True
    )


# -- what is refused and comes all the same -------------------------------------------------------

REFUSED = [
    b"a APPEND x {500000+}\r\n" + b"y" * 500_000 + b"\r\n",
    # The rest of the command goes with it, further literals too.
    b"a APPEND x {20000+}\r\n" + b"\n" * 20_000 + b" {10+}\r\n0123456789 ~{3+}\r\n\r\n\0 )\r\n",
    # A client that would wait for a + has its answer already.
    b"a APPEND x {20000+}\r\n" + b"{" * 20_000 + b" (\\Seen) {30}\r\n",
    b"a SEARCH BODY {101+}\r\n" + b"\0" * 101 + b"\r\n",
]


@pytest.mark.parametrize("refused", REFUSED)
def test_it_passes_over_a_refused_literal_that_comes_unasked(refused: bytes) -> None:
    for size in (1_000, 4_096, len(refused)):
        pieces = [refused[n : n + size] for n in range(0, len(refused), size)]
        first, second = run([*pieces, b"b NOOP\r\n"], PASSING)
        assert isinstance(first, LiteralTooLarge)
        assert (first.tag, first.fatal) == (b"a", False)
        assert second == RawCommand((b"b NOOP",))


def test_it_holds_nothing_of_what_it_passes_over() -> None:
    buffer = CommandBuffer(replace(PASSING, passed_over=2**32 - 1))
    buffer.feed(b"a APPEND x {268435456+}\r\n")
    assert isinstance(buffer.next_event(), LiteralTooLarge)
    piece = b"a NOOP\r\n" * 131_072
    for _ in range(256):
        buffer.feed(piece)
        assert buffer.next_event() is None
        assert buffer.buffered == 0
        assert not buffer.is_idle
    buffer.feed(b"\r\nb NOOP\r\n")
    assert buffer.next_event() == RawCommand((b"b NOOP",))
    assert buffer.is_idle


@pytest.mark.parametrize("size", [b"1000001", b"99999999999999999999"])
def test_it_closes_where_there_is_too_much_to_pass_over(size: bytes) -> None:
    begun = b"a APPEND x {20000+}\r\n" + b"y" * 20_000
    events = run([begun + b" {" + size + b"+}\r\nb DELETE x\r\n"], PASSING)
    assert events[1:] == [BadLine(b"", "too much to pass over", fatal=True)]
    (event,) = run([b"a APPEND x {1000001+}\r\nb DELETE x\r\n"], PASSING)
    assert event == LiteralTooLarge(b"a", 1_000_001, fatal=True)


def test_it_cuts_a_refused_command_whose_line_never_ends() -> None:
    begun = b"a APPEND x {20000+}\r\n" + b"y" * 20_000
    events = run([begun, *[b"z" * 1_000] * 5], PASSING)
    assert events[1:] == [BadLine(b"", "line too long", fatal=True)]


def test_it_passes_over_a_literal_that_there_is_no_room_for() -> None:
    limits = replace(PASSING, ask_above=5)
    events = run([b"a APPEND x {6+}\r\nhello!\r\nb NOOP\r\n"], limits, accept=False)
    assert events[1:] == [RawCommand((b"b NOOP",))]


def test_it_gives_back_what_it_has_not_read() -> None:
    buffer = CommandBuffer(BEFORE_LOGIN)
    buffer.feed(b"a COMPRESS DEFLATE\r\n\x0b\0\r\n")
    assert buffer.next_event() == RawCommand((b"a COMPRESS DEFLATE",))
    assert buffer.take_rest() == b"\x0b\0\r\n"
    assert buffer.is_idle


@pytest.mark.parametrize("line", [b"a x\0y\r\n", b"a x\ry\r\n", b"a {3\0}\r\n"])
def test_it_refuses_a_line_with_nul_or_bare_cr(line: bytes) -> None:
    first, second = run([line + b"b NOOP\r\n"])
    assert first == BadLine(b"a", "NUL or bare CR in line")
    assert second == RawCommand((b"b NOOP",))


@pytest.mark.parametrize("filler", [b"x", b'"', b"(", b" ", b"a{1"])
def test_it_cuts_an_endless_line(filler: bytes) -> None:
    buffer = CommandBuffer(AFTER_LOGIN)
    events: list[Event] = []
    for _ in range(2_000):
        buffer.feed(filler * 1_000)
        if (event := buffer.next_event()) is not None:
            events.append(event)
        assert buffer.buffered <= AFTER_LOGIN.line + 1_000 * len(filler)
    assert [(event.__class__, event.fatal) for event in events if isinstance(event, BadLine)] == [
        (BadLine, True)
    ]


def test_it_counts_the_line_text_of_a_whole_command() -> None:
    piece = b"x" * 90 + b"{0+}\r\n"
    events = run([b"a X " + piece * 100])
    assert events == [BadLine(b"a", "line too long", fatal=True)]


def test_it_drops_what_came_before_the_handshake() -> None:
    buffer = CommandBuffer(BEFORE_LOGIN)
    buffer.feed(b"a STARTTLS\r\nb LOGIN x y\r\nc {3}\r\n")
    assert buffer.next_event() == RawCommand((b"a STARTTLS",))
    assert buffer.clear() == 20
    assert buffer.next_event() is None
    buffer.feed(b"d NOOP\r\n")
    assert buffer.next_event() == RawCommand((b"d NOOP",))


def test_it_takes_new_limits_between_commands() -> None:
    buffer = CommandBuffer(BEFORE_LOGIN)
    buffer.feed(b"a X {9000}\r\n")
    assert isinstance(buffer.next_event(), LiteralTooLarge)
    buffer.limits = AFTER_LOGIN
    buffer.feed(b"b X {9000}\r\n")
    assert isinstance(buffer.next_event(), NeedContinuation)


@pytest.mark.parametrize(
    ("line", "tag"),
    [
        (b"a1 NOOP", b"a1"),
        (b"A.1-x NOOP", b"A.1-x"),
        (b"* NOOP", b""),
        (b"", b""),
        (b"a+ X", b""),
        (b"(x", b""),
    ],
)
def test_it_finds_the_tag(line: bytes, tag: bytes) -> None:
    assert RawCommand((line,)).tag == tag


def test_it_never_looks_twice_for_a_line_end() -> None:
    buffer = CommandBuffer(BufferLimits(line=200_000, literal=100_000, command=100_000))
    for count in range(1, 100_001):
        buffer.feed(b"x")
        assert buffer.next_event() is None
        assert buffer._scan == count
    buffer.feed(b" {100000+}\r\n")
    for _ in range(100_000):
        assert buffer.next_event() is None
        buffer.feed(b"y")
    buffer.feed(b"\r\n")
    assert buffer.next_event() == RawCommand(
        (b"x" * 100_000 + b" ", Literal(b"y" * 100_000, non_sync=True), b"")
    )


def test_it_cuts_many_small_commands_from_one_piece() -> None:
    assert len(run([b"\n" * 50_000])) == 50_000


FRAGMENTS = st.sampled_from(
    [
        b"a ",
        b"\r\n",
        b"\n",
        b"\r",
        b"{3}",
        b"{3+}",
        b"~{2+}",
        b"{99999}",
        b"{9999+}",
        b"\0",
        b"abc",
        b'"',
        b"}",
    ]
)


@given(st.lists(FRAGMENTS | st.binary(max_size=6), max_size=40), st.data())
def test_it_does_not_care_how_octets_are_cut(fragments: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(fragments)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert run(pieces) == run([stream]) == run(bytewise(stream))
    passing = replace(BEFORE_LOGIN, literal=2, passed_over=10)
    assert run(pieces, passing) == run([stream], passing) == run(bytewise(stream), passing)
