"""The race of reading as a table, as JSON and as docs/benchmarks-imap.md; the look is report's."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from bench import report
from bench.imap import Measured
from bench.mailrows import Row
from bench.report import OURS, PEER, Line


def lines(rows: Sequence[Measured]) -> list[Line]:
    """One line for each row. A service that did not take part leaves its column empty."""
    return [_line(one) for one in rows]


def _line(measured: Measured) -> Line:
    row = measured.row
    figures = {name: measured.of(name) for name in (PEER, OURS)}
    medians = {name: statistics.median(values) for name, values in figures.items() if values}
    pairs = [
        _ratio(row, ours, peer) for ours, peer in zip(figures[OURS], figures[PEER], strict=False)
    ]
    # The median of the pairs and not the medians' ratio: both of a pair met the same noise.
    ratio = statistics.median(pairs) if pairs else None
    spread = len(pairs) > 1
    return Line(
        work=row.name,
        measured="median" if spread or not pairs else "once",
        unit=row.unit,
        peer=medians.get(PEER),
        ours=medians.get(OURS),
        ratio=ratio,
        low=min(pairs) if spread else None,
        high=max(pairs) if spread else None,
        goal=_goal(row),
        verdict="" if ratio is None else _verdict(row, ratio),
    )


def _ratio(row: Row, ours: float, peer: float) -> float:
    return peer / max(ours, 1e-9) if row.less_is_better else ours / max(peer, 1e-9)


def _goal(row: Row) -> str:
    if row.goal is None:
        return ""
    return f"{row.goal:g}x" + (f" (floor {row.floor:g}x)" if row.floor else "")


def _verdict(row: Row, ratio: float) -> str:
    if row.goal is None:
        return ""
    if ratio >= row.goal:
        return "goal met"
    if row.floor is None:
        return "missed"
    return "floor met" if ratio >= row.floor else "UNDER THE FLOOR"


def notes(rows: Sequence[Measured], messages: int, runs: int) -> list[str]:
    """What a reader must know before believing a figure."""
    shares = [sample.other_cpu for one in rows for sample in one.samples]
    return [
        report.machine(),
        f"{messages:,} messages of about 4 KB in the INBOX (every fifth has a file attached),"
        " the same on both sides; all over TLS, from one machine.",
        f"Up to {runs} rounds, both services in turn, the first not counted; a figure is the median"
        " of the rounds, each the median of a few runs; min-max are of pairs taken side by side.",
        f"Other processes used {statistics.median(shares):.2f} cores meanwhile (median;"
        f" {max(shares):.2f} at worst): above 0.1 believe the ratios only, above 0.5 nothing.",
    ]


def as_json(rows: Sequence[Measured], settings: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Everything, for a program: the table, each single sample, the settings."""
    return {
        "table": [dataclasses.asdict(line) for line in lines(rows)],
        "samples": {
            one.row.name: [dataclasses.asdict(sample) for sample in one.samples] for one in rows
        },
        "settings": {name: list(values) for name, values in settings.items()},
    }
