"""The rows of the mailbox race that speak POP3: signing in, listing, and RETR as clients do it."""

import threading
import time
from typing import Final

from bench.mailrows import ME, Measure, Row, Side
from bench.processes import BenchError
from bench.service import USERS
from bench.talk import Pop3

PARALLEL: Final = USERS[1:5]
"""One connection each: a maildrop admits one session at a time (RFC 1939 section 4)."""
SHARE: Final = 250
"""Messages in the INBOX of each of them."""
ALONE: Final = 1000
# What a reader is told of a goal that is missed.
_ALL: Final = (
    "One process of ours, in an interpreter, unpacks and dot-stuffs for all; over TLS, as people"
    " read mail, the encryption weighs more."
)


def _client(side: Side, user: str, *, tls: bool) -> Pop3:
    service = side.service
    return Pop3(service.pop3s_port if tls else service.pop3_port, user, tls=tls)


def _sign_in(side: Side, _: int) -> float:
    began = time.perf_counter()
    with _client(side, ME, tls=True) as client:
        client.run("STAT")
        taken = time.perf_counter() - began
        client.run("QUIT")
    return taken * 1e3


def _listing(verb: str) -> Row:
    def measure(side: Side, _: int) -> float:
        with _client(side, ME, tls=True) as client:
            taken = min(client.read(verb) for _ in range(3))
            client.run("QUIT")
        return taken * 1e3

    return Row(f"POP3 {verb}, all", "ms", measure, goal=1)


def _alone(*, tls: bool) -> Measure:
    def measure(side: Side, _: int) -> float:
        count = min(ALONE, side.messages)
        with _client(side, ME, tls=tls) as client:
            began = time.perf_counter()
            for number in range(1, count + 1):
                client.read(f"RETR {number}")
            taken = time.perf_counter() - began
        return count / taken

    return measure


def _together(*, tls: bool) -> Measure:
    def measure(side: Side, _: int) -> float:
        clients = [_client(side, user, tls=tls) for user in PARALLEL]
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

    return measure


def _retrieving(name: str, measure: Measure) -> Row:
    return Row(name, "msg/s", measure, goal=1, less_is_better=False, why=_ALL)


ROWS: Final = (
    Row("POP3 sign-in and STAT", "ms", _sign_in),
    _listing("LIST"),
    _listing("UIDL"),
    _retrieving("POP3 RETR of 1,000, 1 connection", _alone(tls=True)),
    _retrieving("POP3 RETR of 1,000, 4 connections", _together(tls=True)),
    _retrieving("POP3 RETR of 1,000 without TLS, 1 connection", _alone(tls=False)),
    _retrieving("POP3 RETR of 1,000 without TLS, 4 connections", _together(tls=False)),
)
