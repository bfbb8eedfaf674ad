"""`manage.py quarantine VERB`: mail that is kept from its readers, for administrators."""

import dataclasses
import json
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Any, Final

from apps.delivery import digests as letters
from apps.directory.models import Organization
from apps.directory.services import domains, users
from apps.mailstore.origin import Origin
from apps.mime.headers import scan
from apps.provisioning.management.noun import Error, NounCommand, printable
from apps.runtime.clock import now
from apps.scan import shelf
from apps.scan.digests import DAY_SECONDS, content
from apps.scan.services import copies, digests
from apps.scan.services.digests import Every
from apps.scan.shelf import Shelved
from apps.wire.errors import MailError

_SHELL: Final = Origin("command", None)
_HEADER: Final = 64 << 10
_USUAL: Final = "usual"


class Command(NounCommand):
    help = "Mail that is kept from its readers: list it, show it, release, block or delete it."

    def add_verbs(self) -> None:
        listing = self.verb(
            "list",
            "List it, newest first: number, time, state, reason, recipient, author, subject.",
        )
        whose = listing.add_mutually_exclusive_group()
        whose.add_argument("--user", metavar="ADDRESS", help="whom it is for")
        whose.add_argument("--domain", metavar="NAME", help="for addresses of that domain")
        whose.add_argument("--organization", metavar="NAME", help="for all domains of that tenant")
        listing.add_argument("--all", action="store_true", help="what was released or deleted too")
        listing.add_argument(
            "--limit", type=int, default=1_000, metavar="N", help="at most so many (1000)"
        )
        show = self.verb("show", "Show one: why it is here, and its header.")
        show.add_argument("number", metavar="NUMBER", type=int)
        show.add_argument(
            "--source", action="store_true", help="the whole message, as far as it is text"
        )
        release = self.verb("release", "Deliver it, and let the filter learn that it was wanted.")
        _numbers(release)
        release.add_argument(
            "--harmful", action="store_true", help="even a virus, or what would do what one does"
        )
        _numbers(self.verb("block", "Block its sender for its reader, and delete it."))
        _numbers(self.verb("delete", "Delete it."))
        digest = self.verb("digest", "Show or set how often a user gets a digest, or send it now.")
        digest.add_argument("address", metavar="ADDRESS")
        digest.add_argument("--every", choices=["daily", "weekly", "never", _USUAL])
        digest.add_argument(
            "--now", action="store_true", help="send today's at once, if there is anything to tell"
        )

    def do_list(self, options: dict[str, Any]) -> None:
        user, domain = options["user"], options["domain"]
        rows = shelf.shelved(
            user_id=None if user is None else users.find(user).pk,
            domain=None if domain is None else domains.find(domain).name,
            organization=_tenant(options["organization"]),
            every=options["all"],
            limit=max(options["limit"], 0),
        )
        if options["json"]:
            self.write_rows(options, rows, "")
            return
        for row in rows:
            cells = (row.kept, row.state, row.reason, row.to, row.author, row.subject or "-")
            self.stdout.write("\t".join((str(row.number), *map(printable, cells))))

    def do_show(self, options: dict[str, Any]) -> None:
        row = shelf.one(options["number"])
        told = shelf.described(row)
        text = _text(shelf.source(row), whole=options["source"]) if row.blob_id else ""
        if options["json"]:
            self.stdout.write(json.dumps({**dataclasses.asdict(told), "text": text}))
            return
        for name, value in _facts(told):
            if value:
                self.stdout.write(f"{name + ':':11}{printable(value)}")
        for line in text.split("\n") if text else ():
            self.stdout.write(f"    {printable(line)}")

    def do_release(self, options: dict[str, Any]) -> None:
        def release(number: int) -> None:
            copies.release_number(number, origin=_SHELL, even_harmful=options["harmful"])

        self._each(options, release, "released")

    def do_block(self, options: dict[str, Any]) -> None:
        self._each(options, lambda number: copies.block_number(number, origin=_SHELL), "blocked")

    def do_delete(self, options: dict[str, Any]) -> None:
        self._each(options, lambda number: copies.delete_number(number, origin=_SHELL), "deleted")

    def do_digest(self, options: dict[str, Any]) -> None:
        user, every = users.find(options["address"]), options["every"]
        if every is not None:
            digests.set_every(user.pk, None if every == _USUAL else Every(every))
        if options["now"]:
            told = content(user.pk)
            is_sent = not told.is_empty and letters.send(told, now() // DAY_SECONDS)
            words = "Sent" if is_sent else "There is nothing to tell, or it was told today"
            self.report(options, f"{words}.", sent=is_sent)
            return
        wanted = digests.every_of(user.pk)
        usual = "" if wanted != digests.usual_of(user.pk) else ", as is usual here"
        self.report(
            options, f"{user.address} gets digests: {wanted.value}{usual}.", every=wanted.value
        )

    def _each(self, options: dict[str, Any], act: Callable[[int], Any], done: str) -> None:
        """Do it to each number, whatever becomes of the others; fail if one failed."""
        acted, failed = [], []
        for number in options["numbers"]:
            try:
                act(number)
                acted.append(number)
            except MailError as error:
                failed.append(f"{number}: {error.reply.text}")
        self.report(options, f"{len(acted)} {done}.", **{done: acted})
        if failed:
            raise Error("\n".join(failed))


def _tenant(name: str | None) -> str | None:
    """The same; a sentence if there is no such organisation: to have nothing in quarantine is
    something else."""
    if name is not None and not Organization.objects.filter(name=name).exists():
        raise Error(f"There is no organisation {name!r}.")
    return name


def _numbers(parser: ArgumentParser) -> None:
    parser.add_argument("numbers", metavar="NUMBER", type=int, nargs="+")


def _facts(row: Shelved) -> Sequence[tuple[str, str]]:
    settled = f"{row.state} {row.settled} by {row.settled_by}" if row.settled else row.state
    sent_on = f"to be sent on to {row.address}" if row.address != row.to else ""
    return (
        ("Kept", f"{row.kept} for {row.to}"),
        ("Forward", sent_on),
        ("State", settled),
        ("Why", f"{row.words} ({row.rule or row.reason})"),
        ("Points", f"{row.points:g}"),
        ("Sender", f"<{row.sender}>"),
        ("Size", f"{row.size} octets"),
        ("Queue id", row.queue_id),
        ("Trace", row.trace),
    )


def _text(raw: bytes, *, whole: bool) -> str:
    """The header, or all of a message, with LF line ends."""
    end = len(raw) if whole else scan(raw[:_HEADER]).body_start
    return raw[:end].decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
