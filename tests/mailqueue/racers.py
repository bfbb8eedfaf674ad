"""Two processes that race for the same messages: one sends or judges, one cancels, takes or
withdraws.

`python -m tests.mailqueue.racers send PORT`, `cancel` …: for each line `NUMBER ID LATE` that it
reads, a racer does its best, LATE seconds later, and says how it went.
"""

import os
import random
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable
from unittest.mock import patch
from uuid import UUID

from tests.support import processes

Race = Callable[[int, UUID], str]

LONGEST_START = 0.002  # seconds by which one may be late, so that either is first now and then


def start(job: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start a racer on the test's database."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.mailqueue.racers", job, *map(str, arguments)],
        cwd=processes.ROOT,
        env={**os.environ, **processes.environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def destination(number: int) -> str:
    return f"mx/race-{number}.test"


def _sender(port: str) -> Race:
    from django.db import transaction

    from apps.mailqueue import services
    from tests.mailqueue.leaving import results

    client = smtplib.SMTP("127.0.0.1", int(port), timeout=60)

    def send(number: int, message_id: UUID) -> str:
        found = services.claim_destination(destination(number), 1)
        if not found:
            return "nothing"
        (message,) = found
        mine = [one.id for one in message.recipients]
        if services.check([message.token], mine) != set(mine):
            return "lost"
        client.sendmail(message.sender, [message.recipients[0].address], b"Subject: race\r\n\r\n")
        with transaction.atomic():
            services.settle_outgoing(results(message, "delivered"))
        return "sent"

    return send


def _processor() -> Race:
    """Delivers to mailboxes here, as the worker does; what it looks at before would only make it
    the slower one each time."""
    from apps.delivery import process
    from apps.scan import runner

    patch.object(runner, "CHECKS", ()).start()

    def deliver(number: int, message_id: UUID) -> str:
        process.run_once(1)
        return "done"

    return deliver


def _canceller() -> Race:
    from django.db import transaction

    from apps.mailqueue import services

    def cancel(number: int, message_id: UUID) -> str:
        with transaction.atomic():
            return services.cancel(message_id)[0].name

    return cancel


def _judge() -> Race:
    """Judges, and does what the verdict says, as the worker does."""
    from apps.delivery import process
    from apps.scan import runner
    from tests.support.verdicts import SubjectCheck

    patch.object(runner, "CHECKS", (SubjectCheck(),)).start()

    def judge(number: int, message_id: UUID) -> str:
        process.run_once()
        return "done"

    return judge


def _taker() -> Race:
    """A door that has waited long enough."""
    from apps.mailqueue import services

    def take(number: int, message_id: UUID) -> str:
        (outcome,) = services.accept_offered([message_id])
        return "REFUSED" if outcome.refusal else "OURS"

    return take


def _withdrawer() -> Race:
    """A door whose client hung up."""
    from django.db import transaction

    from apps.mailqueue import services

    def withdraw(number: int, message_id: UUID) -> str:
        with transaction.atomic():
            withdrawn, _ = services.withdraw([message_id])
        return "WITHDRAWN" if withdrawn else "OURS"

    return withdraw


_JOBS: dict[str, Callable[..., Race]] = {
    "send": _sender,
    "process": _processor,
    "cancel": _canceller,
    "judge": _judge,
    "take": _taker,
    "withdraw": _withdrawer,
}


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    import django

    django.setup()
    race = _JOBS[sys.argv[1]](*sys.argv[2:])
    _say("ready")
    for line in sys.stdin:
        number, message_id, late = line.split()
        start_at = time.perf_counter() + float(late) + random.uniform(0, LONGEST_START)
        while time.perf_counter() < start_at:
            pass
        _say(race(int(number), UUID(message_id)))


if __name__ == "__main__":
    main()
