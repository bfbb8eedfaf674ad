"""The race of reading as a table, as JSON and as docs/benchmarks-imap.md; the look is report's."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bench import report
from bench.imap import Measured
from bench.mailrows import Row
from bench.peer import FAST_NAME
from bench.report import OURS, Line

MET: Final = "goal met"
MISSED: Final = "missed"


def lines(rows: Sequence[Measured]) -> list[Line]:
    """One line for each row and each peer it was measured beside. A service that did not take part
    leaves its column empty."""
    return [_line(one, peer) for one in rows for peer in _peers(one)]


def _peers(measured: Measured) -> list[str]:
    found = dict.fromkeys(sample.service for sample in measured.samples)
    return [name for name in found if name != OURS] or [measured.row.peer]


def _line(measured: Measured, peer: str) -> Line:
    row = measured.row
    figures = {name: measured.of(name) for name in (peer, OURS)}
    medians = {name: statistics.median(values) for name, values in figures.items() if values}
    pairs = [
        _ratio(row, ours, theirs)
        for ours, theirs in zip(figures[OURS], figures[peer], strict=False)
    ]
    # The median of the pairs and not the medians' ratio: both of a pair met the same noise.
    ratio = statistics.median(pairs) if pairs else None
    spread = len(pairs) > 1
    is_judged = peer == row.peer
    return Line(
        work=row.name + (", beside its fast mode" if peer == FAST_NAME else ""),
        measured="median" if spread or not pairs else "once",
        unit=row.unit,
        peer=medians.get(peer),
        ours=medians.get(OURS),
        ratio=ratio,
        low=min(pairs) if spread else None,
        high=max(pairs) if spread else None,
        goal=_goal(row) if is_judged else "",
        verdict=_verdict(row, ratio, medians.get(OURS)) if is_judged else "",
    )


def _ratio(row: Row, ours: float, peer: float) -> float:
    return peer / max(ours, 1e-9) if row.less_is_better else ours / max(peer, 1e-9)


def _goal(row: Row) -> str:
    if row.limit is not None:
        return f"{row.limit:g} {row.unit}"
    if row.goal is None:
        return ""
    return f"{row.goal:g}x" + (f" (floor {row.floor:g}x)" if row.floor else "")


def _verdict(row: Row, ratio: float | None, ours: float | None) -> str:
    if row.limit is not None and ours is not None:
        return MET if ours <= row.limit else MISSED
    if row.goal is None or ratio is None:
        return ""
    if ratio >= row.goal:
        return MET
    if row.floor is None:
        return MISSED
    return "floor met" if ratio >= row.floor else "UNDER THE FLOOR"


def misses(rows: Sequence[Measured]) -> list[str]:
    """A remark for each row whose goal is missed: the row, and why, where that is known."""
    missed = {
        line.work.partition(", beside its")[0] for line in lines(rows) if line.verdict == MISSED
    }
    return [
        f"Missed: {one.row.name}." + (f" {one.row.why}" if one.row.why else "")
        for one in rows
        if one.row.name in missed
    ]


def notes(rows: Sequence[Measured], messages: int, runs: int) -> list[str]:
    """What a reader must know before believing a figure."""
    shares = [sample.other_cpu for one in rows for sample in one.samples]
    return [
        report.machine(),
        f"{messages:,} messages of about 4 KB in the INBOX (every fifth has a file attached),"
        " the same on both sides; all over TLS where a row does not say otherwise, from one"
        " machine. Dovecot's certificate is RSA of 2,048 bits, as Debian makes one at installation,"
        " and ECDSA in its fast mode, as ours is.",
        "Rows about crowds (mixed work, sign-ins, idle clients, SMTP's 250) had services of their"
        " own, ours with CONNECTIONS_PER_USER=2000.",
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
