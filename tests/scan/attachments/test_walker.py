"""What facts tell, and that nothing is crowded out of them."""

import pytest

from apps.scan.attachments import walker
from apps.scan.attachments.budget import Budget, Damaged, TooMuch
from apps.scan.attachments.caged import ANSWER_MOST, look_at
from apps.scan.attachments.member import Member
from apps.scan.attachments.openers.table import OPENERS
from apps.scan.attachments.walker import look
from tests.scan.attachments.made import EICAR, PROGRAM, mail, names_in, of_file, zipped


def test_it_tells_of_the_one_bad_file_behind_many_of_any_sort() -> None:
    for crowd in (
        {f"{n}.exe": PROGRAM for n in range(1_500)},
        {f"{n}.pdf.exe": PROGRAM for n in range(1_500)},
        {f"{n}.txt": b"x" for n in range(1_500)},
    ):
        found = of_file(zipped({**crowd, "last/notes.bin": EICAR}), "a.zip")
        assert any(fact.get("found") == ["eicar"] for fact in found)
        assert len(found) <= walker.ALIKE_MOST + 10


def test_it_tells_of_each_ending_once() -> None:
    found = of_file(zipped({f"{n}.e{n % 50}": b"x" for n in range(500)}), "a.zip")
    assert {fact["endings"][0] for fact in found[1:]} == {f"e{n}" for n in range(50)}


def test_it_takes_more_sorts_than_it_can_tell_of_for_too_much() -> None:
    made = mail("a.zip", zipped({f"x.e{n}": b"x" for n in range(walker.ORDINARY_MOST + 5)}))
    assert look_at(made)["too_much"] == f"more than {walker.ORDINARY_MOST} sorts of files"


def test_its_answer_fits_through_the_pipe() -> None:
    import json

    names = {f"{'x' * 200}{n}.pdf{' ' * 9}.e{n % 90}.exe": EICAR for n in range(2_000)}
    assert len(json.dumps(look_at(mail("a.zip", zipped(names))))) < ANSWER_MOST / 2


def test_it_calls_no_archive_a_document_because_of_what_is_in_it() -> None:
    made = zipped({"content.xml": b"<x/>", "a.txt": b"x"})
    assert of_file(made, "a.odt")[0].get("group") is None
    assert of_file(made, "a.zip")[0]["group"] == "archive"


def test_it_goes_on_after_an_opener_that_failed_in_its_own_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(data: bytes, budget: Budget) -> object:
        yield Member("a.txt", b"x")
        raise KeyError("surprise")

    monkeypatch.setitem(OPENERS, "zip", failing)
    facts = look([Member("a.zip", zipped({})), Member("b.txt", EICAR)], Budget(1_000))
    assert facts["files"][0]["why_not"] == "it cannot be read (KeyError)"
    assert names_in(facts["files"]) == ["a.zip", "a.txt", "b.txt"]


def test_it_looks_from_outside_at_what_follows_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(data: bytes, budget: Budget) -> object:
        while True:
            budget.count()
            yield Member("x", b"x")

    monkeypatch.setitem(OPENERS, "zip", endless)
    archive = Member("a.zip", zipped({}))
    facts = look([archive, archive, Member("b.txt", EICAR)], Budget(1_000))
    assert facts["too_much"] == "more than 20000 files"
    assert facts["files"][-1]["found"] == ["eicar"]


def test_it_says_what_is_damaged_and_what_is_locked() -> None:
    assert str(Damaged("x")) == "x"
    with pytest.raises(TooMuch, match="more than 6 s of work"):
        Budget(1, clock=iter((0.0, 7.0)).__next__).watch()


def test_it_counts_what_is_open_at_once() -> None:
    budget = Budget(1)
    budget.hold(40 * 1024 * 1024)
    budget.release(40 * 1024 * 1024)
    budget.hold(40 * 1024 * 1024)
    with pytest.raises(TooMuch, match="48 MB of archives inside archives"):
        budget.hold(40 * 1024 * 1024)
