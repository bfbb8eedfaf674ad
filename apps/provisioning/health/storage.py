"""Where everything lies: database, blob store, disk, search index, backups."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.mailstore.services import unindexed
from apps.mime.searchtext import VERSION
from apps.provisioning.health import parts
from apps.provisioning.health.checks import Check, State, age, many, octets
from apps.runtime.clock import now
from apps.runtime.db import is_sqlite
from apps.search import services as search

# Of the disk's room, or of its inodes, what is left: shares of all, and bytes.
LITTLE: Final = 0.10
NONE: Final = 0.03
NONE_BYTES: Final = 512 * 2**20
LONG_WAL: Final = 256 * 2**20
CLOCKS: Final = 2.0  # seconds by which two clocks may differ
BEHIND: Final = 10_000  # messages that the index may be behind
BACKUP_DAYS: Final = 8
_RECORDS: Final = 200_000  # that are looked through for a backup: an end to the search

_DATA: Final = "Make room on it, or move MAILHOST_DATA to a larger one."


def database() -> list[Check]:
    """That it answers, how large it is, and whose clock it goes by."""
    name = "Database"
    try:
        parts.database()
    except Exception as error:  # noqa: BLE001  (whatever it is, it does not work)
        words = f"It does not answer: {type(error).__name__}."
        return [Check("database", name, State.BAD, words, "See DATABASE_URL, and its own log.")]
    return [_sqlite(name) if is_sqlite() else _postgres(name)]


def _sqlite(name: str) -> Check:
    with connection.cursor() as cursor:
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        size = int(cursor.fetchone()[0])
    wal = Path(f"{connection.settings_dict['NAME']}-wal")
    try:
        length = wal.stat().st_size
    except OSError:
        length = 0
    words = f"SQLite, {octets(size)}; its write-ahead log has {octets(length)}."
    if length > LONG_WAL:
        advice = "Something reads for very long: look for a backup or a command that still runs."
        return Check("database", name, State.WARNING, words, advice)
    return Check("database", name, State.OK, words)


def _postgres(name: str) -> Check:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_database_size(current_database()), EXTRACT(EPOCH FROM clock_timestamp())"
        )
        size, theirs = cursor.fetchone()
    apart = abs(float(theirs) - now())
    words = f"Postgres, {octets(int(size))}."
    if apart > CLOCKS:
        words += f" Its clock and this machine's differ by {age(apart)}."
        advice = "Let both machines keep time by NTP."
        return Check("database", name, State.WARNING, words, advice)
    return Check("database", name, State.OK, words)


def blobs() -> list[Check]:
    """That the store of messages answers."""
    where = "S3" if str(settings.BLOB_URL).startswith("s3:") else "a folder"
    advice = "See BLOB_URL: the service must be able to read and write there."
    return [_asked("blobs", "Message store", parts.blobs, f"It answers ({where}).", advice)]


def broker() -> list[Check]:
    """That bells can be rung."""
    where = "Redis" if settings.REDIS_URL else "a folder"
    advice = "See REDIS_URL, and whether it runs. Mail is kept meanwhile, and sent later."
    return [_asked("broker", "Broker", parts.broker, f"It answers ({where}).", advice)]


def _asked(key: str, name: str, ask: Callable[[], None], words: str, advice: str) -> Check:
    try:
        ask()
    except Exception as error:  # noqa: BLE001  (whatever it is, it does not work)
        return Check(key, name, State.BAD, f"It does not answer: {type(error).__name__}.", advice)
    return Check(key, name, State.OK, words)


def disk() -> list[Check]:
    """Room and inodes where MAILHOST_DATA is."""
    folder: Path = settings.MAILHOST_DATA
    try:
        room = shutil.disk_usage(folder)
        nodes = os.statvfs(folder)
    except OSError as error:
        words = f"{folder} cannot be looked at: {error.strerror}."
        return [Check("disk", "Disk", State.BAD, words, "Mount it, or see who may read it.")]
    found = [_disk(room.free, room.total)]
    if nodes.f_files:  # some file systems have as many as they like
        found.append(_inodes(nodes.f_favail, nodes.f_files))
    return found


def _disk(free: int, total: int) -> Check:
    words = f"{octets(free)} of {octets(total)} are free."
    share = free / total if total else 0.0
    if share < NONE or free < NONE_BYTES:
        return Check("disk", "Disk", State.BAD, f"{words} Mail is soon turned away.", _DATA)
    if share < LITTLE:
        return Check("disk", "Disk", State.WARNING, words, _DATA)
    return Check("disk", "Disk", State.OK, words)


def _inodes(free: int, total: int) -> Check:
    words = f"{free:,} of {total:,} files can still be made."
    share = free / total
    if share < LITTLE:
        state = State.BAD if share < NONE else State.WARNING
        return Check("inodes", "Files", state, words, "Remove what has many small files, or "
                     "make a file system with more inodes.")  # fmt: skip
    return Check("inodes", "Files", State.OK, words)


def index() -> list[Check]:
    """How far the search index is behind."""
    name = "Search index"
    if not settings.SEARCH_INDEX:
        words = "Switched off (SEARCH_INDEX): searches read the mail."
        return [Check("search", name, State.OFF, words)]
    state = search.state()
    if state is None or state.version != VERSION or state.below is not None:
        words = "It is being made; until it is there, searches read the mail."
        return [Check("search", name, State.OK, words)]
    behind = unindexed.backlog()
    words = f"{many(behind, 'message')} behind."
    if behind > BEHIND:
        advice = "Housekeeping does not keep up: see its worker, and the log."
        return [Check("search", name, State.WARNING, words, advice)]
    return [Check("search", name, State.OK, words)]


def backup() -> list[Check]:
    """When the last one was made, by the audit log."""
    name = "Backup"
    last = AuditRecord.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    made = (
        AuditRecord.objects.filter(action="backup.make", pk__gt=last - _RECORDS)
        .order_by("-pk")
        .values_list("at", flat=True)
        .first()
    )
    advice = "Run manage.py backup FOLDER each night, and keep it on another machine."
    if made is None:
        words = "The audit log knows of none. If you back up by other means, all is well."
        return [Check("backup", name, State.WARNING, words, advice)]
    old = (timezone.now() - made).total_seconds()
    words = f"The last one was made {age(old)} ago."
    if old > BACKUP_DAYS * 86_400:
        return [Check("backup", name, State.WARNING, words, advice)]
    return [Check("backup", name, State.OK, words)]
