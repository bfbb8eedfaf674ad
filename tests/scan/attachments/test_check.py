"""The check: what it finds, for whom, and that it finds it again from what was kept."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.directory.models import User
from apps.provisioning import services as provisioning
from apps.scan.attachments import rules
from apps.scan.attachments.check import Attachments, is_plain
from apps.scan.attachments.heavy import is_heavy
from apps.scan.attachments.policy import What
from apps.scan.attachments.signatures import _rules
from apps.scan.base import Action, Finding
from apps.scan.letter import read
from apps.scan.services.attachments import set_entry
from tests.scan.attachments.made import (
    CHECK,
    EICAR,
    PROGRAM,
    hardest,
    judged,
    mail,
    raw_mail,
    zipped,
)
from tests.scan.attachments.ole import compound, macro
from tests.scan.cases import case, reader
from tests.support.cost import cost

pytestmark = pytest.mark.django_db


class Counting:
    """In the place of the cage: counts, and opens nothing."""

    def __init__(self) -> None:
        self.asked = 0

    def look(self, raw: bytes) -> dict[str, Any]:
        self.asked += 1
        return {"files": [], "count": 1, "failed": "it was not asked"}


def by_rule(found: list[Finding]) -> dict[str, Finding]:
    """Findings by the names of their rules."""
    return {one.rule: one for one in found}


def starting() -> bytes:
    """A document whose macro starts a program when it is opened."""
    text = 'Sub Document_Open()\r\n  CreateObject("WScript.Shell").Run "cmd /c x"\r\nEnd Sub\r\n'
    return compound({("VBA", "ThisDocument"): macro(text)})


@pytest.mark.parametrize(
    ("name", "content", "rule", "words"),
    [
        ("a.exe", PROGRAM, "ATTACHMENT_PROGRAM", "“a.exe” is a program"),
        (
            "a.jpg",
            PROGRAM,
            "ATTACHMENT_TYPE_LIES",
            "“a.jpg” claims to be a picture or a PDF and is program",
        ),
        ("a.vbs", b"x = 1", "ATTACHMENT_SCRIPT", "“a.vbs” is a script"),
        ("a.lnk", b"x", "ATTACHMENT_SHORTCUT", "“a.lnk” starts something else when it is opened"),
        (
            "a.pdf.exe",
            b"x",
            "ATTACHMENT_DISGUISED",
            "the name “a.pdf.exe” of a file that may do harm has a second ending .pdf",
        ),
        (
            "a.doc",
            starting(),
            "ATTACHMENT_MACROS_HARMFUL",
            "“ThisDocument.bas” in “a.doc” runs when the document is opened; "
            "“ThisDocument.bas” in “a.doc” starts programs or fetches something",
        ),
        (
            "a.zip",
            zipped({"b.7z": b"7z\xbc\xaf\x27\x1c"}),
            "ATTACHMENT_UNSCANNABLE",
            "“b.7z” in “a.zip” could not be looked at: it ends too soon",
        ),
        ("a.html", b"<html>hello", "ATTACHMENT_PAGE", "“a.html” is a web page"),
    ],
)
def test_it_says_what_it_found(name: str, content: bytes, rule: str, words: str) -> None:
    found = by_rule(judged(mail(name, content)))
    assert found[rule].words == words
    assert found[rule].points == next(one.points for one in rules.RULES if one.name == rule)


def test_it_tells_of_many_alike_once() -> None:
    found = judged(mail("a.zip", zipped({f"{n}.exe": PROGRAM for n in range(5)})))
    assert [one.words for one in found if one.rule == "ATTACHMENT_PROGRAM"] == [
        "“0.exe” in “a.zip” is a program; 4 more like it"
    ]


def test_it_quarantines_a_program_wherever_it_is() -> None:
    for raw in (
        mail("a.exe", PROGRAM),
        mail("a.txt", PROGRAM),
        mail("a.zip", zipped({"in/b.zip": zipped({"c.scr": b"?"})})),
    ):
        assert hardest(judged(raw)) is Action.QUARANTINE


def test_it_finds_nothing_in_mail_of_words() -> None:
    assert judged(raw_mail(b"At noon?", b"exe, macros, and so on.")) == []
    asked = case(raw=raw_mail(b"At noon?"))
    assert CHECK.gather([asked]) == [None]


def test_it_obeys_the_domain_of_each_reader(alice: User, eve: User) -> None:
    set_entry(What.ENDING, ".EXE", "allow", domain=alice.domain)
    set_entry(What.ENDING, "exe", "refuse", domain=eve.domain)
    raw = mail("a.exe", PROGRAM)
    asked = [one for one in judged(raw, reader(alice), reader(eve)) if one.action]
    assert [(one.reader, one.action) for one in asked] == [(eve.pk, Action.REFUSE)]
    assert asked[0].words == "“a.exe” is refused: the policy for ending exe"
    assert hardest(judged(raw, reader(alice))) is Action.NONE
    assert hardest(judged(raw, reader(eve))) is Action.REFUSE


def test_it_obeys_the_server_where_the_domain_says_nothing(alice: User) -> None:
    set_entry(What.CONDITION, "unscannable", "refuse", domain=None)
    assert hardest(judged(mail("a.7z", b"7z\xbc\xaf\x27\x1c"), reader(alice))) is Action.REFUSE


def test_it_obeys_the_domain_that_another_stands_for(alice: User) -> None:
    provisioning.add_domain("also.test", alias_of="example.test")
    set_entry(What.GROUP, "program", "refuse", domain=alice.domain)
    one = replace(reader(alice), domain="also.test")
    assert hardest(judged(mail("a.exe", PROGRAM), one)) is Action.REFUSE


def test_it_obeys_the_domain_of_the_sender_for_mail_that_leaves(alice: User) -> None:
    raw = mail("a.exe", PROGRAM)
    leaving = {"user_id": alice.pk, "sender": alice.address, "recipients": ("x@far.invalid",)}
    assert hardest(judged(raw, **leaving)) is Action.QUARANTINE
    set_entry(What.GROUP, "program", "allow", domain=alice.domain)
    assert hardest(judged(raw, **leaving)) is Action.NONE


def test_it_opens_nothing_of_what_a_worker_died_over() -> None:
    cage = Counting()
    check = Attachments(cage)  # type: ignore[arg-type]
    asked = case(raw=mail("a.zip", b"PK\x03\x04"), unscannable="a worker died over it")
    assert check.takes_unscannable
    found = by_rule(check.judge(asked, check.gather([asked])[0]))
    assert cage.asked == 0
    assert found["ATTACHMENT_FORBIDDEN"].action is Action.JUNK
    assert "a worker died over it" in found["ATTACHMENT_UNSCANNABLE"].words


def test_it_lets_a_batch_wait_rather_than_pass_unseen() -> None:
    cage = Counting()
    check = Attachments(cage, seconds=0.0)  # type: ignore[arg-type]
    asked = [case(raw=mail("a.zip", zipped({"a": b"x"}))) for _ in range(3)]
    given = check.gather(asked)
    assert cage.asked == 1  # the first one gets its turn whatever happens
    for one, kept in list(zip(asked, given, strict=True))[1:]:
        assert [found.action for found in check.judge(one, kept)] == [Action.DEFER]


def test_it_judges_again_from_what_was_kept(alice: User) -> None:
    set_entry(What.ENDING, "zip", "junk", domain=alice.domain)
    asked = case(reader(alice), raw=mail("a.zip", zipped({"x.doc": starting(), "e.com": EICAR})))
    given = CHECK.gather([asked])[0]
    first = CHECK.judge(asked, given)
    set_entry(What.ENDING, "zip", "refuse", domain=alice.domain)
    assert CHECK.judge(asked, json.loads(json.dumps(given))) == first
    assert len(first) >= 4


def test_it_asks_the_database_once_for_many(alice: User, eve: User) -> None:
    raw = mail("a.exe", PROGRAM)
    asked = [case(reader(user), raw=raw) for user in (alice, eve) * 10]
    with CaptureQueriesContext(connection) as statements:
        CHECK.gather(asked)
    assert len(statements) == 1
    with CaptureQueriesContext(connection) as statements:
        CHECK.gather([case(reader(alice), raw=raw_mail(b"hello"))])
    assert len(statements) == 0


def test_it_keeps_plain_mail_out_of_the_cage() -> None:
    cage = Counting()
    check = Attachments(cage)  # type: ignore[arg-type]
    for raw in (
        raw_mail(b"hello"),
        mail("a.png", b"\x89PNG\r\n\x1a\n" + bytes(900), "image/png"),
        mail("a.txt", b"notes"),
        raw_mail(b"<html><body>hello</body></html>", declared=b"text/html"),
    ):
        check.gather([case(raw=raw)])
    assert cage.asked == 0
    check.gather([case(raw=mail("a.png", zipped({"a": b"x"}), "image/png"))])
    assert cage.asked == 1


def test_it_costs_plain_mail_little() -> None:
    raw = raw_mail(*(b"All work and no play makes Jack a dull boy." for _ in range(230)))
    assert len(raw) > 10_000
    assert cost(lambda: judged(raw)) < 0.005


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (raw_mail(b"hello"), False),
        (mail("a.pdf", b"%PDF-1.4"), False),
        (mail("a.docx", zipped({"a": b"x"})), False),
        (mail("a.zip", b"x"), True),
        (mail("a.iso", b"x"), True),
        (mail("a.bin", b"x", "application/x-7z-compressed"), True),
        (raw_mail(b"x" * (1024 * 1024 + 1)), True),
    ],
)
def test_it_knows_heavy_mail_by_what_it_says_of_itself(raw: bytes, expected: bool) -> None:
    assert is_heavy(read(raw)) is expected


def test_it_looks_at_large_mail_in_the_cage_only() -> None:
    assert is_plain(read(raw_mail(b"x" * 1_000)))
    assert not is_plain(read(raw_mail(b"x" * (600 * 1024))))


def test_it_has_a_meaning_for_each_signature() -> None:
    assert {rule.identifier for rule in _rules()} == set(rules.OF_SIGNATURE)


def test_it_lists_all_its_rules_once() -> None:
    listed = [rule.name for rule in rules.RULES]
    assert len(listed) == len(set(listed))
    used = {rule.name for rule, _ in (*rules.OF_SIGNATURE.values(), *rules.OF_GROUP.values())}
    assert used <= set(listed)
