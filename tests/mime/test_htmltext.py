"""What is left of HTML for whoever searches it."""

import pytest

from apps.mime.htmltext import html_texts
from tests.support.cost import cost


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain", "plain"),
        ("wo<b>rd</b>", "word"),
        ("one<br>two<p>three</p>four", "one two three four"),
        ("a < b > c <3", "a < b > c <3"),
        ("x<style>p {}</style>y<script>z</SCRIPT >w", "x  y  w"),
        ("x<!-- not > shown -->y<!-->z", "xyz"),
        ("&lt;b&gt; &amp;amp; &eacute;", "<b> &amp; \xe9"),
        ("&#" + "1" * 5_000 + ";x", "x"),
        ("a<b title='>'>c", "ac"),
        ("a<!doctype html>b<?xml?>c", "a b c"),
    ],
)
def test_it_reads_what_a_reader_sees(source: str, text: str) -> None:
    read = html_texts(source)[0]
    assert " ".join(read.split()) == " ".join(text.split())


@pytest.mark.parametrize("source", ["a<b", "a<!-- b", "a<style>b", "a<p title='b", 'a<a x="y>b'])
def test_it_hides_nothing_that_was_not_closed(source: str) -> None:
    assert "b" in html_texts(source)[0]


def test_it_keeps_addresses_titles_and_the_texts_of_images() -> None:
    source = (
        """<a class=x HREF = "https://example.org/?a=1&amp;b=2" title='T'><img alt=Logo src=x>"""
    )
    assert html_texts(source)[1:] == ["https://example.org/?a=1&b=2", "T", "Logo"]


@pytest.mark.parametrize(
    "piece",
    ['<a \'" ="<a \'" ', "<", '<a "', "<!--", "<style>", "<a href=", "&#", "<a ='", "<a title="],
)
def test_it_takes_linear_time(piece: str) -> None:
    source = piece * (1_000_000 // len(piece))
    assert cost(lambda: html_texts(source), enough=2) < 2
