"""Checks for tests that want a certain verdict: what a letter says in its subject is found in it.

`Subject: JUNK` gets six points, `SPAM` twenty, `VIRUS` is to be refused as dangerous, `POLICY` kept
in quarantine, `DEFER` put off, `HEAVY` nothing; `for 7 SPAM` speaks for the reader 7 alone.
"""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from apps.scan.base import Action, Case, Finding

_SUBJECT = re.compile(rb"^Subject: (?:for (\d+) )?([A-Z]+)\r$", re.MULTILINE)
_FINDINGS = {
    b"JUNK": ("TEST_JUNK", 6.0, Action.NONE),
    b"SPAM": ("TEST_SPAM", 20.0, Action.NONE),
    b"VIRUS": ("TEST_VIRUS", 0.0, Action.REFUSE),
    b"POLICY": ("TEST_POLICY", 0.0, Action.QUARANTINE),
    b"DEFER": ("TEST_DEFER", 0.0, Action.DEFER),
}


class SubjectCheck:
    """See the module. `seen` holds the sizes of the batches it was asked about."""

    name: ClassVar[str] = "subject"

    def __init__(self) -> None:
        self.seen: list[int] = []

    def gather(self, cases: Sequence[Case]) -> Sequence[Any]:
        self.seen.append(len(cases))
        return [None for _ in cases]

    def judge(self, case: Case, given: Any) -> Sequence[Finding]:
        found = _SUBJECT.search(case.raw)
        if found is None or found[2] not in _FINDINGS:
            return []
        rule, points, action = _FINDINGS[found[2]]
        reader = int(found[1]) if found[1] else None
        return [Finding(rule, points, f"its subject is {found[2].decode()}", reader, action)]


def letter(subject: str, number: int = 0) -> bytes:
    """A message that `SubjectCheck` understands."""
    return (
        "From: Carol <carol@outside.invalid>\r\nTo: alice@example.test\r\n"
        f"Subject: {subject}\r\nDate: Tue, 24 Nov 2026 10:00:00 +0100\r\n"
        f"Message-ID: <{subject.replace(' ', '.')}{number}@outside.invalid>\r\n\r\n"
        "The figures are attached.\r\n"
    ).encode()
