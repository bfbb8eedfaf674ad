"""What files are by their content."""

import pytest

from apps.scan.attachments.kinds import ARCHIVES, HOLDERS, KINDS, kind_named, kind_of
from tests.scan.attachments import packers
from tests.scan.attachments.made import PROGRAM, mail, tarred, zipped


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PROGRAM, "program"),
        (b"\x7fELF\x02\x01", "program"),
        (b"MZ stands for Mark Zbikowski, who made the format. " * 9, "text"),
        (b"%PDF-1.4\n", "pdf"),
        (b"\r\n\r\n%PDF-1.4\n", "pdf"),
        (zipped({"a": b"x"}), "zip"),
        (tarred({"a": b"x"}), "tar"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "png"),
        (b"RIFF\x00\x00\x00\x00WEBP", "webp"),
        (b"\x00\x00\x00\x18ftypmp42", "video"),
        (bytes(32_769) + b"CD001" + bytes(900), "iso"),
        (bytes(510) + b"\x55\xaa" + bytes(512), "data"),
        (b"\xeb\x3c\x90MSDOS5.0" + bytes(43) + b"FAT16   " + bytes(448) + b"\x55\xaa", "disk"),
        (bytes(1_024) + b"conectix" + bytes(504), "disk"),
        (b"<!DOCTYPE html><html></html>", "html"),
        (b"\xef\xbb\xbf  <HTML><body>", "html"),
        ("<html><p>hello".encode("utf-16"), "html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "svg"),
        (b"<?xml version='1.0'?><svg>", "svg"),
        (b"<?xml version='1.0'?><a/>", "xml"),
        (b"In HTML, <script> starts a script.", "text"),
        (mail("a.txt", b"x"), "mail"),
        (b"Dear Carol,\n\nFrom: here on\n", "text"),
        (b"begin 644 a.exe\nM...\n", "uuencode"),
        (b"{\\rtf1\\ansi}", "rtf"),
        (b"#!/bin/sh\n", "script"),
        (b"", "text"),
        (b"a;b\n1;2\n", "text"),
        (b"\x01\x00\x02", "data"),
        (packers.rar_4({"a": b"x"}), "rar"),
        (packers.lzh({"a": b"x"}), "lzh"),
        (packers.lzh({"a": b"x"}, b"-lz5-"), "lzh"),
        (packers.ace({"a": b"x"}), "ace"),
        (b"A text, and then: " + packers.rar_5({"a": b"x"}), "rar"),
        (b"A text that says Rar!\x1a\x07\x00, and nothing else.", "data"),
        (b"\x60\xea, two octets that begin an archive, and other things", "text"),
    ],
)
def test_it_knows(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


def test_it_takes_text_for_what_its_name_has_programs_take_it_for() -> None:
    assert kind_named(b"Hello", ("html",), "") == "html"
    assert kind_named(b"Hello", ("txt",), "text/html") == "html"
    assert kind_named(b"Hello", ("eml",), "") == "mail"
    assert kind_named(b"Hello", ("txt",), "text/plain") == "text"
    assert kind_named(PROGRAM, ("html",), "text/html") == "program"


def test_it_never_raises_over_the_beginning_of_anything() -> None:
    whole = zipped({"a": b"x"}) + tarred({"b": b"y"})
    for start in range(0, 700, 7):
        assert kind_of(whole[start:]) in KINDS


def test_it_has_one_list_of_all_kinds() -> None:
    assert ARCHIVES < HOLDERS < KINDS
