"""What the race needs to know of a mail service, whichever it is."""

from pathlib import Path
from typing import Final, Protocol, Self

DOMAIN: Final = "bench.example"
PASSWORD: Final = "correct-horse-battery-staple-42"
A_FOLDER: Final = "(a temporary folder)"
"""What `settings` write for the folder of a run, which tells a reader nothing."""
USERS: Final = tuple(f"user{number:02d}@{DOMAIN}" for number in range(1, 21))


class Service(Protocol):
    """A started mail service with the 20 `USERS`; leaving the context ends it."""

    name: str
    smtp_port: int
    imap_port: int
    imaps_port: int
    pop3_port: int
    pop3s_port: int

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def restart(self, *, cold: bool = False) -> None:
        """End all of it and start it again, with the same ports and the same mail.

        cold: nothing of its files is in memory then.
        """

    def roots(self) -> list[int]:
        """Process ids whose trees together are the whole service."""

    def settings(self) -> list[str]:
        """Every setting that differs from what is shipped, one line each, with the reason."""


def log_end(path: Path) -> str:
    """The end of a log, for an error message: ten lines of 300 characters; empty without a log."""
    if not path.exists():
        return ""
    return "\n".join(line[:300] for line in path.read_text(errors="replace").splitlines()[-10:])
