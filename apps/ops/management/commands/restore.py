"""`manage.py restore backup|list|message|mailbox|removed`: brings back what was there.

`backup` puts a whole installation in place of this one, while the service is stopped. The others
bring back what a user's mail programs removed, while it runs.
"""

import dataclasses
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandParser

from apps.directory.services import users
from apps.mailstore.removals import By
from apps.mailstore.uidset import uid_set
from apps.ops.archive import ArchiveError
from apps.ops.locks import RunningError
from apps.ops.restore import restore
from apps.provisioning import undelete
from apps.provisioning.management.noun import Error, NounCommand, printable
from apps.provisioning.undelete import Back, BackMailbox
from apps.runtime.db import translate_errors

LIMIT: Final = 100
_SINCE: Final = "2h|DATE"
_SINCE_HELP: Final = "30m, 2h, 7d or 2w ago, or a time of UTC: 2026-11-25, 2026-11-25T14:30"


class Command(NounCommand):
    help = "Bring back a backup, or what was removed from a user's mail."

    def run_from_argv(self, argv: list[str]) -> None:
        """`restore FOLDER` is how a backup was restored before there was anything else."""
        if len(argv) > 2 and not hasattr(self, f"do_{argv[2]}") and Path(argv[2]).is_dir():
            argv = [*argv[:2], "backup", *argv[2:]]
        super().run_from_argv(argv)

    def add_verbs(self) -> None:
        backup = self.verb(
            "backup",
            "Check a backup and put it in place of what is here. The service must be stopped.",
        )
        backup.add_argument("folder", type=Path, help="what `backup` has written")
        backup.add_argument("--force", action="store_true", help="replace what is here")
        listing = self.verb(
            "list",
            "List what can be brought back: mailboxes, then messages, of drafts every version.",
        )
        listing.add_argument("address", metavar="ADDRESS")
        listing.add_argument("--mailbox", metavar="NAME", help="only messages of this one")
        _add_since(listing)
        listing.add_argument(
            "--limit",
            metavar="N",
            type=int,
            default=LIMIT,
            help=f"messages to list, 0 for all (default: {LIMIT})",
        )
        message = self.verb("message", "Bring back messages that were expunged from a mailbox.")
        message.add_argument("address", metavar="ADDRESS")
        message.add_argument("mailbox", metavar="MAILBOX")
        message.add_argument("uids", metavar="UID", nargs="*", help="7, 3:9 or 3,5:9")
        message.add_argument("--all", action="store_true", help="all of the mailbox")
        message.add_argument("--into", metavar="NAME", help="into this mailbox instead")
        _add_since(message)
        mailbox = self.verb(
            "mailbox",
            "Bring back a deleted mailbox; or, of one that is there, all that was expunged.",
        )
        mailbox.add_argument("address", metavar="ADDRESS")
        mailbox.add_argument("name", metavar="NAME")
        mailbox.add_argument("--id", type=int, metavar="N", help="not the one deleted last: `list`")
        self._add_verb_removed()

    def _add_verb_removed(self) -> None:
        removed = self.verb(
            "removed",
            "Bring back all that was removed since a time, to where it was then; of a draft the"
            " newest version, if it is neither there nor sent (`message` brings back any).",
        )
        removed.add_argument("address", metavar="ADDRESS")
        _add_since(removed, required=True)
        removed.add_argument(
            "--client", metavar="TEXT", default="", help="what the program calls itself, or a part"
        )
        removed.add_argument("--ip", metavar="IP", default="", help="from this address")
        removed.add_argument(
            "--door",
            metavar="DOOR",
            default="",
            choices=["imap", "pop3", "web", "api"],
            help="imap, pop3, web or api",
        )
        removed.add_argument("--by", metavar="ADDRESS", help="by this user, in shared mailboxes")
        removed.add_argument("--dry-run", action="store_true", help="only tell what would be done")

    def do_backup(self, options: dict[str, Any]) -> None:
        try:
            with translate_errors():
                manifest = restore(
                    options["folder"].resolve(), self.stderr.write, force=options["force"]
                )
        except (ArchiveError, RunningError) as error:
            raise Error(str(error)) from None
        except OSError as error:
            raise Error(f"{error.filename or 'restore'}: {error.strerror}") from None
        if options["json"]:
            self.report(options, "", made_at=manifest.made_at, objects=manifest.objects)

    def do_list(self, options: dict[str, Any]) -> None:
        address, since = options["address"], options["since"]
        chosen = {"mailbox": options["mailbox"], "since": since}
        total = undelete.totals(address, **chosen)
        deleted = []
        if options["mailbox"] is None:
            deleted = undelete.deleted_mailboxes(address, since=since)
        rows = undelete.expunged(address, **chosen, limit=max(options["limit"], 0))
        if options["json"]:
            self.report(
                options,
                "",
                mailboxes=[dataclasses.asdict(one) for one in deleted],
                messages=[dataclasses.asdict(one) for one in rows],
                total=total._asdict(),
            )
            return
        self.write_rows(options, deleted, "name id deleted messages size door client address")
        self.write_rows(options, rows, "mailbox uid expunged date size sender subject")
        count = _count(total.messages, "message")
        self.stderr.write(f"{count} of {total.size} bytes can be brought back.")

    def do_message(self, options: dict[str, Any]) -> None:
        if options["all"] == bool(options["uids"]):
            raise Error("Give UIDs, or --all.", returncode=2)
        back = undelete.restore_messages(
            options["address"],
            options["mailbox"],
            uids=None if options["all"] else options["uids"],
            since=options["since"],
            into=options["into"],
        )
        self._report_messages(options, back)

    def do_mailbox(self, options: dict[str, Any]) -> None:
        back = undelete.restore_mailbox(options["address"], options["name"], number=options["id"])
        if isinstance(back, Back):
            self._report_messages(options, back)
            return
        self.report(options, _mailbox(back), **dataclasses.asdict(back))

    def do_removed(self, options: dict[str, Any]) -> None:
        address, since = options["address"], options["since"]
        who = None if options["by"] is None else users.find(options["by"]).pk
        by = By(options["door"], options["client"], options["ip"], who)
        if options["dry_run"]:
            found = undelete.find_removed(address, since, by)
            names = [one.name for one in found.mailboxes]
            self._report_removed(options, names, found.count, found.lost, found.older)
            return
        done = undelete.restore_removed(address, since, by)
        names = [one.name for one in done.mailboxes]
        self._report_removed(options, names, done.messages, done.lost, done.older)

    def _report_messages(self, options: dict[str, Any], back: Back) -> None:
        count = _count(len(back.uids), "message")
        told = f"{count} of {back.user} {_are(len(back.uids))} back in {printable(back.mailbox)}"
        if back.uids:
            told += f", as UID {uid_set(new for _, new in back.uids)}"
        self.report(options, f"{told}.", **dataclasses.asdict(back))

    def _report_removed(
        self, options: dict[str, Any], names: list[str], messages: int, lost: int, older: int
    ) -> None:
        verb = "would come" if options["dry_run"] else "came"
        told = f"{_count(len(names), 'mailbox', 'mailboxes')} and {_count(messages, 'message')}"
        told += f" of {options['address']} {verb} back."
        if names:
            told += f"\nMailboxes: {', '.join(map(printable, names))}"
        if lost:
            told += (
                f"\n{_count(lost, 'message')} more {_are(lost)} of mailboxes that others deleted."
            )
        if older:
            told += f"\n{_count(older, 'older version')} of drafts {_are(older)} left out."
        self.report(options, told, mailboxes=names, messages=messages, lost=lost, older=older)


def _add_since(parser: CommandParser, *, required: bool = False) -> None:
    parser.add_argument(
        "--since",
        type=_moment,
        metavar=_SINCE,
        required=required,
        default=0,
        help=f"only what was removed since: {_SINCE_HELP}",
    )


def _moment(text: str) -> int:
    try:
        return undelete.moment(text)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(_SINCE_HELP) from None


def _mailbox(back: BackMailbox) -> str:
    told = f"{printable(back.mailbox)} of {back.user} is back"
    if back.name != back.mailbox:
        told += f" as {printable(back.name)}"
    return f"{told}, with {_count(back.messages, 'message')}."


def _count(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
