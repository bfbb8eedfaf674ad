"""What a process of its own needs to work on the database and the data folder of the test, and
whether it lives."""

from pathlib import Path
from typing import Final

_STOPPED: Final = ("T", "t")
_ENDED: Final = ("Z", "X")

ROOT = Path(__file__).resolve().parent.parent.parent


def environment() -> dict[str, str]:
    """Settings to add to `os.environ`; call it within a test that uses the database."""
    from django.conf import settings
    from django.db import connection

    database = connection.settings_dict
    url = f"sqlite:{database['NAME']}"
    if connection.vendor == "postgresql":
        user = f"{database['USER']}:{database['PASSWORD']}"
        url = f"postgres://{user}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return {
        "DATABASE_URL": url,
        "MAILHOST_DATA": str(settings.MAILHOST_DATA),
        "DJANGO_SETTINGS_MODULE": "mailhost.settings",
    }


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and that nobody has waited for does not."""
    return _state(Path(f"/proc/{pid}/stat")) not in _ENDED


def is_stopped(pid: int) -> bool:
    """Whether each of its threads stands still; so does a process that has ended."""
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(_state(path) in (*_STOPPED, *_ENDED) for path in threads)


def _state(stat: Path) -> str:
    """The state of a process or thread (proc(5)): it stands behind the name."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
