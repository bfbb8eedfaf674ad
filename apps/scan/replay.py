"""A verdict computed again: from what was looked up then, with the rules of now."""

from collections.abc import Mapping, Sequence
from typing import Final

from apps.scan import runner
from apps.scan.base import Check
from apps.scan.record import Record
from apps.scan.verdict import Standing, Verdict


def again(
    record: Record,
    raw: bytes,
    *,
    standings: Mapping[int, Standing] | None = None,
    checks: Sequence[Check] | None = None,
) -> Verdict:
    """Judge a message again. With the same rules the verdict is the same, to the last digit.

    Args:
        raw: the message as it was judged.
        standings: what readers want; None: what they wanted then.
    """
    known = record.verdict
    unasked = [name for name in known.failed if name not in known.given]
    wanted: Final = known.standings if standings is None else standings
    return runner.judge(record.with_message(raw), known.given, wanted, checks, unasked)
