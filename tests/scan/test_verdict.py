"""What findings come to: bounds on what goes together, and one order of precedence."""

import pytest

from apps.scan.base import Action, Finding
from apps.scan.verdict import ELSEWHERE, Opinion, Standing, Verdict, combine, weigh

WATCHES = Finding("TEXT_WATCHES", 6.0, "it offers watches")
SPAM = Finding("GTUBE", 100.0, "it asks to be taken for spam")
VIRUS = Finding("FILE_VIRUS", 0.0, "it has a virus", action=Action.REFUSE)
POLICY = Finding("FILE_KIND", 0.0, "it has a program", action=Action.QUARANTINE)


def decide(*findings: Finding, **standing: object) -> Opinion:
    return combine(findings, {7: Standing(**standing)})[7]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("points", "action"),
    [(4.999, Action.NONE), (5, Action.JUNK), (14.999, Action.JUNK), (15, Action.REFUSE)],
)
def test_it_acts_from_the_threshold_on(points: float, action: Action) -> None:
    assert decide(Finding("X", points, "words")).action is action


def test_it_never_acts_on_points_where_there_is_no_threshold() -> None:
    assert decide(SPAM, junk=None, refuse=None) == Opinion(100)
    assert decide(SPAM, refuse=None).action is Action.JUNK


def test_it_holds_what_is_sent_from_here() -> None:
    kept = decide(WATCHES, junk=None, refuse=None, hold=6.0)
    assert kept == Opinion(6, Action.QUARANTINE, "it offers watches")
    assert decide(WATCHES, junk=None, refuse=None, hold=6.1).action is Action.NONE


@pytest.mark.parametrize(
    ("points", "total"),
    [
        ({"LINK_A": 4, "LINK_B": 3, "TEXT_A": 2}, 9),
        ({"LINK_A": 4, "LINK_B": 3, "LINK_C": 3, "TEXT_A": 2}, 10),  # 8 of links
        ({"GTUBE": 100, "GTUBE_AGAIN": 3}, 100),  # the strongest alone, where it has more
        ({"KNOWN_A": -4, "KNOWN_B": -4, "TEXT_A": 7}, 1),  # 6 of what is known
        ({"KNOWN_A": -7, "TEXT_A": 7}, 0),
        ({"KNOWN_A": -6, "LIST_A": -3, "BAYES_A": -4, "TEXT_A": 8, "LINK_A": 8}, 6),  # 10 for it
        ({"LINK_A": 4, "LINK_B": -1}, 3),
        ({"A_X": 0.1, "B_X": 0.2}, 0.3),
        ({}, 0),
    ],
)
def test_it_bounds_what_one_kind_of_reason_counts(points: dict[str, float], total: float) -> None:
    found, _ = weigh([Finding(rule, value, "words") for rule, value in points.items()])
    assert found == total


def test_it_tells_which_kinds_count_less_than_their_sum() -> None:
    found = [Finding(f"LINK_{number}", 3, "words") for number in range(5)]
    assert weigh([*found, WATCHES]) == (14, {"LINK": 8})


def test_no_one_kind_of_reason_gets_a_message_refused() -> None:
    found = [Finding(f"LINK_{number}", 4, "words") for number in range(50)]
    assert decide(*found).action is Action.JUNK


def test_nothing_that_speaks_for_a_message_lets_a_virus_through() -> None:
    known = Finding("KNOWN_CORRESPONDENT", -20, "the reader wrote to the author")
    opinion = decide(VIRUS, known, allowed="the reader's list allows it", is_off=True, junk=None)
    assert (opinion.action, opinion.why, opinion.is_harmful) == (
        Action.REFUSE,
        "it has a virus",
        True,
    )


def test_what_is_harmful_is_kept_back_where_it_cannot_be_refused() -> None:
    assert decide(VIRUS).later is Action.QUARANTINE
    assert decide(SPAM).later is Action.JUNK
    assert decide(WATCHES).later is Action.JUNK
    assert decide().later is Action.NONE


def test_the_hardest_demand_is_met() -> None:
    assert decide(POLICY, VIRUS, SPAM).action is Action.REFUSE
    assert decide(POLICY, SPAM).action is Action.QUARANTINE
    assert decide(POLICY, Finding("SCANNER_AWAY", 0, "away", action=Action.DEFER)).why == (
        "it has a program"
    )


