"""`manage.py dkim list|show|rotate|activate|discard|erase`."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from apps.directory import dkim
from apps.directory.dkim import Finding, KeyRow
from apps.directory.models import DkimState
from apps.directory.services import dkim as keys
from apps.directory.services import domains, rotation
from apps.provisioning.management.noun import Error, NounCommand

_DNS = {
    Finding.PUBLISHED: "Its record is in the DNS.",
    Finding.MISSING: "Its record is not in the DNS.",
    Finding.OTHER: "The DNS has another record there.",
    Finding.UNKNOWN: "The DNS does not answer.",
}


class Command(NounCommand):
    help = "Keys that sign the mail of our domains, and their DNS records."

    def add_verbs(self) -> None:
        self.verb(
            "list", "List the keys of all domains: domain, selector, algorithm, state, since."
        )
        show = self.verb("show", "Show a domain's keys with their DNS records and what to do next.")
        show.add_argument("domain", metavar="DOMAIN")
        show.add_argument("--check", action="store_true", help="ask the DNS for each record")
        show.add_argument("--all", action="store_true", help="retired keys too")
        rotate = self.verb("rotate", "Make the next keys; they take over once they are in the DNS.")
        rotate.add_argument("domain", metavar="DOMAIN")
        activate = self.verb("activate", "Look for the records of new keys now, and let them sign.")
        activate.add_argument("domain", metavar="DOMAIN")
        activate.add_argument(
            "--force", action="store_true", help="let them sign whatever the DNS says"
        )
        discard = self.verb("discard", "Drop new keys that do not sign yet.")
        discard.add_argument("domain", metavar="DOMAIN")
        erase = self.verb("erase", "Take a key that others may know out of service at once.")
        erase.add_argument("domain", metavar="DOMAIN")
        erase.add_argument("selector", metavar="SELECTOR")

    def do_list(self, options: dict[str, Any]) -> None:
        self.write_rows(options, dkim.all_keys(), "domain selector algorithm state changed_at")

    def do_show(self, options: dict[str, Any]) -> None:
        rows = [
            row
            for row in dkim.keys_of(domains.find(options["domain"]).name)
            if options["all"] or row.state != DkimState.RETIRED
        ]
        found = rotation.findings(rows) if options["check"] else [None] * len(rows)
        self._show(options, rows, found)

    def do_rotate(self, options: dict[str, Any]) -> None:
        made = keys.rotate(options["domain"])
        rows = [dkim.row_of(key) for key in made]
        self._show(options, rows, [None] * len(rows))

    def do_activate(self, options: dict[str, Any]) -> None:
        pairs = rotation.activate(options["domain"], force=options["force"])
        if not pairs:
            raise Error("No key of this domain waits.")
        rows, found = zip(*pairs, strict=True)
        self._show(options, rows, found)
        if any(row.state == DkimState.PENDING for row in rows):
            raise Error("Not all keys sign: their records are not in the DNS as seen from here.")

    def do_discard(self, options: dict[str, Any]) -> None:
        count = keys.discard(options["domain"])
        self.report(options, f"Keys that are dropped: {count}.", dropped=count)

    def do_erase(self, options: dict[str, Any]) -> None:
        keys.erase(options["domain"], options["selector"])
        sentence = (
            f"{options['selector']} signs no more. Remove its record from the DNS. If no other key"
            " of its kind signs, one is made within ten minutes: publish its record (dkim show)."
        )
        self.report(options, sentence, erased=options["selector"])

    def _show(
        self, options: dict[str, Any], rows: Sequence[KeyRow], found: Sequence[Finding | None]
    ) -> None:
        pairs = list(zip(rows, found, strict=True))
        if not options["json"]:
            self.stdout.write("\n".join(_for_people(row, finding) for row, finding in pairs))
            return
        documents = [
            {
                **dataclasses.asdict(row),
                "dns": finding.value if finding else None,
                "next": dkim.next_step(row, finding),
            }
            for row, finding in pairs
        ]
        self.stdout.write(json.dumps(documents, cls=DjangoJSONEncoder))


def _for_people(row: KeyRow, finding: Finding | None) -> str:
    strings = "\n    ".join(f'"{string}"' for string in row.strings)
    lines = [f"{row.selector}: {row.algorithm}, {row.state} since {row.changed_at:%Y-%m-%d %H:%M}"]
    if row.state != DkimState.RETIRED:
        lines.append(f"  {row.record}. IN TXT (\n    {strings} )")
    if finding is not None:
        lines.append(f"  {_DNS[finding]}")
    lines.append(f"  {dkim.next_step(row, finding)}")
    return "\n".join(lines) + "\n"
