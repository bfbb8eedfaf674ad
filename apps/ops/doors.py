"""Which doors there are, who serves them, and where they listen."""

from collections.abc import Collection, Iterable
from importlib import import_module

from django.apps import apps
from django.conf import settings

from apps.runtime.listener import Door
from apps.runtime.sockets import Endpoint, setting_of

# Each mail door and the app whose `doors.py` opens it, in the order people read them.
MAIL_DOORS = {
    "smtp": "smtp",
    "submission": "smtp",
    "submissions": "smtp",
    "lmtp": "smtp",
    "imap": "imap",
    "imaps": "imap",
    "pop3": "pop3",
    "pop3s": "pop3",
}
WEB = "web"
SECURITY = {
    "smtp": "STARTTLS",
    "submission": "STARTTLS",
    "submissions": "TLS",
    "lmtp": "STARTTLS",
    "imap": "STARTTLS",
    "imaps": "TLS",
    "pop3": "STARTTLS",
    "pop3s": "TLS",
}


def endpoint(door: str) -> Endpoint | None:
    """Where it listens; None when it is switched off."""
    found: Endpoint | None = getattr(settings, setting_of(door))
    return found


def mail_doors(wanted: Collection[str] = ()) -> dict[str, Endpoint]:
    """The mail doors that are switched on and built; with `wanted`, those of them alone.

    Raises:
        ValueError: `wanted` names a door that there is not; its text is the sentence for people.
    """
    unknown = set(wanted) - MAIL_DOORS.keys()
    if unknown:
        raise ValueError(f"There is no door {', '.join(sorted(unknown))}; there are: {_list()}.")
    return {
        door: where
        for door, app in MAIL_DOORS.items()
        if (not wanted or door in wanted)
        and (where := endpoint(door)) is not None
        and apps.is_installed(f"apps.{app}")
    }


def _list() -> str:
    return ", ".join(MAIL_DOORS)


def build(names: Iterable[str]) -> list[Door]:
    """The doors themselves, from the apps that serve them. On the loop that will serve them."""
    wanted = set(names)
    made: list[Door] = []
    for app in dict.fromkeys(app for door, app in MAIL_DOORS.items() if door in wanted):
        made += import_module(f"apps.{app}.doors").doors()
    return [door for door in made if door.name in wanted]


def preload(names: Iterable[str]) -> None:
    """Import what `build` will need, so that processes forked from this one share it."""
    for app in {MAIL_DOORS[name] for name in names}:
        import_module(f"apps.{app}.doors")
