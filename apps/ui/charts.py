"""Charts as SVG, drawn on the server: no chart library, no script, no inline style."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

BAR_SERIES, LINE_SERIES = (1, 3, 2, 4, 5), (1, 3, 2, 4)  # order of colours that stay apart


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)


def _steps(count: int) -> int:
    return max(count - 1, 1)


def spark(values: Sequence[float], series: int = 1, label: str = "") -> SafeString:
    """A line without axes, 200 by 36, for a number's recent course."""
    low, high = min(values, default=0), max(values, default=0)
    span = (high - low) or 1
    line = _points(
        [
            (at * 200 / _steps(len(values)), 32 - (value - low) / span * 28)
            for at, value in enumerate(values)
        ]
    )
    return format_html(
        '<svg class="spark" viewBox="0 0 200 36" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><polygon class="area f{}" points="0,36 {} 200,36"/>'
        '<polyline class="line s{}" points="{}" vector-effect="non-scaling-stroke"/></svg>',
        label,
        series,
        line,
        series,
        line,
    )


def _grid(top: float, left: int, width: int, height: int, unit: str = "") -> SafeString:
    """Five horizontal lines with their values, from 0 to `top`."""
    rows = []
    for step in range(5):
        value = top * step / 4
        y = 8 + height - step / 4 * height
        kind = "grid" if step else "axis"
        rows.append((kind, left, width, f"{y:.1f}", left - 8, f"{y + 4:.1f}", f"{value:,g}{unit}"))
    return format_html_join(
        "",
        '<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text x="{}" y="{}" text-anchor="end">{}</text>',
        ((kind, x1, x2, y, y, x, ty, words) for kind, x1, x2, y, x, ty, words in rows),
    )


def stacked_bars(
    data: Sequence[Sequence[float]],
    labels: Sequence[str],
    names: Sequence[str],
    top: float,
    label: str = "",
    every: int = 3,
) -> SafeString:
    """Bars of stacked series, 760 by 220; each bar tells its numbers as a title.

    Args:
        data: one list of values for each of `names`, as long as `labels`.
        top: the value at the upper edge.
        every: which of the labels are written below.
    """
    left, bottom, width, height = 40, 24, 760, 220
    pitch = (width - left) / max(len(labels), 1)
    inner, bar = height - bottom - 8, min((width - left) / max(len(labels), 1) * 0.66, 26)
    groups = []
    for at, name in enumerate(labels):
        x = left + at * pitch + (pitch - bar) / 2
        told = ", ".join(f"{who} {series[at]:,}" for who, series in zip(names, data, strict=True))
        groups.append((f"{name}: {told}", _stack(data, at, x, bar, inner, top)))
    below = [
        (f"{left + at * pitch + pitch / 2:.1f}", height - 6, name)
        for at, name in enumerate(labels)
        if at % every == 0
    ]
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
        width,
        height,
        label,
        _grid(top, left, width, inner),
        format_html_join("", '<g class="bar-g"><title>{}</title>{}</g>', groups),
        format_html_join("", '<text x="{}" y="{}" text-anchor="middle">{}</text>', below),
    )


def _stack(
    data: Sequence[Sequence[float]], at: int, x: float, bar: float, inner: float, top: float
) -> SafeString:
    y, parts = 8 + inner, []
    for number, series in enumerate(data):
        tall = series[at] / (top or 1) * inner
        y -= tall
        if tall > 0.3:
            shape = (f"{x:.1f}", f"{y:.1f}", f"{bar:.1f}", f"{max(tall - 0.8, 0.6):.1f}")
            parts.append((BAR_SERIES[number % len(BAR_SERIES)], *shape))
    return format_html_join(
        "", '<rect class="f{}" x="{}" y="{}" width="{}" height="{}" rx="1.5"/>', parts
    )


