"""MTA-STS (RFC 8461): the record that announces a policy, the policy itself, and whom it allows.

No I/O. Both texts come from strangers: bounded, read in one pass, and what the RFC does not know is
passed over.
"""

import itertools
import re
from dataclasses import dataclass
from typing import Final, Literal

POLICY_BYTES: Final = 64 * 1024
"""Largest policy that is read (RFC 8461 section 3.3)."""
MAX_PATTERNS: Final = 100
LINE_SHOWN: Final = 300
"""Characters of a line that go into a report."""
MAX_AGE: Final = 31_557_600
"""Longest life of a policy, in seconds: a year (RFC 8461 section 3.2)."""

Mode = Literal["enforce", "testing", "none"]

_RECORD = re.compile(rb"v=STSv1[ \t]*;")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z")
_PATTERN = re.compile(r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63}\Z")
_MODES: dict[str, Mode] = {"enforce": "enforce", "testing": "testing", "none": "none"}


class PolicyInvalidError(Exception):
    """A policy that cannot be used; its text says why."""


@dataclass(frozen=True, slots=True)
class Sts:
    """A policy, as its domain published it.

    Args:
        id: of the DNS record under which it was fetched.
        patterns: host names, or `*.example.org`; lower case A-labels.
        max_age: seconds it may be kept.
        text: as fetched.
    """

    id: str
    mode: Mode
    patterns: tuple[str, ...]
    max_age: int
    text: str

    def allows(self, host: str) -> bool:
        """Whether an MX host is one of the domain's (section 4.1); `host` is a lower case A-label.
        A `*` stands for one whole label."""
        label, _, parent = host.partition(".")
        if label in {"", "*"}:  # no host's name, whatever a stranger's MX record says
            return False
        return host in self.patterns or f"*.{parent}" in self.patterns

    @property
    def lines(self) -> tuple[str, ...]:
        """The policy's lines, for a report."""
        lines = (line[:LINE_SHOWN] for line in self.text.splitlines() if line.strip())
        return tuple(itertools.islice(lines, MAX_PATTERNS + 3))


def policy_id(records: tuple[bytes, ...]) -> str | None:
    """The id in the TXT records of `_mta-sts.…`; None if they announce no policy.

    Anything but exactly one record of ours counts as none (section 3.1).
    """
    ours = [one for one in records if _RECORD.match(one)]
    if len(ours) != 1:
        return None
    for pair in ours[0].decode("ascii", "replace").split(";")[1:]:
        name, _, value = pair.partition("=")
        if name.strip() == "id" and _ID.match(value.strip()):
            return value.strip()
    return None


def parse(text: str, identity: str) -> Sts:
    """Read a policy (section 3.2).

    Raises:
        PolicyInvalidError: it must be treated as if there were none.
    """
    if _CONTROL.search(text):
        raise PolicyInvalidError("it is no text")  # and some databases could not keep it
    first, patterns = _pairs(text)
    if first.get("version") != "STSv1":
        raise PolicyInvalidError("it is not of version STSv1")
    mode = _MODES.get(first.get("mode", ""))
    if mode is None:
        raise PolicyInvalidError("its mode is neither enforce, testing nor none")
    age = first.get("max_age", "")
    if not (age.isascii() and age.isdigit() and len(age) <= 10):
        raise PolicyInvalidError("its max_age is no number of seconds")
    if not patterns and mode != "none":
        raise PolicyInvalidError("it names no mx")
    if len(patterns) > MAX_PATTERNS:
        raise PolicyInvalidError(f"it names more than {MAX_PATTERNS} mx")
    wrong = next((one for one in patterns if len(one) > 255 or not _PATTERN.match(one)), None)
    if wrong is not None:
        raise PolicyInvalidError("one of its mx is no host name")
    return Sts(identity, mode, tuple(patterns), min(int(age), MAX_AGE), text)


def _pairs(text: str) -> tuple[dict[str, str], list[str]]:
    """Names with their first values (a repeated one counts once, section 3.2), and all `mx`."""
    first: dict[str, str] = {}
    patterns: list[str] = []
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            continue
        if name.strip() == "mx":
            patterns.append(value.strip().lower().removesuffix("."))
        else:
            first.setdefault(name.strip(), value.strip())
    return first, patterns
