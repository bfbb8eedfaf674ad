"""The receiver: one reading of where lines and messages end, however the octets are cut."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.smtp.proto.limits import Limits
from apps.smtp.proto.receiver import (
    BadLine,
    Chunk,
    Event,
    Fault,
    Line,
    Message,
    Receiver,
    TlsHello,
)
from tests.smtp.smuggling import LOOK_ALIKES, has_bare_newline

SMALL = Limits(message=1_000, command_line=100, skipped_line=1_000)
END = b"\r\n.\r\n"


def pieces(data: bytes, how: str) -> list[bytes]:
    if how == "whole":
        return [data]
    if how == "octets":
        return [data[n : n + 1] for n in range(len(data))]
    dice = random.Random(how)
    cut = []
    while data:
        size = dice.randint(1, 7)
        cut.append(data[:size])
        data = data[size:]
    return cut


CUTS = pytest.mark.parametrize("how", ["whole", "octets", "random 1", "random 2"])


def run(data: bytes, how: str = "whole", limits: Limits = SMALL) -> list[Event]:
    """Feed `data` to a receiver that goes into DATA at DATA and into BDAT at BDAT."""
    receiver = Receiver(limits)
    events: list[Event] = []
    for piece in pieces(data, how):
        receiver.feed(piece)
        while (event := receiver.next_event()) is not None:
            events.append(event)
            if event == Line(b"DATA"):
                receiver.begin_data()
            elif isinstance(event, Line) and event.raw.startswith(b"BDAT "):
                words = event.raw.split()
                receiver.begin_chunk(int(words[1]), last=len(words) == 3)
    return events


@CUTS
def test_it_cuts_commands_and_text(how: str) -> None:
    assert run(b"MAIL\r\nDATA\r\nA: b\r\n\r\nhi" + END + b"QUIT\r\n", how) == [
        Line(b"MAIL"),
        Line(b"DATA"),
        Message(b"A: b\r\n\r\nhi\r\n"),
        Line(b"QUIT"),
    ]


@CUTS
def test_it_takes_an_empty_message(how: str) -> None:
    assert run(b"DATA\r\n.\r\nQUIT\r\n", how) == [Line(b"DATA"), Message(b""), Line(b"QUIT")]


@CUTS
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"..", b"."),
        (b".a\r\n..b\r\n...\r\nc", b"a\r\n.b\r\n..\r\nc"),
        (b"a\r\n.\t\r\nb", b"a\r\n\t\r\nb"),
        (b"a.\r\n b. .", b"a.\r\n b. ."),
    ],
)
def test_it_removes_one_stuffed_dot_from_each_line(how: str, sent: bytes, kept: bytes) -> None:
    assert run(b"DATA\r\n" + sent + END, how)[1] == Message(kept + b"\r\n")


@pytest.mark.parametrize("size", [1_024, 4_096, 8_192, 65_536, 131_072])
def test_it_keeps_lines_of_dots_at_the_borders_of_buffers(size: int) -> None:
    limits = Limits()
    for offset in (-3, -2, -1, 0, 1):
        body = b"x" * (size + offset) + b"\r\n.\r\n..\r\n" + b"." * 5_000 + b"\r\nend\r\n"
        stuffed = body.replace(b"\r\n.", b"\r\n..")
        receiver = Receiver(limits)
        receiver.begin_data()
        whole = stuffed + b".\r\n"
        for at in range(0, len(whole), size):
            receiver.feed(whole[at : at + size])
        assert receiver.next_event() == Message(body)


@CUTS
@pytest.mark.parametrize("mark", LOOK_ALIKES)
def test_it_never_ends_a_message_at_a_look_alike(how: str, mark: bytes) -> None:
    smuggled = b"MAIL FROM:<evil@x.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\nsmuggled"
    events = run(b"DATA\r\na: b\r\n\r\nhi" + mark + smuggled + END + b"QUIT\r\n", how)
    assert [type(event) for event in events] == [Line, Message, Line]
    message = events[1]
    assert isinstance(message, Message)
    if has_bare_newline(mark):
        assert message == Message(b"", Fault.BARE_NEWLINE)
    else:
        assert b"smuggled" in message.raw
    assert events[2] == Line(b"QUIT")


@CUTS
def test_it_takes_chunks_by_count_whatever_is_in_them(how: str) -> None:
    assert run(b"BDAT 6\r\n.\r\nabcBDAT 9 LAST\r\nd\r\n.\r\ne\r\nQUIT\r\n", how) == [
        Line(b"BDAT 6"),
        Chunk(None),
        Line(b"BDAT 9 LAST"),
        Message(b".\r\nabcd\r\n.\r\ne\r\n"),
        Line(b"QUIT"),
    ]


@CUTS
def test_it_takes_an_empty_last_chunk(how: str) -> None:
    assert run(b"BDAT 3\r\na\r\nBDAT 0 LAST\r\nNOOP\r\n", how) == [
        Line(b"BDAT 3"),
        Chunk(None),
        Line(b"BDAT 0 LAST"),
        Message(b"a\r\n"),
        Line(b"NOOP"),
    ]


@CUTS
def test_it_reads_a_message_that_is_too_big_to_its_end(how: str) -> None:
    events = run(b"DATA\r\n" + b"a" * 5_000 + END + b"NOOP\r\n", how)
    assert events == [Line(b"DATA"), Message(b"", Fault.TOO_BIG), Line(b"NOOP")]


@CUTS
def test_it_counts_the_size_without_stuffed_dots(how: str) -> None:
    fits = b"..\r\n" * 333  # 999 octets without the stuffing
    assert run(b"DATA\r\n" + fits + b".\r\n", how)[1] == Message(b".\r\n" * 333)
    assert run(b"DATA\r\n" + fits + b"..\r\n.\r\n", how)[1] == Message(b"", Fault.TOO_BIG)


@CUTS
def test_it_reads_chunks_that_are_too_big_to_their_end(how: str) -> None:
    data = b"BDAT 600\r\n" + b"a" * 600 + b"BDAT 600 LAST\r\n" + b"b" * 600 + b"NOOP\r\n"
    events = run(data, how)
    assert events[1] == Chunk(None)
    assert events[3:] == [Message(b"", Fault.TOO_BIG), Line(b"NOOP")]


def test_it_keeps_memory_flat_while_a_message_is_too_big() -> None:
    receiver = Receiver(SMALL)
    receiver.begin_data()
    for _ in range(200):
        receiver.feed(b"x" * 65_536)
        assert receiver.next_event() is None
        assert receiver.held < 70_000
    receiver.feed(END)
    assert receiver.next_event() == Message(b"", Fault.TOO_BIG)


@CUTS
@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (b"NOOP\n", Fault.BARE_NEWLINE),
        (b"NO\rOP\r\n", Fault.BARE_NEWLINE),
        (b"NOOP\r\r\n", Fault.BARE_NEWLINE),
        (b"NO\0OP\r\n", Fault.NUL),
        (b"N" * 99 + b"\r\n", Fault.TOO_BIG),
    ],
)
def test_it_refuses_bad_lines_and_goes_on(how: str, sent: bytes, fault: Fault) -> None:
    assert run(sent + b"NOOP\r\n", how) == [BadLine(fault), Line(b"NOOP")]


def test_it_takes_the_longest_line() -> None:
    assert run(b"N" * 98 + b"\r\n") == [Line(b"N" * 98)]


@CUTS
def test_it_gives_up_on_a_line_without_end(how: str) -> None:
    assert run(b"N" * 2_000, how) == [BadLine(Fault.TOO_BIG, fatal=True)]


def test_it_holds_no_endless_line() -> None:
    receiver = Receiver(SMALL)
    events = []
    for _ in range(1_000):
        receiver.feed(b"y" * 16_384)
        if (event := receiver.next_event()) is not None:
            events.append(event)
        assert receiver.buffered <= 16_384
    assert events == [BadLine(Fault.TOO_BIG, fatal=True)]


@CUTS
def test_it_knows_a_tls_client(how: str) -> None:
    assert run(b"\x16\x03\x01\x02\x00\x01\n\r\nNOOP\r\n", how) == [TlsHello()]


def test_it_drops_what_came_before_tls() -> None:
    receiver = Receiver(SMALL)
    receiver.feed(b"STARTTLS\r\nRSET\r\nNOO")
    assert receiver.next_event() == Line(b"STARTTLS")
    assert receiver.clear() == 9
    receiver.feed(b"EHLO a\r\n")
    assert receiver.next_event() == Line(b"EHLO a")


def test_it_sees_which_command_is_next() -> None:
    receiver = Receiver(SMALL)
    receiver.feed(b"NOOP\r\nrcpt TO:<a@b>\r\nRCPT TO")
    assert not receiver.next_is(b"RCPT ")
    receiver.next_event()
    assert receiver.next_is(b"RCPT ")
    receiver.next_event()
    assert not receiver.next_is(b"RCPT ")  # not whole yet


@CUTS
@pytest.mark.parametrize("text", [b"a\rb\r\n", b"a\nb\r\n", b"a\r", b"\n", b"a\r\n\rb", b"a\r\r\n"])
def test_it_finds_bare_newlines_in_chunks(how: str, text: bytes) -> None:
    events = run(b"BDAT %d LAST\r\n" % len(text) + text + b"NOOP\r\n", how)
    assert events[1:] == [Message(b"", Fault.BARE_NEWLINE), Line(b"NOOP")]


@CUTS
def test_it_finds_them_between_chunks(how: str) -> None:
    assert run(b"BDAT 2\r\na\rBDAT 2 LAST\r\n\nb", how)[1:] == [
        Chunk(None),
        Line(b"BDAT 2 LAST"),
        Message(b"a\r\nb"),
    ]
    assert run(b"BDAT 2\r\na\rBDAT 1 LAST\r\nb", how)[3:] == [Message(b"", Fault.BARE_NEWLINE)]


def test_it_forgets_text_it_has_no_memory_for() -> None:
    receiver = Receiver(Limits())
    receiver.begin_data()
    receiver.feed(b"x" * 100_000 + b"\r\n.")
    assert receiver.next_event() is None
    receiver.refuse_text(Fault.NO_MEMORY)
    assert receiver.held == 4
    receiver.feed(b"\r\nNOOP\r\n")
    assert receiver.next_event() == Message(b"", Fault.NO_MEMORY)
    assert receiver.next_event() == Line(b"NOOP")


ALPHABET = st.lists(
    st.sampled_from(
        [
            *(b"\r\n", b".", b"\r", b"\n", b"\0", b"DATA\r\n", b"BDAT 5\r\n", b"BDAT 3 LAST\r\n"),
            *(END, b"RCPT ", b"\x16\x03", b"y" * 101, b"x"),
        ]
    ),
    max_size=40,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(data=ALPHABET, cut=st.integers(1, 9))
def test_it_reads_the_same_however_the_octets_are_cut(data: bytes, cut: int) -> None:
    def outline(how: str) -> list[Event]:
        # Of two faults in one text, which is seen first may depend on the cuts.
        events = run(data, how)
        return [
            Message(b"", Fault.TOO_BIG) if isinstance(event, Message) and event.fault else event
            for event in events
        ]

    assert outline("octets") == outline(f"cut {cut}") == outline("whole")


@settings(max_examples=200, deadline=None)
@given(body=ALPHABET)
def test_it_gives_back_what_an_honest_client_stuffed(body: bytes) -> None:
    body = body.replace(b"\r\n", b"\n").replace(b"\r", b"").replace(b"\n", b"\r\n") + b"\r\n"
    stuffed = (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:]
    assert run(b"DATA\r\n" + stuffed + b".\r\n", "whole", Limits())[1:] == [Message(body)]
