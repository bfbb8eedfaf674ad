"""Messages as octets: what was put in comes out, for any text in any charset."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.demo import compose
from apps.mime.headers import decode_text, scan
from apps.mime.reading import read

CHARSETS = ("utf-8", "iso-8859-1", "iso-8859-7", "koi8-r", "gb18030", "iso-2022-jp", "euc-kr")
TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=120)


@given(TEXT, st.sampled_from(CHARSETS))
def test_it_encodes_any_words(value: str, charset: str) -> None:
    value = " ".join(value.split()) or "x"
    coded = compose.words(value, charset)
    assert coded.isascii()
    assert all(len(word) <= 75 for word in coded.split(" ") if word.startswith("=?"))
    if not value.isascii():
        # The decoder is the house's own; it folds white space of other scripts to spaces.
        assert decode_text(coded.encode()).split() == value.split()


@pytest.mark.parametrize(
    ("words", "charset", "encoding"),
    [
        ("plain\n", "utf-8", "7bit"),
        ("Grüße aus Köln\n", "iso-8859-1", "quoted-printable"),
        ("Здравствуйте\n", "koi8-r", "base64"),
        ("お世話になっております\n", "iso-2022-jp", "7bit"),
        ("a line that is longer than seventy-six octets, " * 4, "utf-8", "quoted-printable"),
        ("trailing space \nand tab\t\n", "iso-8859-1", "7bit"),
    ],
)
def test_it_encodes_any_text(words: str, charset: str, encoding: str) -> None:
    entity = compose.text(words, charset=charset)
    assert dict(entity.fields)["Content-Transfer-Encoding"] == encoding
    raw = compose.message((("Subject", "x"),), entity)
    assert read(raw).text.replace("\r\n", "\n").rstrip() == words.rstrip()


def test_it_goes_as_it_is_in_eight_bits() -> None:
    raw = compose.message((("Subject", "x"),), compose.eight_bit("Gözlerinden öperim\n"))
    assert "Gözlerinden öperim".encode() in raw
    assert read(raw).text == "Gözlerinden öperim\r\n"


def test_it_folds_long_fields_at_spaces() -> None:
    raw = compose.message((("References", " ".join(f"<{n}@x.example>" for n in range(40))),),
                          compose.text("x"))  # fmt: skip
    head = raw.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert len((scan(raw).first(b"references") or b"").split()) == 40


def test_it_quotes_names_and_files() -> None:
    assert compose.mailbox("Smith, J.", "j@x.example") == '"Smith, J." <j@x.example>'
    assert compose.parameter("filename", "plan.pdf") == '; filename="plan.pdf"'
    coded = compose.parameter("filename", "報価 1.pdf")
    assert re.fullmatch(r"; filename\*=UTF-8''(%[0-9A-F]{2})+1\.pdf", coded)
