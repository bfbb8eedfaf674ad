"""`manage.py rejects list|show`: what was refused at the door, for whom, and why."""

import dataclasses
import json
from typing import Any

from apps.directory.services import users
from apps.provisioning.management.noun import Error, NounCommand, printable
from apps.reception import queries
from apps.runtime.clock import now

_DAY = 86_400


class Command(NounCommand):
    help = "Mail that was refused in the dialogue for what its sender is, as far as it is kept."

    def add_verbs(self) -> None:
        listing = self.verb(
            "list", "List what was refused for a user: number, time, reason, sender, subject."
        )
        listing.add_argument("--user", metavar="ADDRESS", required=True, help="whom it was for")
        listing.add_argument("--days", type=int, default=365, metavar="N", help="only the last N")
        listing.add_argument(
            "--limit", type=int, default=1_000, metavar="N", help="at most so many (1000)"
        )
        show = self.verb("show", "Show one with its reason, the reply and the header.")
        show.add_argument("number", metavar="NUMBER", type=int)

    def do_list(self, options: dict[str, Any]) -> None:
        user = users.find(options["user"])
        since = now() - max(options["days"], 0) * _DAY
        rows = queries.refused(user.pk, since=since, limit=max(options["limit"], 0))
        if options["json"]:
            self.write_rows(options, rows, "")
            return
        for row in rows:
            more = f" (and {row.others} more in that minute)" if row.others else ""
            who = row.author or f"<{row.sender}>"
            line = f"{row.id}\t{row.at}\t{row.reason}\t{who}\t{row.subject or '-'}{more}"
            self.stdout.write("\t".join(printable(cell) for cell in line.split("\t")))

    def do_show(self, options: dict[str, Any]) -> None:
        found = queries.refused_by_id(options["number"])
        if found is None:
            raise Error(f"Nothing refused has the number {options['number']}.")
        row, header = found
        if options["json"]:
            self.stdout.write(json.dumps({**dataclasses.asdict(row), "header": header}))
            return
        told = [
            ("Refused", f"{row.at} for {row.address}"),
            ("Reason", f"{row.reason}: {row.words}"),
            *(("Reply", line) for line in row.reply.split("\n")),
            ("Client", f"{row.client} ({row.helo})"),
            ("Sender", f"<{row.sender}>"),
            ("Size", f"{row.size} octets" if row.size else "no message was sent"),
            ("Others", f"{row.others} more in that minute" if row.others else ""),
            ("Trace", row.trace),
        ]
        for name, text in told:
            if text:
                self.stdout.write(f"{name + ':':9}{printable(text)}")
        for line in header.split("\n") if header else ():
            self.stdout.write(f"    {printable(line)}")
