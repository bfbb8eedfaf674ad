"""UID sets as the journal keeps them: `3,5:9,12`. Pure."""

from collections.abc import Iterable


def uid_set(uids: Iterable[int]) -> str:
    """The shortest sequence-set (RFC 3501 section 9) of these UIDs, in rising order."""
    runs: list[tuple[int, int]] = []
    first = last = 0
    for uid in sorted(uids):
        if uid > last + 1 or not last:
            if last:
                runs.append((first, last))
            first = uid
        last = uid
    if last:
        runs.append((first, last))
    return ",".join([f"{low}:{high}" if low < high else f"{low}" for low, high in runs])


def uids_in(text: str) -> list[int]:
    """The inverse."""
    uids: list[int] = []
    for part in text.split(",") if text else ():
        first, _, last = part.partition(":")
        uids.extend(range(int(first), int(last or first) + 1))
    return uids
