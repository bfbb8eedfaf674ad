"""`manage.py alias add|list|remove`."""

from typing import Any

from apps.directory.services.aliases import Pattern
from apps.provisioning import queries, services
from apps.provisioning.management.noun import NounCommand

_PATTERN = (
    "sales@example.org, sales-*@example.org, a regular expression such as"
    " '/sales-[0-9]+/@example.org', or @example.org for all that is left"
)


class Command(NounCommand):
    help = "Addresses that stand for others."

    def add_verbs(self) -> None:
        add = self.verb("add", "Add an alias.")
        add.add_argument("pattern", metavar="PATTERN", help=_PATTERN)
        add.add_argument("targets", metavar="TARGET", nargs="+", help="an address, here or outside")
        listing = self.verb("list", "List aliases: pattern, targets, state.")
        listing.add_argument("--domain", metavar="NAME", help="only the aliases of this domain")
        remove = self.verb("remove", "Remove an alias.")
        remove.add_argument("pattern", metavar="PATTERN", help=_PATTERN)

    def do_add(self, options: dict[str, Any]) -> None:
        services.add_alias(options["pattern"], options["targets"])
        pattern = str(Pattern.parse(options["pattern"]))
        self.report(options, f"{pattern} is added.", pattern=pattern, targets=options["targets"])

    def do_list(self, options: dict[str, Any]) -> None:
        rows = queries.aliases(domain=options["domain"])
        self.write_rows(options, rows, "pattern targets state")

    def do_remove(self, options: dict[str, Any]) -> None:
        services.remove_alias(options["pattern"])
        pattern = str(Pattern.parse(options["pattern"]))
        self.report(options, f"{pattern} is removed.", pattern=pattern)
