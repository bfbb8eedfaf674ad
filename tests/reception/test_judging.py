"""What becomes of a message: every policy of a domain against every wish of an author's domain."""

import json

import pytest

from apps.directory.models import Sternness
from apps.mailauth.types import Arc, Authentication, Dkim, Dmarc, Policy, Result, Spf
from apps.reception import judging
from apps.reception.judging import Case, Judgement, Reader, Ruling, readers, rule
from apps.reception.policies import Wishes
from apps.reception.telling import of_judgement

OURS, OTHER = "example.test", "other.test"
REPORT, JUNK, REJECT = Sternness.REPORT, Sternness.JUNK, Sternness.REJECT


def failed(disposition: Policy = Policy.REJECT, **changes: object) -> Authentication:
    """Forged mail of a bank."""
    told: dict[str, object] = {
        "result": Result.FAIL,
        "author": "bank.test",
        "domain": "bank.test",
        "policy": disposition,
        "disposition": disposition,
        **changes,
    }
    return Authentication(
        spf=Spf(Result.FAIL, "evil.test"),
        dkim=(Dkim(Result.PASS, "evil.test"), Dkim(Result.FAIL, "bank.test")),
        dmarc=Dmarc(**told),  # type: ignore[arg-type]
    )


def reader(stern: Sternness, domain: str = OURS, *, role: bool = False) -> Reader:
    return Reader(domain, Wishes(dmarc=stern), role)


def outcome(ruling: Ruling) -> str:
    if ruling.refusal is not None:
        return "refused"
    return "junk" if ruling.judgement.junk else "inbox"


@pytest.mark.parametrize(
    ("wanted", "stern", "expected"),
    [
        (Policy.NONE, REPORT, "inbox"),
        (Policy.NONE, JUNK, "inbox"),
        (Policy.NONE, REJECT, "inbox"),
        (Policy.QUARANTINE, REPORT, "inbox"),
        (Policy.QUARANTINE, JUNK, "junk"),
        (Policy.QUARANTINE, REJECT, "junk"),
        (Policy.REJECT, REPORT, "inbox"),
        (Policy.REJECT, JUNK, "junk"),
        (Policy.REJECT, REJECT, "refused"),
    ],
)
def test_it_does_what_both_domains_want(wanted: Policy, stern: Sternness, expected: str) -> None:
    ruling = rule(Case(failed(wanted)), [reader(stern)])
    assert outcome(ruling) == expected
    done = {"inbox": Policy.NONE, "junk": Policy.QUARANTINE, "refused": Policy.REJECT}
    assert ruling.disposition is done[expected]


def test_it_refuses_for_all_or_for_none() -> None:
    case = Case(failed())
    both = [reader(REJECT), reader(REJECT, OTHER)]
    assert outcome(rule(case, both)) == "refused"

    ruling = rule(case, [reader(REJECT), reader(REPORT, OTHER)])
    assert ruling.refusal is None
    assert set(ruling.judgement.junk) == {OURS}
    assert ruling.judgement.junk_for("alice@example.test")
    assert not ruling.judgement.junk_for("eve@other.test")
    assert ruling.disposition is Policy.QUARANTINE


def test_roles_hear_of_everything() -> None:
    ruling = rule(Case(failed()), [reader(REJECT, role=True)])
    assert outcome(ruling) == "junk"
    # One of them among the recipients, and the message is taken for all.
    assert outcome(rule(Case(failed()), [reader(REJECT, role=True), reader(REJECT)])) == "junk"


def test_hosts_of_our_own_are_believed() -> None:
    case = Case(failed(), listed="is listed by bl.test", is_trusted=True)
    ruling = rule(case, [reader(REJECT)])
    assert outcome(ruling) == "inbox"
    assert ruling.judgement.case is case


@pytest.mark.parametrize("result", [Result.TEMPERROR, Result.NONE, Result.PASS, Result.PERMERROR])
def test_what_asks_for_nothing_is_taken(result: Result) -> None:
    found = failed(Policy.NONE, result=result, policy=Policy.REJECT)
    assert outcome(rule(Case(found), [reader(REJECT)])) == "inbox"


OPEN = {"result": Result.TEMPERROR, "disposition": Policy.NONE}


@pytest.mark.parametrize(
    ("changes", "for_whom", "expected"),
    [
        ({"policy": Policy.REJECT, "record": "v=DMARC1; p=reject"}, [reader(REJECT)], "refused"),
        ({"policy": Policy.NONE}, [reader(REJECT)], "refused"),  # the policy is not known
        ({"policy": Policy.NONE, "record": "v=DMARC1; p=none"}, [reader(REJECT)], "inbox"),
        ({}, [reader(REJECT), reader(JUNK, OTHER)], "inbox"),
        ({}, [reader(REJECT, role=True)], "inbox"),
        ({"result": Result.NONE}, [reader(REJECT)], "inbox"),
    ],
)
def test_nobody_gets_forged_mail_in_by_asking_for_too_much(
    changes: dict[str, object], for_whom: list[Reader], expected: str
) -> None:
    case = Case(failed(**OPEN | changes))  # type: ignore[arg-type]
    ruling = rule(case, for_whom, is_crowding=True)
    assert outcome(ruling) == expected
    assert ruling.refusal is None or ruling.refusal.reply.code == 451
    assert outcome(rule(case, for_whom)) == "inbox"  # the DNS itself does not answer


