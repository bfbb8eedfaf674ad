"""Turns failures of the machine below into the errors that peers may see.

A full disk becomes `StorageFull`; a database or disk that does not answer, is locked for too long,
or is read-only becomes `StorageUnavailable`. Everything else (a broken constraint, a wrong query)
is a defect or a condition that the caller knows, and passes unchanged.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, InternalError, OperationalError

from apps.wire.errors import MailError, StorageFull, StorageUnavailable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_AWAY = frozenset({errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EBUSY})
_SQLITE_FULL = "database or disk is full"
_POSTGRES_FULL = "53100"  # SQLSTATE disk_full


@contextmanager
def translate_errors() -> Iterator[None]:
    """Within: failures of database and disk come out as `MailError`.

    Raises:
        StorageFull: the disk or its quota is full.
        StorageUnavailable: the database or the disk does not answer.
    """
    try:
        yield
    except (DatabaseError, InterfaceError, OSError) as error:
        told = translated(error)
        if told is None:
            raise
        raise told from error


def translated(error: BaseException) -> MailError | None:
    """The `MailError` that `error` stands for, or None when it is not a failure of the storage."""
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, DatabaseError):
        if _is_full(error):
            return StorageFull(detail)
        # Exactly DatabaseError is what SQLite gives for a damaged file. Its other subclasses
        # (IntegrityError, DataError, ProgrammingError) tell of the statement, not of the storage.
        away = isinstance(error, OperationalError | InternalError) or type(error) is DatabaseError
        return StorageUnavailable(detail) if away else None
    if isinstance(error, InterfaceError):
        return StorageUnavailable(detail)
    if isinstance(error, OSError) and error.errno in _FULL:
        return StorageFull(detail)
    if isinstance(error, OSError) and error.errno in _AWAY:
        return StorageUnavailable(detail)
    return None


def _is_full(error: DatabaseError) -> bool:
    cause = error.__cause__
    return _SQLITE_FULL in str(error) or getattr(cause, "sqlstate", None) == _POSTGRES_FULL
