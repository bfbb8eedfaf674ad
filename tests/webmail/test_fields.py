"""What people type into a letter: addresses of every form, and what no field may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.mime.composing.people import listed, people
from apps.webmail.writing import fields
from apps.webmail.writing.fields import FieldRefused, Fields


def names(text: str) -> list[tuple[str, str]]:
    return [(name, str(address)) for name, address in people(text).found]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("bob@example.test", [("", "bob@example.test")]),
        ("Bob <bob@example.test>", [("Bob", "bob@example.test")]),
        ('"Müller, Ann" <ann@example.test>', [("Müller, Ann", "ann@example.test")]),
        ("bob@example.test (Bob)", [("Bob", "bob@example.test")]),
        ("a@x.test, b@x.test", [("", "a@x.test"), ("", "b@x.test")]),
        ("a@x.test; b@x.test", [("", "a@x.test"), ("", "b@x.test")]),
        ("a@x.test\nb@x.test\r\n", [("", "a@x.test"), ("", "b@x.test")]),
        (",, a@x.test ,;,", [("", "a@x.test")]),
        (
            "Team: a@x.test, B <b@x.test>;, c@x.test",
            [("", "a@x.test"), ("B", "b@x.test"), ("", "c@x.test")],
        ),
        ("undisclosed-recipients:;", []),
        ('"a b"@x.test', [("", '"a b"@x.test')]),
        ("a@[192.0.2.1]", [("", "a@[192.0.2.1]")]),
        ("a@BÜCHER.test", [("", "a@xn--bcher-kva.test")]),
        ("jörg@x.test", [("", "jörg@x.test")]),
        ("A <a@x.test>, a@x.test, a@X.test", [("A", "a@x.test")]),
        ("a@x.test <a@x.test>", [("", "a@x.test")]),
        ("<@relay.test:a@x.test>", [("", "a@x.test")]),
    ],
)
def test_addresses_are_read_in_every_form(typed: str, found: list[tuple[str, str]]) -> None:
    assert names(typed) == found
    assert people(typed).odd == ()


@pytest.mark.parametrize(
    ("typed", "odd"),
    [
        ("half@", ("half",)),
        ("nobody", ("nobody",)),
        ("Bob <bob>", ("Bob <bob>",)),
        ("a@x..test", ("a@x..test",)),
        ("a@-x.test", ("a@-x.test",)),
    ],
)
def test_words_that_are_no_address_are_told(typed: str, odd: tuple[str, ...]) -> None:
    assert people(typed).odd == odd
    assert names(f"{typed}, b@x.test")[-1] == ("", "b@x.test")


def test_a_list_is_read_as_it_was_written() -> None:
    found = people('"O\'Neil, \\"Pat\\" \\\\" <p@x.test>, Zoë <z@x.test>, q@x.test').found
    assert people(listed(found)).found == found


@given(st.text(max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    found = people(text)
    assert people(listed(found.found)).found == found.found
    for name, address in found.found:
        assert not set(name + str(address)) & set("\r\n\x00")


def test_reading_takes_time_by_length() -> None:
    for hostile in ('"' * 60_000, "<" * 60_000, "(" * 60_000, "a@b," * 15_000, ":;" * 30_000):
        people(hostile)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x00", "\u2028", "\x85", "\x0b", "\x0c"])
def test_a_subject_is_one_line(end: str) -> None:
    taken = fields.taken({"subject": f"Hi{end}Bcc: eve@other.test", "from": f"a@x.test{end}b"})
    assert not set(taken.subject + taken.sender) & set("\r\n\x00\u2028\x85\x0b\x0c")
    assert taken.subject.startswith("Hi")


def test_a_text_keeps_its_lines_and_nothing_unseen() -> None:
    taken = fields.taken({"text": "a\r\nb\rc\x00\x07\td\ud800", "plain": "1", "html": "<p>x</p>"})
    assert taken.text == "a\nb\nc\td"
    assert taken.html == ""
    assert taken.is_plain


@pytest.mark.parametrize("name", sorted(fields.LONGEST))
def test_what_is_too_long_is_refused_in_words(name: str) -> None:
    fields.taken({name: "x" * fields.LONGEST[name]})
    with pytest.raises(FieldRefused) as refused:
        fields.taken({name: "x" * (fields.LONGEST[name] + 1)})
    assert refused.value.field == name
    assert "too long" in refused.value.reply.text


def test_they_come_back_from_the_row_as_they_went() -> None:
    made = Fields("a@x.test", "b@", "c", "d", "S\u2603", "<p>\ud83d</p>", "t\x00", True, True)
    assert Fields.from_json(made.as_json()) == made
    assert Fields.from_json("{}") == Fields()
    assert made.as_json().isascii()
