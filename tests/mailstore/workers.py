"""Jobs that run in processes of their own, to be killed or starved: `python -m
tests.mailstore.workers JOB ARG...`.

`start` gives them the test's database and data folder. Each prints lines that the test reads.
"""

import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from tests.support import processes


def start(
    job: str, *arguments: object, wrap: Sequence[str] = (), **environment: str
) -> "subprocess.Popen[str]":
    """Start a job; `wrap` is a command to run it under."""
    words = [*wrap, sys.executable, "-m", "tests.mailstore.workers", job, *map(str, arguments)]
    return subprocess.Popen(
        words,
        cwd=processes.ROOT,
        env={**os.environ, **processes.environment(), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def reserve(user_id: str, size: str, times: str) -> None:
    """Reserve again and again; say how often it worked."""
    from django.db import transaction

    from apps.mailstore.services import quota

    taken = 0
    for _ in range(int(times)):
        with transaction.atomic():
            taken += not quota.reserve([(int(user_id), int(size))])
    say(taken)


def deliver(mailbox_id: str, name: str, threads: str) -> None:
    """Deliver for ever on several threads; say what was committed, once it was."""
    from apps.mailstore.models import Mailbox
    from tests.mailstore.making import delivered, filing, numbered, prepared

    mailbox = Mailbox.objects.get(pk=mailbox_id)

    def work(thread: int) -> None:
        number = 0
        while True:
            marks = [f"{name}-{thread}-{number + n}" for n in range(3)]
            number += 3
            raws = [numbered(0, 10).replace(b"Lunch 0", mark.encode()) for mark in marks]
            filed = delivered([filing(mailbox, prepared(raw)) for raw in raws])
            for mark, one in zip(marks, filed, strict=True):
                say(mark, one.uid, one.uidvalidity)

    for thread in range(int(threads)):
        threading.Thread(target=work, args=(thread,)).start()


def bring_back(mailbox_id: str) -> None:
    """Bring back all that was expunged, two in a transaction; say so before each."""
    from apps.mailstore.services import undelete
    from tests.mailstore.making import ORIGIN

    some = undelete._bring_back_some

    def told(*arguments: Any) -> list[tuple[int, int]]:
        say("next")
        return some(*arguments)

    vars(undelete).update(CHUNK=2, _bring_back_some=told)
    undelete.messages(mailbox_id=int(mailbox_id), origin=ORIGIN)


def fill(folder: str, kind: str, empty: str) -> None:
    """Fill a small disk with mail, beginning with a copy of the database `empty`; read on it, make
    room, write again."""
    from apps.mailstore.queries import shown_bytes
    from tests.mailstore.making import box

    shutil.copyfile(empty, f"{folder}/mail.sqlite3")
    from apps.provisioning import services as provisioning

    provisioning.add_domain("example.test")
    inbox = box(provisioning.add_user("alice@example.test", "correct horse battery")[0])
    raw = os.urandom(300_000)
    first = _append_until_full(inbox.pk, lambda: raw)
    small = _append_until_full(inbox.pk, lambda: os.urandom(9_000))
    say("full", first[0], small[0])
    say("read", shown_bytes(first[1], None) == raw)
    say("integrity", _integrity())
    if kind == "mount":
        words = ["mount", "-o", "remount,size=64m", folder]
        subprocess.run(words, check=True)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    say("again", len({_append(inbox.pk, raw) for _ in range(3)}))
    from apps.mailstore.fsck.checking import check

    say("fsck", [found.kind for found in check() if not found.is_harmless])


def _append_until_full(mailbox_id: int, make: Callable[[], bytes]) -> tuple[str, int]:
    """The name of the error that stopped it, and a message that was kept."""
    from apps.mailstore.models import Entry
    from apps.wire.errors import Temporary

    for _ in range(3_000):
        try:
            _append(mailbox_id, make())
        except Temporary as error:
            return type(error).__name__, Entry.objects.earliest("uid").message_id
    return "never", 0


def _append(mailbox_id: int, raw: bytes) -> int:
    from apps.mailstore.models import Mailbox
    from apps.mailstore.services.append import Appending
    from apps.runtime.failures import translate_errors
    from tests.mailstore.making import appended, prepared

    with translate_errors():
        mailbox = Mailbox.objects.get(pk=mailbox_id)
        return appended(mailbox, [Appending(prepared(raw), 1)])[0].uid


def _integrity() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        return str(cursor.fetchone()[0])


JOBS: dict[str, Callable[..., None]] = {
    "reserve": reserve,
    "deliver": deliver,
    "bring_back": bring_back,
    "fill": fill,
}


def main() -> None:
    if os.environ.get("FILE_SIZE_LIMIT"):
        limit = int(os.environ["FILE_SIZE_LIMIT"])
        with suppress(ValueError):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    import django

    django.setup()
    JOBS[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
