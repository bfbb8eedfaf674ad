"""The race as a table, as JSON, and as docs/benchmarks.md."""

import dataclasses
import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.receive import Memory, Row, Sample

OURS: Final = "mailhost"
PEER: Final = "Postfix + Dovecot"
LISTENER_GOAL: Final = 2000  # messages of 4 KB per processor second of the listener

# The rows of the race that have a goal: name of the workload, what is measured, goal, floor.
KEPT: Final = "4 KB, 20 connections, kept"
EACH: Final = "4 KB, 20 connections, one message each"
GOALS: Final[Mapping[tuple[str, str], tuple[float, float]]] = {
    (KEPT, "accepted"): (4, 2),
    (EACH, "accepted"): (3, 2),
    (KEPT, "visible"): (5, 3),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; `ratio` is how many times better we are, `low` and `high` of single
    pairs."""

    work: str
    measured: str
    unit: str
    peer: float | None
    ours: float | None
    ratio: float | None
    low: float | None
    high: float | None
    goal: str
    verdict: str


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    unit: str
    read: Callable[[Sample, int], float]
    less_is_better: bool = False


MEASURES: Final = (
    _Measure("accepted", "msg/s", lambda sample, _: sample.accepted),
    _Measure("visible", "msg/s", lambda sample, _: sample.visible),
    _Measure(
        "CPU per message",
        "ms",
        lambda sample, count: sample.service_cpu / count * 1e3,
        less_is_better=True,
    ),
)


def lines(rows: Sequence[Row], memory: Sequence[Memory]) -> list[Line]:
    """The whole table. A service that did not take part leaves its column empty."""
    table = [_line(row, measure) for row in rows for measure in MEASURES]
    table += [
        line for row in rows if row.workload.name in (KEPT, EACH) and (line := _listener(row))
    ]
    for when in ("idle", "after"):
        values = {one.service: getattr(one, when) / 2**20 for one in memory}
        table.append(_compare(f"memory, {when}", "PSS", "MB", values, less_is_better=True))
    return table


def _line(row: Row, measure: _Measure) -> Line:
    count = row.workload.messages
    figures = {
        name: [measure.read(sample, count) for sample in row.of(name)] for name in (OURS, PEER)
    }
    medians = {name: statistics.median(values) for name, values in figures.items() if values}
    pairs = [
        _ratio(ours, peer, measure.less_is_better)
        for ours, peer in zip(figures[OURS], figures[PEER], strict=False)
    ]
    line = _compare(row.workload.name, measure.name, measure.unit, medians, measure.less_is_better)
    if (ratio := line.ratio) is None:
        return line
    line = dataclasses.replace(line, low=min(pairs), high=max(pairs))
    limits = GOALS.get((row.workload.name, measure.name))
    return _judged(line, ratio, *limits) if limits else line


def _judged(line: Line, ratio: float, goal: float, floor: float) -> Line:
    verdict = "goal met" if ratio >= goal else "floor met" if ratio >= floor else "UNDER THE FLOOR"
    return dataclasses.replace(line, goal=f"{goal:g}x (floor {floor:g}x)", verdict=verdict)


def _listener(row: Row) -> Line | None:
    # A tick of /proc is 10 ms: a listener that used less than ten has not been measured.
    figures = [
        row.workload.messages / s.listener_cpu for s in row.of(OURS) if s.listener_cpu >= 0.1
    ]
    if not figures:
        return None
    rate = statistics.median(figures)
    return Line(
        work=row.workload.name,
        measured="listener",
        unit="msg/CPU-s",
        peer=None,
        ours=rate,
        ratio=None,
        low=None,
        high=None,
        goal=f"{LISTENER_GOAL}",
        verdict="goal met" if rate >= LISTENER_GOAL else "UNDER THE FLOOR",
    )


def _ratio(ours: float, peer: float, less_is_better: bool) -> float:
    return peer / max(ours, 1e-9) if less_is_better else ours / max(peer, 1e-9)


def _compare(
    work: str, measured: str, unit: str, values: Mapping[str, float], less_is_better: bool
) -> Line:
    ours, peer = values.get(OURS), values.get(PEER)
    ratio = None if ours is None or peer is None else _ratio(ours, peer, less_is_better)
    return Line(work, measured, unit, peer, ours, ratio, low=None, high=None, goal="", verdict="")


HEADINGS: Final = ("work", "measured", "peer", "ours", "ratio (min-max)", "goal", "")


def _cells(line: Line) -> tuple[str, ...]:
    spread = (
        f" ({line.low:.1f}-{line.high:.1f})"
        if line.low is not None and line.high is not None
        else ""
    )
    ratio = "" if line.ratio is None else f"{line.ratio:.1f}x{spread}"
    return (
        line.work,
        f"{line.measured}, {line.unit}",
        _figure(line.peer),
        _figure(line.ours),
        ratio,
        line.goal,
        line.verdict,
    )


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 20 else f"{value:.2f}"


def text(table: Sequence[Line]) -> str:
    """The table for a terminal."""
    rows = [HEADINGS, *map(_cells, table)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    shown = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([shown[0], "-" * len(shown[0]), *shown[1:]])


def notes(rows: Sequence[Row], runs: int) -> list[str]:
    """What a reader must know before believing a figure."""
    shares = [sample.other_cpu / sample.seconds for row in rows for sample in row.samples]
    return [
        machine(),
        f"Medians of {runs} runs, both services in turn; min-max are of pairs taken side by side.",
        f"Other processes used {statistics.median(shares):.2f} cores meanwhile (median;"
        f" {max(shares):.2f} at worst): above 0.1 compare CPU per message, not rates.",
        *(f"{row.workload.name}: {row.workload.messages} messages a run." for row in rows),
    ]


def machine() -> str:
    """What all ran on."""
    versions = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({_processor()}), {versions}."


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def as_json(
    rows: Sequence[Row], memory: Sequence[Memory], settings: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Everything, for a program: the table, each single sample, the settings."""
    return {
        "table": [dataclasses.asdict(line) for line in lines(rows, memory)],
        "rows": [dataclasses.asdict(row) for row in rows],
        "memory": [dataclasses.asdict(one) for one in memory],
        "settings": {name: list(values) for name, values in settings.items()},
    }


def markdown(
    table: Sequence[Line],
    remarks: Sequence[str],
    settings: Mapping[str, Sequence[str]],
    *,
    title: str = "Benchmarks",
    made_by: str = "receive --save docs/benchmarks.md",
) -> str:
    """A page of the documentation."""
    parts = [
        f"# {title}",
        "",
        f"Made by `python -m bench {made_by}`; `bench/README.md` says what"
        " each number means. Both services ran on the same machine in the same run, with their"
        " shipped defaults.",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|---|---|--:|--:|---|---|---|",
        *("| " + " | ".join(_cells(line)) + " |" for line in table),
        "",
        *(f"- {remark}" for remark in remarks),
        "",
        "## Settings",
    ]
    for name, values in settings.items():
        parts += ["", f"### {name}", "", "```", *values, "```"]
    return "\n".join(parts) + "\n"
