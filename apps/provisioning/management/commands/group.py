"""`manage.py group add|join|leave|members|list|remove`."""

from typing import Any

from apps.directory.services import aliases
from apps.directory.services.aliases import Pattern
from apps.provisioning import queries, services
from apps.provisioning.management.noun import NounCommand


class Command(NounCommand):
    help = "Addresses whose mail goes to all members: aliases, with members that come and go."

    def add_verbs(self) -> None:
        for name, summary in (
            ("add", "Make a group."),
            ("join", "Add members to a group."),
            ("leave", "Remove members from a group."),
        ):
            parser = self.verb(name, summary)
            parser.add_argument("group", metavar="GROUP", help="such as team@example.org")
            parser.add_argument("members", metavar="ADDRESS", nargs="+", help="here or outside")
        members = self.verb("members", "Show a group's members, one a line.")
        members.add_argument("group", metavar="GROUP")
        listing = self.verb("list", "List groups: address, members, state.")
        listing.add_argument("--domain", metavar="NAME", help="only the groups of this domain")
        remove = self.verb("remove", "Remove a group; its members stay what they are.")
        remove.add_argument("group", metavar="GROUP")

    def do_add(self, options: dict[str, Any]) -> None:
        services.add_alias(options["group"], options["members"])
        self._report(options, options["members"], "is added")

    def do_join(self, options: dict[str, Any]) -> None:
        pattern = Pattern.parse(options["group"])
        has = aliases.add_targets(pattern=pattern, targets=options["members"])
        self._report(options, has, f"has {len(has)} members")

    def do_leave(self, options: dict[str, Any]) -> None:
        pattern = Pattern.parse(options["group"])
        has = aliases.remove_targets(pattern=pattern, targets=options["members"])
        self._report(options, has, f"has {len(has)} members")

    def do_members(self, options: dict[str, Any]) -> None:
        self.write_rows(options, queries.members(options["group"]), "address")

    def do_list(self, options: dict[str, Any]) -> None:
        rows = queries.aliases(domain=options["domain"], only_groups=True)
        self.write_rows(options, rows, "pattern targets state")

    def do_remove(self, options: dict[str, Any]) -> None:
        services.remove_alias(options["group"])
        group = str(Pattern.parse(options["group"]))
        self.report(options, f"{group} is removed.", group=group)

    def _report(self, options: dict[str, Any], members: list[str], words: str) -> None:
        group = str(Pattern.parse(options["group"]))
        self.report(options, f"{group} {words}.", group=group, members=members)
