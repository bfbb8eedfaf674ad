"""The rows of the mailbox race that speak POP3: signing in, listing, and RETR as clients do it."""

import threading
import time
from typing import Final

from bench.mailrows import ME, Row, Side
from bench.processes import BenchError
from bench.service import USERS
from bench.talk import Pop3

PARALLEL: Final = USERS[1:5]
"""One connection each: a maildrop admits one session at a time (RFC 1939 section 4)."""
SHARE: Final = 250
"""Messages in the INBOX of each of them."""
ALONE: Final = 1000


def _sign_in(side: Side, _: int) -> float:
    began = time.perf_counter()
    with Pop3(side.service.pop3s_port, ME) as client:
        client.run("STAT")
        taken = time.perf_counter() - began
        client.run("QUIT")
    return taken * 1e3


def _listing(verb: str) -> Row:
    def measure(side: Side, _: int) -> float:
        with Pop3(side.service.pop3s_port, ME) as client:
            taken = min(client.read(verb) for _ in range(3))
            client.run("QUIT")
        return taken * 1e3

    return Row(f"POP3 {verb}, all", "ms", measure, goal=1)


def _alone(side: Side, _: int) -> float:
    count = min(ALONE, side.messages)
    with Pop3(side.service.pop3s_port, ME) as client:
        began = time.perf_counter()
        for number in range(1, count + 1):
            client.read(f"RETR {number}")
        taken = time.perf_counter() - began
    return count / taken


def _together(side: Side, _: int) -> float:
    clients = [Pop3(side.service.pop3s_port, user) for user in PARALLEL]
    failed: list[BaseException] = []

    def retrieve(client: Pop3) -> None:
        try:
            for number in range(1, SHARE + 1):
                client.read(f"RETR {number}")
        except (BenchError, OSError) as error:
            failed.append(error)

    threads = [threading.Thread(target=retrieve, args=(client,)) for client in clients]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - began
    for client in clients:
        client.close()
    if failed:
        raise BenchError(f"RETR over {len(clients)} connections: {failed[0]}")
    return SHARE * len(clients) / taken


ROWS: Final = (
    Row("POP3 sign-in and STAT", "ms", _sign_in),
    _listing("LIST"),
    _listing("UIDL"),
    Row("POP3 RETR of 1,000, 1 connection", "msg/s", _alone, goal=1, less_is_better=False),
    Row("POP3 RETR of 1,000, 4 connections", "msg/s", _together, goal=1, less_is_better=False),
)
