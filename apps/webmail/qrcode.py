"""A QR code as the outline of an SVG: no style, no script, so it may stand in any page."""

from dataclasses import dataclass

import segno


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a template needs: `<svg viewBox="{{ view_box }}"><path d="{{ path }}"/></svg>`."""

    view_box: str
    path: str


QUIET = 2  # modules around it, beside the white edge that the style sheet gives


def drawn(text: str) -> Drawing:
    """Draw a text: one rectangle for each run of dark modules in a row."""
    rows = [bytes(row) for row in segno.make(text, micro=False, error="m").matrix]
    side = len(rows) + 2 * QUIET
    path = "".join(
        f"M{start} {y}h{end - start}v1h-{end - start}z"
        for y, row in enumerate(rows)
        for start, end in _runs(row)
    )
    return Drawing(f"{-QUIET} {-QUIET} {side} {side}", path)


def _runs(row: bytes) -> list[tuple[int, int]]:
    """Where dark modules begin and end."""
    edges = [x for x in range(len(row) + 1) if _is_dark(row, x) != _is_dark(row, x - 1)]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _is_dark(row: bytes, x: int) -> bool:
    return 0 <= x < len(row) and bool(row[x])
