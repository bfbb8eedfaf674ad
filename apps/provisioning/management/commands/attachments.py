"""`manage.py attachments set|unset|list|look`: which files may pass, for a domain or the server."""

import dataclasses
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from apps.directory.models import Domain
from apps.directory.services import domains
from apps.provisioning.management.noun import Error, NounCommand
from apps.scan.attachments import policy, queries
from apps.scan.attachments.cage import CAGE
from apps.scan.attachments.check import rulings, whole
from apps.scan.attachments.findings import findings
from apps.scan.attachments.kinds import kind_of
from apps.scan.services import attachments

_MOST: Final = 64 * 1024 * 1024  # octets of a file to be looked at
_SERVER: Final = "server"


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    whose: str
    what: str
    value: str
    action: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    rule: str
    points: float
    action: str
    words: str


class Command(NounCommand):
    help = "Which attached files may pass (docs/attachments.md)."

    def add_verbs(self) -> None:
        change = self.verb("set", "Say what is done with mail that brings such a file.")
        remove = self.verb("unset", "Take that back: what the server says, or is usual, counts.")
        for one in (change, remove):
            one.add_argument("whose", metavar="DOMAIN|server")
            one.add_argument("what", choices=[what.value for what in policy.What])
            one.add_argument(
                "value", metavar="VALUE", help="such as exe, image/svg+xml, iso, script, encrypted"
            )
        change.add_argument("action", choices=list(policy.ACTIONS))
        listing = self.verb("list", "List what is set: whose, what, value, action.")
        listing.add_argument("--usual", action="store_true", help="what counts where nothing is")
        look = self.verb(
            "look", "Look at a file, or a whole message, as if it came by mail; nothing is kept."
        )
        look.add_argument("file", metavar="FILE", type=Path)
        look.add_argument("--domain", metavar="NAME", help="what that domain would do with it")

    def do_set(self, options: dict[str, Any]) -> None:
        what, action = policy.What(options["what"]), options["action"]
        value = attachments.set_entry(what, options["value"], action, domain=_own(options["whose"]))
        self.report(
            options,
            f"{options['whose']}: {what} {value}: {action}.",
            **dataclasses.asdict(_Entry(options["whose"], what, value, action)),
        )

    def do_unset(self, options: dict[str, Any]) -> None:
        what = policy.What(options["what"])
        value = attachments.remove_entry(what, options["value"], domain=_own(options["whose"]))
        self.report(
            options,
            f"{options['whose']}: nothing is said of {what} {value} any more.",
            whose=options["whose"],
            what=what,
            value=value,
        )

    def do_list(self, options: dict[str, Any]) -> None:
        if options["usual"]:
            names = {action: name for name, action in policy.ACTIONS.items()}
            rows = [
                _Entry("usual", what, value, names[action])
                for (what, value), action in policy.USUAL.items()
            ]
        else:
            rows = [_Entry(name or _SERVER, *entry) for name, *entry in queries.listed()]
        self.write_rows(options, rows, "whose what value action")

    def do_look(self, options: dict[str, Any]) -> None:
        domain = _domain(options["domain"] or _SERVER)
        name = domain.name if domain is not None else ""
        facts = whole(CAGE.look(_message(options["file"])))
        CAGE.close()
        found = [*findings(facts), *rulings(facts, queries.entries({name}), {None: name})]
        rows = [_Found(one.rule, one.points, one.action.name.lower(), one.words) for one in found]
        self.write_rows(options, rows, "rule points action words")


def _domain(name: str) -> Domain | None:
    return None if name == _SERVER else domains.find(name)


def _message(path: Path) -> bytes:
    """The file as a message, if it is none: attached to one."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST + 1)
    except OSError as error:
        raise Error(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > _MOST:
        raise Error(f"{path} is larger than {_MOST} octets.")
    if kind_of(content) == "mail":
        return content
    message = EmailMessage()
    # A name on disk is octets; what of them is no UTF-8 could not stand in a message.
    name = path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def _own(name: str) -> Domain | None:
    return None if name == _SERVER else domains.find_own(name)
