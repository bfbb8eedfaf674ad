"""How a message was put together is found again from its header and size, or not at all: never
otherwise than it was shown."""

from hypothesis import given
from hypothesis import strategies as st

from apps.mailstore.fsck import recipe
from apps.mailstore.fsck.recipe import Recipe
from apps.mime.headers import scan

NAMES = st.sampled_from([b"From", b"To", b"Bcc", b"Subject", b"Received", b"X-A"])
VALUES = st.sampled_from([b" a", b" b", b" long\r\n\tfolded", b"", b" caf\xc3\xa9"])
FIELDS = st.lists(st.builds(lambda name, value: name + b":" + value + b"\r\n", NAMES, VALUES))
BODIES = st.sampled_from([b"", b"Words.\r\n", b"From: no field\r\n\r\nmore"])


@st.composite
def letters(draw: st.DrawFn) -> tuple[bytes, Recipe]:
    """Received bytes, and what of them is shown behind which prefix."""
    fields = draw(FIELDS)
    raw = b"".join(fields) + b"\r\n" + draw(BODIES)
    cuts: list[tuple[int, int]] = []
    at = 0
    for one in fields:
        if draw(st.booleans()):
            cuts.append((at, at + len(one)))
        at += len(one)
    return raw, Recipe(b"".join(draw(FIELDS)), tuple(cuts))


def header_of(shown: bytes) -> bytes:
    return shown[: scan(shown).body_start]


@given(letters(), st.binary(max_size=40))
def test_it_finds_a_lost_prefix(letter: tuple[bytes, Recipe], instead: bytes) -> None:
    raw, right = letter
    shown = right.shown(raw)
    kept = Recipe(instead, right.cuts)
    found = recipe.found(raw, kept, instead, header_of(shown), len(shown))
    assert found is not None
    assert found.shown(raw) == shown


@given(letters(), st.sampled_from(["[]", "[[0, 1]]", "nonsense", "[[9, 3]]", "[[1e3, 2]]", "{}"]))
def test_it_finds_lost_cuts(letter: tuple[bytes, Recipe], instead: str) -> None:
    raw, right = letter
    shown = right.shown(raw)
    kept = recipe.read(right.prefix, instead, len(raw))
    found = recipe.found(raw, kept, right.prefix, header_of(shown), len(shown))
    assert found is not None
    assert found.shown(raw) == shown


@given(letters(), letters())
def test_it_finds_nothing_that_does_not_fit(
    letter: tuple[bytes, Recipe], other: tuple[bytes, Recipe]
) -> None:
    """Of the bytes of another message."""
    raw, right = letter
    shown = right.shown(raw)
    found = recipe.found(other[0], other[1], other[1].prefix, header_of(shown), len(shown))
    if found is not None:
        assert found.shown(other[0]).startswith(header_of(shown))
        assert len(found.shown(other[0])) == len(shown)


def test_it_reads_what_is_kept_or_says_that_it_is_none() -> None:
    assert recipe.read(b"A: b\r\n", "[[0, 4], [4, 9]]", 10) == Recipe(b"A: b\r\n", ((0, 4), (4, 9)))
    for cuts in ("", "[[0]]", "[[0, 11]]", "[[4, 9], [0, 4]]", '[["0", "4"]]', "7", "[" * 9_999):
        assert recipe.read(b"", cuts, 10) is None
    assert recipe.read("text", "[]", 10) is None
    assert recipe.read(b"", None, 10) is None


def test_it_knows_fields_from_what_is_none() -> None:
    assert recipe.is_whole(b"")
    assert recipe.is_whole(b"Received: from a;\r\n\tand more\r\nX: y\r\n")
    for broken in (b"Received from a\r\n", b"X: y", b"X: y\r\n\r\n", b"X: \0\r\n", b" folded\r\n"):
        assert not recipe.is_whole(broken)
    assert not recipe.is_whole(b"X:" + b"a" * 200_000)
    assert not recipe.is_whole(b"X: a\r\n" * 50_000 + b"\0")
