"""A message taken apart for signing: as it is on the wire."""

import pytest

from apps.mailauth import message
from apps.mailauth.message import HeaderTooLargeError, split

RAW = b"A: 1\r\nBcc: x\r\n y\r\nB:\r\n\t2\r\n\r\nbody\r\n\r\nA: no field\r\n"


def test_it_keeps_fields_as_they_stand() -> None:
    taken = split(RAW)
    assert [(f.name, f.raw, f.value) for f in taken.fields] == [
        (b"a", b"A: 1", b" 1"),
        (b"bcc", b"Bcc: x\r\n y", b" x\r\n y"),
        (b"b", b"B:\r\n\t2", b"\r\n\t2"),
    ]
    assert taken.body == b"body\r\n\r\nA: no field\r\n"


def test_it_sees_what_is_sent() -> None:
    start = RAW.index(b"Bcc")
    end = RAW.index(b"B:\r\n")
    taken = split(RAW, prefix=b"Received: by us\r\n", cuts=((start, end),))
    assert [f.name for f in taken.fields] == [b"received", b"a", b"b"]
    assert taken.body == split(RAW).body


def test_it_takes_cuts_anywhere() -> None:
    raw = b"A: 1\r\nB: 2\r\nC: 3\r\n\r\nbody"
    for cuts in (((0, 6),), ((12, 18),), ((0, 6), (6, 12)), ((0, 18),), ((20, 22),), ((6, 6),)):
        left = bytearray(raw)
        for start, end in reversed(cuts):
            del left[start:end]
        taken = split(raw, cuts=cuts)
        again = split(bytes(left))
        assert (taken.fields, taken.body) == (again.fields, again.body)


@pytest.mark.parametrize(
    ("raw", "names", "body"),
    [
        (b"", [], b""),
        (b"\r\nbody", [], b"body"),
        (b"A: 1", [b"a"], b""),
        (b"A: 1\r\n", [b"a"], b""),
        (b"A: 1\r\n\r\n", [b"a"], b""),
        (b"no field\r\nA: 1\r\n\r\nx", [b"a"], b"x"),
        (b" folded first\r\nA: 1\r\n\r\nx", [b"a"], b"x"),
        (b"A\t : 1\r\n\r\nx", [b"a"], b"x"),
        (b"A: 1\nB: 2\r\nC: 3\r\n\r\nx", [b"a", b"c"], b"x"),
        (b"A: \r\r\nB: 2\r\n\r\nx", [b"a", b"b"], b"x"),
        (b"\xff: 1\r\n: 2\r\nA: 1\r\n\r\nx", [b"a"], b"x"),
    ],
)
def test_it_takes_anything_apart(raw: bytes, names: list[bytes], body: bytes) -> None:
    taken = split(raw)
    assert [f.name for f in taken.fields] == names
    assert taken.body == body


def test_it_does_not_look_at_a_header_of_any_size() -> None:
    with pytest.raises(HeaderTooLargeError):
        split(b"A: 1\r\n" * (message.HEADER_MAX // 6 + 1) + b"\r\n")


def test_it_does_not_look_at_any_number_of_fields() -> None:
    most = b"A: 1\r\n" * message.FIELDS_MAX
    assert len(split(most + b"\r\nbody").fields) == message.FIELDS_MAX
    with pytest.raises(HeaderTooLargeError):
        split(most + b"B: 1\r\n\r\nbody")


def test_it_does_not_copy_the_body() -> None:
    body = split(b"A: 1\r\n\r\nbody", prefix=b"B: 2\r\n", cuts=((0, 6),)).body
    assert isinstance(body, memoryview)
    assert bytes(body) == b"body"


def test_a_cut_through_the_body_leaves_the_rest() -> None:
    assert split(b"A: 1\r\n\r\nbody", cuts=((9, 11),)).body == b"by"
