"""Killed writers and full disks: what was acknowledged is there, what is there is whole."""

import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence

import pytest
from django.core.management import call_command
from django.db import connection

from apps.mailstore import queries, recoverable
from apps.mailstore.models import Mailbox
from apps.mailstore.services import undelete
from tests.mailstore.making import ORIGIN, assert_counters_are_exact, delivered, filing, filled
from tests.mailstore.test_undelete import emptied, pictures
from tests.mailstore.workers import start
from tests.support import migrated

WORKERS, THREADS = 4, 3


@pytest.mark.django_db(transaction=True)
def test_it_keeps_the_rules_of_uids_when_deliverers_are_killed(inbox: Mailbox) -> None:
    said: list[str] = []
    workers = [start("deliver", inbox.pk, f"w{n}", THREADS) for n in range(WORKERS)]
    readers = [
        threading.Thread(target=_read_then_kill, args=(worker, 60 + 30 * n, said))
        for n, worker in enumerate(workers)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60)
    assert [worker.returncode for worker in workers] == [-signal.SIGKILL] * WORKERS

    acknowledged = {mark: (int(uid), int(validity)) for mark, uid, validity in map(str.split, said)}
    shot = queries.snapshot(inbox.pk)
    subjects = {row[1]: row[0] for row in queries.fetch_page(inbox.pk, shot.uids, ["subject"])}
    assert len(acknowledged) >= 60 * WORKERS
    assert len(subjects) == len(shot.uids)
    for mark, (uid, uidvalidity) in acknowledged.items():
        assert subjects[mark] == uid
        assert uidvalidity == inbox.uidvalidity
    # A transaction that was killed takes its UIDs back with it: there are no holes.
    assert list(shot.uids) == list(range(1, len(shot.uids) + 1))
    assert delivered([filing(inbox)])[0].uid == len(shot.uids) + 1
    assert_counters_are_exact()
    call_command("fsck", verbosity=0)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            assert cursor.fetchone()[0] == "ok"


@pytest.mark.django_db(transaction=True)
def test_it_brings_the_rest_back_after_a_restore_was_killed(inbox: Mailbox) -> None:
    filled(inbox, 300, keywords=("a",))
    before = pictures(inbox)
    emptied(inbox)
    worker = start("bring_back", inbox.pk)
    reader = threading.Thread(target=_read_then_kill, args=(worker, 20, []))
    reader.start()
    reader.join(60)
    assert worker.returncode == -signal.SIGKILL
    back, left = len(pictures(inbox)), len(recoverable.uids(inbox.pk))
    assert (back > 0, left > 0, back + left) == (True, True, 300)
    assert pictures(inbox) == before[:back]
    assert_counters_are_exact()
    undelete.messages(mailbox_id=inbox.pk, origin=ORIGIN)
    assert pictures(inbox) == before
    assert_counters_are_exact()


def _read_then_kill(worker: "subprocess.Popen[str]", lines: int, said: list[str]) -> None:
    """Kill in the middle of work, after so many lines; a line that was cut off does not count."""
    assert worker.stdout is not None
    for _ in range(lines):
        said.append(worker.stdout.readline())
    worker.kill()
    said += [line for line in worker.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    worker.wait(10)
    worker.stdout.close()
    assert worker.stderr is not None
    worker.stderr.close()


@pytest.mark.django_db
def test_it_survives_a_full_disk() -> None:
    """Large and small messages until nothing fits: StorageFull, reads go on, room helps without a
    restart."""
    with tempfile.TemporaryDirectory(prefix="mailhost-full-") as folder:
        kind, wrap, limit = _small_disk(folder)
        worker = start(
            "fill",
            folder,
            kind,
            migrated.file(),
            wrap=wrap,
            MAILHOST_DATA=folder,
            DATABASE_URL=f"sqlite:{folder}/mail.sqlite3",
            FILE_SIZE_LIMIT=limit,
        )
        out, err = worker.communicate(timeout=90)
    assert worker.returncode == 0, err
    told = dict(line.split(" ", 1) for line in out.splitlines())
    full = {"StorageFull"} if kind == "mount" else {"StorageFull", "StorageUnavailable"}
    assert set(told["full"].split()) <= full
    assert told["read"] == "True"
    assert told["integrity"] == "ok"
    assert told["again"] == "3"
    assert told["fsck"] == "[]"


def _small_disk(folder: str) -> tuple[str, Sequence[str], str]:
    """A disk of 8 MB: a tmpfs in a mount namespace of its own, or, where that is not allowed, files
    that may not grow."""
    mount = f'mount -t tmpfs -o size=8m tmpfs {folder} && exec "$@"'
    for words in (["unshare", "-m"], ["unshare", "-r", "-m"]):
        probe = subprocess.run(
            [*words, "sh", "-c", mount, "sh", "true"], capture_output=True, check=False
        )
        if probe.returncode == 0:
            return "mount", [*words, "sh", "-c", mount, "sh"], ""
    return "limit", [], str(2_000_000)
