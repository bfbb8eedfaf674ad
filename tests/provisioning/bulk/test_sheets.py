"""A whole file: what its first line may say, and lines that do not fit it."""

import pytest

from apps.provisioning.bulk.sheets import Sheet, read
from apps.provisioning.bulk.writing import BOM, line, pieces
from apps.wire.errors import InvalidName


def sheet(text: str, kind: str = "users") -> Sheet:
    return read(text.encode(), kind)


def refusal(text: str, kind: str = "users") -> str:
    with pytest.raises(InvalidName) as refused:
        sheet(text, kind)
    return refused.value.reply.text


def test_columns_in_any_order_and_any_words() -> None:
    found = sheet("Full Name;QUOTA;E-Mail Address\nAnna;5 GB;anna@example.test\n")
    assert found.lines[0].cells == {
        "name": "Anna",
        "quota": "5 GB",
        "address": "anna@example.test",
    }
    assert found.notes == []


def test_columns_that_are_not_read_are_told() -> None:
    found = sheet("email,Department,,password\na@example.test,x,y,secret word\n")
    assert found.notes == ["Not read: Department, one without a name."]
    assert found.lines[0].password == "secret word"
    assert "secret" not in repr(found.lines[0])


def test_lines_that_do_not_fit() -> None:
    found = sheet("address,name\na@x.test\nb@x.test,B,more\nc@x.test,C,,\nd@x.test," + "d" * 5000)
    assert [one.trouble for one in found.lines] == [
        "",
        "It has 3 cells, and the first line names 2",
        "",
        "A cell is longer than 4,096 characters",
    ]


def test_refusals() -> None:
    assert refusal("anna@example.test,Anna\n") == (
        "The first line has to name the columns, and one of them Address"
    )
    assert refusal("address,email\nx,y\n") == (
        "Two columns of the first line say Address: take one away"
    )
    assert refusal("address\n\n") == "Below the names of the columns there is nothing"
    assert refusal("alias,members\n", "aliases").startswith("Below")
    assert refusal("alias\nx\n", "aliases").endswith("one of them Targets")
    assert refusal(",,,\n") == "There is nothing in it"


def test_formula_marks_of_an_export_are_taken_off() -> None:
    text = line(["address", "name"]) + line(["'=x@example.test", "=1+1"])
    found = sheet(text).lines[0].cells
    assert found["name"] == "=1+1"


def test_pieces_begin_with_a_mark_and_stay_small() -> None:
    found = list(pieces(["a", "b"], ([number, "x" * 100] for number in range(1_000))))
    assert found[0] == BOM
    assert max(map(len, found)) < 40_000
    assert b"".join(found).count(b"\r\n") == 1_001
