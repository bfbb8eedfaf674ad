"""One voice among many: what another scanner says is put on our scale, and bounded."""

import pytest

from apps.scan.base import Finding
from apps.scan.servers.answers import Answer, Symbol, scored
from apps.scan.servers.weight import LEAST, MOST, REFUSED, weighed


def _weigh(answer: Answer, scale: float = 5.0) -> list[Finding]:
    return list(weighed(answer, "spamd", scale))


def _sum(findings: list[Finding]) -> float:
    return round(sum(one.points for one in findings), 2)


def test_it_tells_each_rule_in_its_own_words() -> None:
    (one, two) = _weigh(scored(2.0, 5, [("B", -0.5, "has b"), ("A", 2.5, "has a")]))
    assert one == Finding("SPAMD_A", 2.5, "spamd says: has a")
    assert two == Finding("SPAMD_B", -0.5, "spamd says: has b")


def test_it_puts_the_points_on_our_scale() -> None:
    (found,) = _weigh(scored(3.0, 10, [("A", 3.0, "")]))
    assert found == Finding("SPAMD_A", 1.5, "spamd says: A")


@pytest.mark.parametrize(
    ("points", "symbols", "bound"),
    [
        (1000.0, [("GTUBE", 998.0, ""), ("A", 2.0, "")], MOST),
        (-100.0, [("FRIEND", -100.0, "")], LEAST),
        (20.0, [(f"R{number}", 0.5, "") for number in range(40)], MOST),
        (1e9, [], MOST),
        (10.0, [("A", 5000.0, ""), ("B", -4990.0, "")], MOST),
    ],
)
def test_it_bounds_the_sum(points: float, symbols: list[Symbol], bound: float) -> None:
    findings = _weigh(scored(points, 5, symbols))
    assert _sum(findings) == bound
    assert all(3 * LEAST <= one.points <= 3 * MOST for one in findings)
    assert len(findings) <= 21


def test_it_believes_the_sum_and_not_the_lines_of_a_report() -> None:
    findings = _weigh(scored(6.0, 5, [("A", 6.0, ""), ("FORGED_IN_A_SUBJECT", -9.0, "")]))
    assert _sum(findings) == 6.0


def test_it_says_nothing_for_nothing() -> None:
    assert _weigh(scored(0, 5, [])) == []
    assert _weigh({"state": "away", "why": "gone"}) == []


def test_it_refuses_only_what_the_scanner_would_refuse_itself() -> None:
    assert max(one.points for one in _weigh(scored(500, 15, [("A", 500, "")]))) < REFUSED
    found = _weigh(scored(0, 15, [], reject="Gtube pattern"))
    assert found == [
        Finding("SPAMD_REJECT", REFUSED, "spamd says: it would refuse it: Gtube pattern")
    ]


def test_it_survives_a_scale_of_nothing() -> None:
    assert _sum(_weigh(scored(3, 0, [("A", 3, "")]))) == 3.0
    assert _sum(_weigh(scored(3, -5, [("A", 3, "")]))) == 3.0
