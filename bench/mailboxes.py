"""Asks over IMAP whether the mail has arrived: the same way, through the same TLS door, on both
sides.

One user at a time and one STATUS per 50 ms, so that asking is no load of its own: the next user
is asked as soon as the one before has everything. The answer is late by 50 ms at most, plus the
round trips of the users that are ready.
"""

import contextlib
import imaplib
import re
import ssl
import time
from collections.abc import Mapping
from typing import Final, Self

from bench.processes import BenchError
from bench.service import PASSWORD, USERS

PAUSE_SECONDS: Final = 0.05
LIMIT_SECONDS: Final = 300


class Mailboxes:
    """Twenty signed-in IMAP connections, one per user, between `__enter__` and `__exit__`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._clients: dict[str, imaplib.IMAP4_SSL] = {}

    def __enter__(self) -> Self:
        context = ssl.create_default_context()
        context.check_hostname = False  # both certificates are self-signed and made for this run
        context.verify_mode = ssl.CERT_NONE
        try:
            for user in USERS:
                client = imaplib.IMAP4_SSL("127.0.0.1", self._port, ssl_context=context, timeout=30)
                self._clients[user] = client
                client.login(user, PASSWORD)
        except (imaplib.IMAP4.error, OSError) as error:
            self.__exit__()
            raise BenchError(f"{user} could not sign in over IMAP: {error}") from error
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                client.logout()

    def count(self, user: str) -> int:
        """How many messages are in the user's inbox now."""
        answer, data = self._clients[user].status("INBOX", "(MESSAGES)")
        match = (
            re.search(rb"MESSAGES (\d+)", data[0]) if answer == "OK" and data and data[0] else None
        )
        if match is None:
            raise BenchError(f"STATUS of {user} was answered by {answer} {data!r}.")
        return int(match[1])

    def counts(self) -> dict[str, int]:
        """`count` of every user."""
        return {user: self.count(user) for user in self._clients}

    def wait_for(self, wanted: Mapping[str, int]) -> float:
        """Wait until every inbox holds at least so many messages; the monotonic time when it was
        seen."""
        deadline = time.monotonic() + LIMIT_SECONDS
        for user, count in wanted.items():
            while (seen := self.count(user)) < count:
                if time.monotonic() > deadline:
                    raise BenchError(
                        f"{user} has {seen} of {count} messages after {LIMIT_SECONDS} s."
                    )
                time.sleep(PAUSE_SECONDS)
            if seen > count:
                raise BenchError(f"{user} has {seen} messages where {count} were sent.")
        return time.monotonic()