@pytest.mark.parametrize(("lists", "expected"), [(REPORT, "inbox"), (JUNK, "junk")])
def test_listed_clients_that_were_not_refused_go_where_the_domain_wants(
    lists: Sternness, expected: str
) -> None:
    case = Case(listed="is listed by bl.test")
    ruling = rule(case, [Reader(OURS, Wishes(lists=lists))])
    assert outcome(ruling) == expected
    assert ruling.disposition is Policy.NONE  # DMARC has nothing to do with it


def test_the_answer_says_what_failed_and_what_to_do() -> None:
    refusal = rule(Case(failed()), [reader(REJECT)]).refusal
    assert refusal is not None
    assert (refusal.reply.code, refusal.reply.enhanced) == (550, "5.7.26")
    for words in (
        "says that it is from bank.test",
        "SPF: fail for evil.test",
        "DKIM: pass for evil.test, fail for bank.test",
        "policy reject",
        "send it through the servers of bank.test",
    ):
        assert words in refusal.reply.text
    assert all(len(line) <= 510 for line in refusal.reply.lines())
    assert refusal.cause == "dmarc"


def test_it_asks_to_come_back_while_a_forwarder_cannot_be_verified() -> None:
    """An honest list's message gets through then; who has a dead key server gains nothing."""
    found = failed()
    late = Authentication(
        spf=found.spf, dkim=found.dkim, dmarc=found.dmarc, arc=Arc(Result.TEMPERROR, 1)
    )
    refusal = rule(Case(late), [reader(REJECT)]).refusal
    assert refusal is not None
    assert (refusal.reply.code, refusal.reply.enhanced) == (451, "4.7.26")
    assert outcome(rule(Case(late), [reader(JUNK)])) == "junk"


def test_nobody_is_an_author_with_a_reason() -> None:
    found = failed(author="", domain="bank.test", reason="From names 2 domains")
    refusal = rule(Case(found), [reader(REJECT)]).refusal
    assert refusal is not None
    assert "From names 2 domains" in refusal.reply.text
    assert refusal.why == "From names 2 domains"


def test_readers_are_told_apart_by_what_is_done_for_them() -> None:
    wishes = {OURS: Wishes(dmarc=JUNK)}
    written = ["a@example.test", "B@EXAMPLE.test", "Postmaster@example.test", "postmaster", "c@x.y"]
    assert readers(written, wishes) == [
        Reader(OURS, Wishes(dmarc=JUNK)),
        Reader(OURS, Wishes(dmarc=JUNK), is_role=True),
        Reader("", Wishes(), is_role=True),
        Reader("x.y"),
    ]


def test_the_queue_keeps_a_judgement_whole() -> None:
    case = Case(failed(), "is listed by bl.test", "wl.test", ("says nothing",), is_trusted=True)
    whole = Judgement(case, {OURS: "why"}, "It came back.")
    for one in (whole, Judgement()):
        assert judging.read(json.dumps(one.as_data())) == one
    assert judging.read("") is None
    assert judging.read("{}") == Judgement()


def test_it_is_told_in_sentences() -> None:
    case = Case(failed(), "is listed by bl.test", "", ("calls itself localhost",))
    told = "\n".join(of_judgement(Judgement(case, {OURS: "it is forged"}, "It came back.")))
    for words in (
        "SPF fail of the sender: evil.test says that this address may not send for it.",
        "DKIM pass: a signature of evil.test.",
        "DMARC fail: neither SPF nor DKIM show that the message is from bank.test; bank.test asks"
        " to refuse such mail.",
        "The client is listed by bl.test.",
        "The client calls itself localhost.",
        "It came back.",
        "It goes into Junk at example.test: it is forged.",
    ):
        assert words in told


def test_it_tells_why_an_author_s_wish_is_not_followed() -> None:
    lifted = failed(Policy.NONE, policy=Policy.REJECT, override="trusted_forwarder")
    told = "\n".join(of_judgement(Judgement(Case(lifted))))
    assert "But nothing is held against it: a trusted forwarder saw that" in told


@pytest.mark.parametrize("result", list(Result))
def test_it_has_words_for_every_result(result: Result) -> None:
    found = Authentication(
        helo=Spf(result, "mx.test", scope="helo"),
        spf=Spf(result, "x.test"),
        dkim=(Dkim(result, "x.test", "s", algorithm="rsa-sha256"),),
        arc=Arc(result, 1, ("list.test",)),
        dmarc=Dmarc(result, "x.test"),
    )
    told = list(of_judgement(Judgement(Case(found))))
    assert len([one for one in told if result.value in one or "says nothing" in one]) >= 3
    assert all(one.endswith((".", '"')) for one in told)
