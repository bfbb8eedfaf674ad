"""`manage.py search ADDRESS QUERY`: find mail of a user as its reader would.

Exit codes: 0 done, also if nothing was found; 1 refused or failed. Hits go to standard output,
remarks to standard error.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.directory.services import users
from apps.mime.headers import printable
from apps.runtime.db import translate_errors
from apps.search.finding.pages import PAGE, Count, Hit, Page, find
from apps.search.finding.rows import read_place
from apps.search.language.nodes import Query
from apps.search.language.parsing import parse
from apps.search.language.writing import chips
from apps.wire.errors import MailError

SECONDS = 60.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Command(BaseCommand):
    help = (
        "Find mail of a user, newest first, in all that the user may read: words, phrases, and"
        " operators such as from: subject: has:attachment before:2026-11-25 (docs/search.md)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", metavar="ADDRESS")
        parser.add_argument("query", metavar="QUERY", nargs="+", help="words are joined by blanks")
        parser.add_argument("--limit", type=int, default=PAGE, metavar="N", help=f"({PAGE})")
        parser.add_argument("--after", default="", metavar="PLACE", help="go on where a page ended")
        parser.add_argument(
            "--deleted",
            action="store_true",
            help="search what was expunged or deleted and can be brought back, nothing else",
        )
        parser.add_argument("--json", action="store_true", help="write JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        query = parse(" ".join(options["query"]), timezone.localdate())
        try:
            with translate_errors():
                page = find(
                    query,
                    user_id=users.find(options["address"]).pk,
                    after=read_place(options["after"]),
                    limit=options["limit"],
                    is_deleted=options["deleted"],
                    seconds=SECONDS,
                )
        except MailError as error:
            raise CommandError(error.reply.text) from None
        if options["json"]:
            self.stdout.write(json.dumps(_document(query, page), indent=1))
        else:
            self._tell(page)

    def _tell(self, page: Page) -> None:
        for hint in page.hints:
            self.stderr.write(printable(hint.text))
        for hit in page.hits:
            row = hit.row
            sender = row.sender_name or row.sender_address or "-"
            cells = (_moment(row.internaldate), _name(hit), str(row.uid), sender, row.subject)
            self.stdout.write("\t".join(printable(cell) for cell in cells))
        if page.count is not None:
            self.stderr.write(_found(page.count))
        if page.is_cut:
            self.stderr.write("Not all mail was looked through: the time was over.")
        if page.after is not None:
            self.stderr.write(f"For more: --after={page.after.write()}")


def _found(count: Count) -> str:
    if count.least == count.most:
        return f"{count.least:,} found."
    return f"{count.least:,} to {count.most:,} found: not all of them were looked at."


def _name(hit: Hit) -> str:
    owner = hit.folder.owner_key
    return f"{owner}/{hit.folder.name}" if owner else hit.folder.name


def _moment(seconds: int) -> str:
    """A day and time of the current zone; APPEND gives dates in years that no calendar here has."""
    try:
        return f"{timezone.localtime(_EPOCH + timedelta(seconds=seconds)):%Y-%m-%d %H:%M}"
    except OverflowError:
        return "-"


def _document(query: Query, page: Page) -> dict[str, Any]:
    return {
        "chips": [
            {"name": one.name, "value": one.value, "not": one.is_denied, "text": one.text}
            for one in chips(query)
        ],
        "hints": [{"code": hint.code, "text": hint.text} for hint in page.hints],
        "found": None
        if page.count is None
        else {"least": page.count.least, "most": page.count.most},
        "hits": [_hit(hit) for hit in page.hits],
        "after": page.after and page.after.write(),
        "is_cut": page.is_cut,
    }


def _hit(hit: Hit) -> dict[str, Any]:
    row = hit.row
    return {
        "owner": hit.folder.owner_key or None,
        "mailbox": hit.folder.name,
        "uid": row.uid,
        "internaldate": row.internaldate,
        "size": row.size,
        "flags": row.flags,
        "keywords": list(hit.keywords),
        "from": {"name": row.sender_name, "address": row.sender_address},
        "subject": row.subject,
        "preview": row.preview,
        "has_attachments": bool(row.has_attachments),
    }
