"""`manage.py search`: the first door of search."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.directory.models import User
from tests.mailstore.making import box
from tests.search.finding.making import NOW, Mail, file

pytestmark = pytest.mark.django_db


def search(*words: str, **options: Any) -> tuple[str, str]:
    """What the command says on both outputs."""
    out, err = io.StringIO(), io.StringIO()
    call_command("search", *words, stdout=out, stderr=err, no_color=True, **options)
    return out.getvalue(), err.getvalue()


def test_it_lists_hits_and_says_how_many(alice: User) -> None:
    file(box(alice), [Mail(date=NOW + n, subject=f"Lunch {n}") for n in range(3)])
    out, err = search("alice@example.test", "from:bob", "lunch", limit=2)
    assert [line.split("\t")[1:] for line in out.splitlines()] == [
        ["INBOX", "3", "Bob Baker", "Lunch 2"],
        ["INBOX", "2", "Bob Baker", "Lunch 1"],
    ]
    assert "3 found." in err
    place = err.split("--after=")[1].strip()
    out, _ = search("alice@example.test", "lunch", after=place)
    assert out.count("\n") == 1
    assert "Lunch 0" in out


def test_it_writes_json(alice: User) -> None:
    file(box(alice), [Mail(filename="plan.pdf", keywords=("work", "$Forwarded"))])
    out, err = search("alice@example.test", "-subject:dinner form:x OR at noon", json=True)
    document = json.loads(out)
    assert err == ""
    assert [chip["text"] for chip in document["chips"]] == [
        *("-subject:dinner", '"form:x" OR at', "noon"),
    ]
    assert [hint["code"] for hint in document["hints"]] == ["unknown-operator"]
    assert document["found"] == {"least": 1, "most": 1}
    assert [(hit["mailbox"], hit["uid"], hit["has_attachments"]) for hit in document["hits"]] == [
        ("INBOX", 1, True)
    ]
    assert document["hits"][0]["keywords"] == ["work", "$Forwarded"]
    assert document["after"] is None


def test_it_remarks_on_what_was_typed(alice: User) -> None:
    out, err = search("alice@example.test", '"lunch')
    assert out == ""
    assert "The quote is not closed." in err


def test_it_drives_no_terminal(alice: User) -> None:
    file(box(alice), [Mail(subject="a \x1b[2J b")])
    out, _ = search("alice@example.test", "a")
    assert "\x1b" not in out


def test_it_takes_octets_that_are_no_text(alice: User) -> None:
    out, err = search("alice@example.test", "form:\udcff\x1b[2J")
    assert (out + err).encode()
    assert "\x1b" not in err


def test_it_knows_no_other_user(alice: User) -> None:
    with pytest.raises(CommandError, match="no user"):
        search("nobody@example.test", "lunch")