def test_a_demand_for_junk_is_met_whatever_lists_say() -> None:
    macro = Finding("FILE_MACRO", 0.5, "it has macros", action=Action.JUNK)
    assert decide(macro, allowed="the server's list allows it") == Opinion(
        0.5, Action.JUNK, "it has macros"
    )
    assert decide(macro, blocked="the reader's list blocks it").action is Action.REFUSE


def test_an_entry_that_allows_wins_over_the_door_and_points() -> None:
    opinion = decide(SPAM, allowed="the list allows it", ruled="it fails DMARC")
    assert (opinion.action, opinion.why) == (Action.NONE, "the list allows it")
    assert opinion.points == 100


def test_an_entry_that_blocks_refuses() -> None:
    opinion = decide(blocked="the list blocks it", is_off=True)
    assert (opinion.action, opinion.why) == (Action.REFUSE, "the list blocks it")
    assert opinion.later is Action.JUNK


def test_off_means_off() -> None:
    assert decide(SPAM, ruled="it fails DMARC", is_off=True) == Opinion(100)


def test_what_the_door_ruled_counts_with_few_points_and_says_why() -> None:
    assert decide(ruled="it fails DMARC") == Opinion(0, Action.JUNK, "it fails DMARC")
    assert decide(SPAM, ruled="it fails DMARC").action is Action.REFUSE
    assert decide(ruled="it fails DMARC", junk=None).action is Action.JUNK


def test_postmaster_refuses_viruses_only() -> None:
    assert decide(SPAM, is_role=True).action is Action.JUNK
    assert decide(blocked="the list blocks it", is_role=True).action is Action.JUNK
    assert decide(VIRUS, is_role=True).action is Action.REFUSE


def test_each_reader_has_an_opinion_of_their_own() -> None:
    known = Finding("KNOWN_CORRESPONDENT", -3, "Alice wrote to the author", reader=7)
    found = combine([WATCHES, known], {7: Standing(), 8: Standing(), ELSEWHERE: Standing(junk=7)})
    assert {one: opinion.points for one, opinion in found.items()} == {7: 3, 8: 6, ELSEWHERE: 6}
    assert [found[one].action for one in (7, 8, ELSEWHERE)] == [
        Action.NONE,
        Action.JUNK,
        Action.NONE,
    ]
    verdict = Verdict(opinions=found)
    assert verdict.opinion(8) is found[8]
    assert verdict.opinion(None) is found[ELSEWHERE]
    assert verdict.opinion(99) == Opinion()


def test_it_names_the_strongest_reasons_first() -> None:
    found = [Finding(f"K{number}_X", number / 2, f"reason {number}") for number in range(6)]
    assert decide(*found).why == "reason 5; reason 4; reason 3"


def test_the_trace_tells_what_the_strictest_reader_wants() -> None:
    found = combine([WATCHES], {7: Standing(), 8: Standing(junk=None, refuse=6)})
    assert Verdict((WATCHES,), found).as_summary() == {
        "points": 6.0,
        "action": "refuse",
        "why": "it offers watches",
    }
    assert Verdict().as_summary() == {"points": 0.0, "action": "none"}


def test_to_lack_everything_is_no_reason_for_junk() -> None:
    lacks = {"FROM_NONE": 2.5, "HEADER_NO_DATE": 1.2, "HEADER_NO_ID": 1.0, "AUTH_NOTHING": 1.0}
    findings = [Finding(name, points, "it lacks that") for name, points in lacks.items()]
    assert weigh(findings) == (4.0, {"CARELESS": 4.0})
    assert decide(*findings).action is Action.NONE
    assert decide(*findings, Finding("TEXT_A", 1.5, "words")).action is Action.JUNK


@pytest.mark.parametrize(
    ("standing", "findings", "by"),
    [
        (Standing(), [Finding("LOUD", 9.0, "it shouts")], "points"),
        (Standing(blocked="your list blocks it"), [], "list"),
        (Standing(ruled="it is forged"), [], "door"),
        (Standing(), [Finding("ENDING", 0.0, "it brings a disk", action=Action.JUNK)], "rule"),
    ],
)
def test_it_tells_what_speaks_loudest(standing: Standing, findings: list[Finding], by: str) -> None:
    opinions = combine(findings, {7: standing})

    verdict = Verdict(tuple(findings), opinions, {7: standing})

    assert opinions[7].action is not Action.NONE
    assert verdict.decided_by(7) == by
