"""What a process of its own needs to work on the database and the data folder of the test, and
whether it lives."""

from pathlib import Path

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
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
