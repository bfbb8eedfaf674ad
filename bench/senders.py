"""The load of the outbound race: 20 connections that hand messages in, one recipient each.

Both services get the same octets from the same client; ours asks for a password first, Postfix
takes mail of its own machine.
"""

import smtplib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from bench.service import PASSWORD, USERS

CONNECTIONS: Final = 20
SENDER: Final = USERS[0]


def compose(recipient: str, number: int, size: int) -> bytes:
    """A message of about `size` octets."""
    head = (
        f"From: {SENDER}\r\nTo: {recipient}\r\nSubject: number {number}\r\n"
        f"Date: Thu, 26 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}@bench.example>\r\n\r\n"
    )
    line = "The quick brown fox jumps over the lazy dog, and then it sleeps.\r\n"
    return (head + line * max(1, (size - len(head)) // len(line))).encode()


def send(
    port: int,
    recipients: Sequence[str],
    *,
    size: int,
    signs_in: bool,
    connections: int = CONNECTIONS,
    first: int = 0,
    pause: float = 0.0,
) -> dict[int, float]:
    """Hand in one message per recipient; the moment (time.monotonic) before each was begun.

    Args:
        first: number of the first message.
        pause: seconds between two messages of one connection.
    """
    began: dict[int, float] = {}
    errors: list[Exception] = []
    numbered = list(enumerate(recipients, first))

    def one(share: Sequence[tuple[int, str]]) -> None:
        try:
            _send_share(port, share, began, size=size, signs_in=signs_in, pause=pause)
        except (OSError, smtplib.SMTPException) as error:
            errors.append(error)

    _together([lambda n=n: one(numbered[n::connections]) for n in range(connections)])  # type: ignore[misc]
    if errors:
        raise errors[0]
    return began


def _send_share(
    port: int,
    share: Sequence[tuple[int, str]],
    began: dict[int, float],
    *,
    size: int,
    signs_in: bool,
    pause: float,
) -> None:
    if not share:
        return
    with smtplib.SMTP("127.0.0.1", port, timeout=120) as client:
        if signs_in:
            client.login(SENDER, PASSWORD)
        for number, recipient in share:
            began[number] = time.monotonic()
            client.sendmail(SENDER, [recipient], compose(recipient, number, size))
            if pause:
                time.sleep(pause)


def _together(work: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
