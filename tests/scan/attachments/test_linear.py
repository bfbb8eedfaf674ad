"""Readers that look for patterns in text take time in proportion to it, whatever it says."""

import pytest

from apps.scan.attachments.budget import Budget, TooMuch
from apps.scan.attachments.openers.table import OPENERS
from tests.support.cost import cost

SIZE = 200_000
BAITS = (
    *(b"A" * 90 + b" ", b"A" * 41 + b" '", b"A" * 39 + b" ", b"data:a/b,", b"1,2 , 3,", b"1, "),
    *(b"1," * 59 + b"x", b"download='", b"\\objdata ", b"\\objdata{", b"\\objdata 01 {"),
    *(b"{\\*a}{", b"stream ", b" obj stream\n", b"obj<<#41#42 stream\nendstream", b"''+"),
)


@pytest.mark.parametrize("kind", ["html", "rtf", "pdf"])
@pytest.mark.parametrize("bait", BAITS, ids=lambda bait: bait[:12].decode())
def test_it_is_linear(kind: str, bait: bytes) -> None:
    data = bait * (SIZE // len(bait))

    def read() -> None:
        try:
            for _ in OPENERS[kind](data, Budget(len(data) * 1_000)):
                pass
        except TooMuch:
            pass

    assert cost(read, tries=5, enough=0.5) < 0.5
