"""Which failures of the machine a peer hears of, and as what."""

import errno

import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)

from apps.runtime.failures import translate_errors
from apps.wire.errors import MailError, NotFound, StorageFull, StorageUnavailable


class _DiskFullError(Exception):
    sqlstate = "53100"


def _postgres_full() -> OperationalError:
    error = OperationalError("could not extend file")
    error.__cause__ = _DiskFullError()
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OperationalError("database is locked"), StorageUnavailable),
        (OperationalError("database or disk is full"), StorageFull),
        (_postgres_full(), StorageFull),
        (InterfaceError("connection already closed"), StorageUnavailable),
        (DatabaseError("database disk image is malformed"), StorageUnavailable),
        (OSError(errno.ENOSPC, "No space left on device"), StorageFull),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), StorageFull),
        (OSError(errno.EIO, "Input/output error"), StorageUnavailable),
        (OSError(errno.EROFS, "Read-only file system"), StorageUnavailable),
        (OSError(errno.EMFILE, "Too many open files"), StorageUnavailable),
    ],
)
def test_it_tells_failures_of_the_storage(error: Exception, told: type[MailError]) -> None:
    with pytest.raises(told) as caught, translate_errors():
        raise error
    assert caught.value.__cause__ is error
    assert str(error) in caught.value.detail
    assert str(error) not in caught.value.reply.text  # the log may know, the peer may not


@pytest.mark.parametrize(
    "error",
    [
        IntegrityError("UNIQUE constraint failed"),
        DataError("value too long"),
        ProgrammingError("no such table"),
        FileNotFoundError(errno.ENOENT, "No such file"),
        NotFound("no such user"),
        ValueError("a defect"),
    ],
)
def test_it_leaves_other_errors_alone(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, translate_errors():
        raise error
    assert caught.value is error