def lines(
    series: Sequence[Sequence[float | None]],
    labels: Sequence[str],
    top: float,
    unit: str = "",
    label: str = "",
    every: int = 2,
) -> SafeString:
    """Lines over time, 420 by 180; the first one is filled below. None is a moment of which nothing
    is known: the line goes on to the next."""
    left, bottom, width, height = 36, 22, 420, 180
    inner = height - bottom - 8
    pitch = (width - left) / _steps(len(labels))
    drawn = [
        [
            (
                left + at * (width - left) / _steps(len(values)),
                8 + inner - value / (top or 1) * inner,
            )
            for at, value in enumerate(values)
            if value is not None
        ]
        for values in series
    ]
    last = len(labels) - 1
    below = [
        (
            f"{left + at * pitch:.1f}",
            height - 5,
            "start" if at == 0 else "end" if at == last else "middle",
            name,
        )
        for at, name in enumerate(labels)
        if at % every == 0
    ]
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}{}</svg>',
        *(width, height, label, _grid(top, left, width, inner, unit)),
        _below(drawn[0] if drawn else [], 8 + inner),
        format_html_join(
            "",
            '<polyline class="line s{}" points="{}"/>',
            (
                (LINE_SERIES[number % len(LINE_SERIES)], _points(line))
                for number, line in enumerate(drawn)
            ),
        ),
        format_html_join("", '<text x="{}" y="{}" text-anchor="{}">{}</text>', below),
    )


def _below(line: Sequence[tuple[float, float]], floor: float) -> SafeString:
    """What lies between a line and the axis."""
    left, right = (line[0][0], line[-1][0]) if line else (0.0, 0.0)
    return format_html(
        '<polygon class="area f1" points="{},{} {} {},{}"/>',
        *(f"{left:.1f}", floor, _points(line), f"{right:.1f}", floor),
    )


def score_bar(value: float, top: float = 6) -> SafeString:
    """One rule's points, to the right of zero for spam, to the left for wanted mail."""
    wide = min(abs(value) / top, 1) * 42
    return format_html(
        '<svg viewBox="0 0 84 8" aria-hidden="true">'
        '<rect x="0" y="3.5" width="84" height="1" fill="var(--line-strong)"/>'
        '<rect class="{}" x="{}" y="0" width="{}" height="8" rx="1.5"/>'
        '<rect x="41.5" y="-1" width="1" height="10" fill="var(--text-3)"/></svg>',
        "f2" if value > 0 else "f3",
        f"{42 if value >= 0 else 42 - wide:.1f}",
        f"{wide:.1f}",
    )


def spam_gauge(score: float, junk: float = 6, reject: float = 15, low: float = -5) -> SafeString:
    """Where a score stands between inbox, junk and reject."""
    span = reject + 5 - low
    at_junk, at_reject = (junk - low) / span * 100, (reject - low) / span * 100
    at_score = (max(low, min(reject + 5, score)) - low) / span * 100
    return format_html(
        '<svg class="gauge" role="img" aria-label="Spam score {}; junk from {}, rejected from {}">'
        '<rect x="0" y="8" width="{}%" height="6" rx="3" fill="var(--ok)"/>'
        '<rect x="{}%" y="8" width="{}%" height="6" fill="var(--warn)"/>'
        '<rect x="{}%" y="8" width="{}%" height="6" rx="3" fill="var(--bad)"/>'
        '<circle cx="{}%" cy="11" r="7" fill="var(--raised)" stroke="var(--text)"'
        ' stroke-width="2.5"/><text x="0" y="33">inbox</text>'
        '<text x="{}%" y="33">junk {}</text><text x="{}%" y="33">reject {}</text></svg>',
        *(score, junk, reject, f"{at_junk - 0.4:.1f}"),
        *(f"{at_junk:.1f}", f"{at_reject - at_junk - 0.4:.1f}"),
        *(f"{at_reject:.1f}", f"{100 - at_reject:.1f}", f"{at_score:.1f}"),
        *(f"{at_junk:.1f}", junk, f"{at_reject:.1f}", reject),
    )
