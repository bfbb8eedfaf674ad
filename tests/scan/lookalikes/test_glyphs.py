"""What looks alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.scan.lookalikes.glyphs import reads_as_latin, seen, skeleton, unicode_of


@pytest.mark.parametrize(
    ("label", "like"),
    [
        ("exarnple", "example"),
        ("examp1e", "example"),
        ("paypai", "paypal"),
        ("g00gle", "google"),
        ("vvindow5", "windows"),
        ("clesign", "design"),
        ("\u0435x\u0430mpl\u0435", "example"),
        ("xn--exmple-cua", "example"),
        ("\u1e9dxampl\u00e9".replace("\u1e9d", "e"), "example"),
        ("p\u0430yp\u0430\u04cf", "paypal"),
        ("\u03bfffice", "office"),
        ("m\u0131cr\u03bfs\u03bfft", "microsoft"),
    ],
)
def test_it_takes_what_looks_alike_for_the_same(label: str, like: str) -> None:
    assert skeleton(label) == skeleton(like)


@pytest.mark.parametrize(
    ("label", "other"), [("example", "sample"), ("bank", "rank"), ("\u043c\u0438\u0440", "mir")]
)
def test_it_keeps_apart_what_does_not(label: str, other: str) -> None:
    assert skeleton(label) != skeleton(other)


def test_it_shows_names_as_people_see_them() -> None:
    assert seen("www.xn--bcher-kva.example") == "www.b\u00fccher.example"
    assert unicode_of("xn--n3h") == "\u2603", "browsers show it, although IDNA 2008 has it not"
    assert unicode_of("xn--\u00ff-broken-----") == "xn--\u00ff-broken-----"
    assert unicode_of("xn--99999999999") == "xn--99999999999"


@pytest.mark.parametrize(
    ("label", "latin"),
    [
        ("\u0430\u0440\u0440\u04cf\u0435", "appie"),
        ("xn--80ak6aa92e", "appie"),
        ("\u0440\u0430\u0443\u0440\u0430\u04cf", "paypai"),
        ("\u043c\u043e\u0441\u043a\u0432\u0430", ""),
        ("\u043e\u043d\u043b\u0430\u0439\u043d", ""),
        ("m\u00fcller", ""),
        ("paypal", ""),
        ("123", ""),
        ("\u65e5\u672c", ""),
    ],
)
def test_it_knows_words_that_nobody_can_tell_from_latin(label: str, latin: str) -> None:
    assert reads_as_latin(label) == latin


@given(st.text(max_size=80))
def test_it_raises_nothing_for_any_label(label: str) -> None:
    for one in (label, f"xn--{label}"):
        skeleton(one), unicode_of(one), seen(one), reads_as_latin(one)
