"""UID sets as the journal keeps them: `3,5:9,12`. Pure."""

from collections.abc import Iterable


def uid_set(uids: Iterable[int]) -> str:
    """The shortest sequence-set (RFC 3501 section 9) of these UIDs, in rising order."""
    parts: list[str] = []
    first = last = 0
    for uid in sorted(uids):
        if uid <= last and parts:
            continue
        if last and uid == last + 1:
            last = uid
            parts[-1] = f"{first}:{last}"
        else:
            first = last = uid
            parts.append(str(uid))
    return ",".join(parts)


def uids_in(text: str) -> list[int]:
    """The inverse."""
    uids: list[int] = []
    for part in text.split(",") if text else ():
        first, _, last = part.partition(":")
        uids.extend(range(int(first), int(last or first) + 1))
    return uids
