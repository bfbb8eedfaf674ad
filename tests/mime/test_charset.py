"""Charsets: declared, wrong, dangerous."""

import codecs
import encodings.aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.charset import UTF7_MAX, codec_for, decode


@pytest.mark.parametrize(
    ("text", "codec", "declared"),
    [
        ("größer", "utf-8", "utf-8"),
        ("größer", "utf-8", "UTF8"),
        ("größer", "utf-8", '"utf-8"'),
        ("größer", "utf-8", None),
        ("größer", "utf-8", "us-ascii"),
        ("größer", "latin-1", "iso-8859-1"),
        ("10 €", "cp1252", "iso-8859-1"),
        ("größer", "utf-8", "no-such-charset"),
        ("日本語", "iso2022_jp", "ISO-2022-JP"),
        ("日本語", "cp932", "Shift_JIS"),
        ("日本語", "euc_jp", "x-euc-jp"),
        ("你好", "gb18030", "gb2312"),
        ("한국어", "cp949", "ks_c_5601-1987"),
        ("Привет", "koi8-r", "koi8-r"),
        ("Привет", "cp1251", "windows-1251"),
        ("ğü", "cp1254", "iso-8859-9"),
        ("größer", "utf-16", "utf-16"),
        ("größer", "utf-7", "utf-7"),
        ("größer", "utf-8-sig", "utf-8"),
        ("größer", "utf-16-le", "utf-16le"),
        ("plain", "ascii", "utf-8"),
        ("", "ascii", None),
    ],
)
def test_it_decodes_what_is_declared(text: str, codec: str, declared: str | None) -> None:
    assert decode(text.encode(codec), declared) == text
    if declared is not None:
        assert decode(text.encode(codec), declared.encode()) == text


@pytest.mark.parametrize(
    "name",
    [
        "unicode_escape",
        "raw_unicode_escape",
        "idna",
        "punycode",
        "hex",
        "base64",
        "zip",
        "zlib",
        "bz2",
        "rot13",
        "uu",
        "quopri",
        "undefined",
        "mbcs",
        "oem",
        "charmap",
        "utf-8-sig ../x",
        "\0",
        "",
        "x" * 1_000,
    ],
)
def test_it_refuses_codecs_that_are_no_charsets(name: str) -> None:
    assert codec_for(name) == ""
    assert decode(b"789c\\u0041", name) == "789c\\u0041"


def test_it_knows_for_each_of_pythons_codecs_whether_it_is_a_charset() -> None:
    for name in set(encodings.aliases.aliases.values()):
        codec = codec_for(name)
        if codec:
            assert codecs.lookup(codec)._is_text_encoding
            assert isinstance(b"abc".decode(codec, "replace"), str)


def test_it_guesses_what_is_not_declared() -> None:
    text = "Съешь ещё этих мягких французских булок, да выпей же чаю. " * 4
    assert decode(text.encode("cp1251")) == text


def test_it_guesses_what_is_declared_wrong() -> None:
    assert decode("Schöne Grüße aus Köln".encode("latin-1"), "utf-8") == "Schöne Grüße aus Köln"
    assert decode("Schöne Grüße aus Köln".encode("latin-1"), "us-ascii") == "Schöne Grüße aus Köln"


def test_it_falls_back_to_windows_1252() -> None:
    assert decode(b"\x93a\x94 \x81") == "\u201ca\u201d \ufffd"


def test_it_keeps_a_page_readable_that_has_one_wrong_octet() -> None:
    raw = "日本語".encode("euc_jp") + b"\xff" + "日本語".encode("euc_jp")
    assert decode(raw, "euc-jp") == "日本語\ufffd日本語"


def test_it_decodes_no_large_utf7() -> None:
    raw = b"+AGEA-" * UTF7_MAX
    assert decode(raw, "utf-7") == raw.decode("ascii")


@given(
    st.binary(max_size=100),
    st.none()
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.sampled_from(
        ["utf-7", "utf-16", "utf-32", "hz", "iso-2022-kr", "iso-2022-jp", "big5", "cp037", "utf-8"]
    ),
)
def test_it_decodes_anything(raw: bytes, declared: str | bytes | None) -> None:
    decode(raw, declared).encode("utf-8")
