"""`manage.py organization add|list|set|suspend|lock|resume|remove`."""

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandParser

from apps.directory.models import Organization, State
from apps.directory.services import organizations
from apps.directory.services.organizations import KEEP, Keep, Limit
from apps.provisioning import tenants
from apps.provisioning.management.noun import NounCommand, size

_NONE = "none"


class Command(NounCommand):
    help = "Organisations: the customers to whom domains belong, and what they may hold."

    def add_verbs(self) -> None:
        add = self.verb("add", "Add an organisation.")
        add.add_argument("name", metavar="NAME")
        self._add_limits(add)
        self.verb(
            "list",
            "List organisations: name, state, domains, users and promised space, each with its"
            " limit.",
        )
        change = self.verb("set", "Change an organisation's limits or name.")
        change.add_argument("name", metavar="NAME")
        change.add_argument("--name", metavar="NEW", dest="new", help="call it this")
        self._add_limits(change)
        for verb, summary in (
            ("suspend", "Refuse mail for its domains and sign-in of its users."),
            ("lock", "Refuse sign-in of its users; mail goes on to be received."),
            ("resume", "Let a suspended or locked organisation work again."),
            ("remove", "Remove an organisation that has no domains."),
        ):
            self.verb(verb, summary).add_argument("name", metavar="NAME")

    def _add_limits(self, parser: CommandParser) -> None:
        """What its resellers and administrators may give out; docs/roles.md."""
        parser.add_argument("--max-domains", metavar="NUMBER", type=_number, default=KEEP)
        parser.add_argument("--max-users", metavar="NUMBER", type=_number, default=KEEP)
        parser.add_argument(
            "--max-storage",
            metavar="SIZE",
            type=_size,
            default=KEEP,
            help="the sum of its users' quotas, such as 500G; `none` takes a limit away",
        )

    def do_add(self, options: dict[str, Any]) -> None:
        made = organizations.create(
            name=options["name"],
            max_domains=_given(options["max_domains"]),
            max_users=_given(options["max_users"]),
            max_storage=_given(options["max_storage"]),
        )
        self._report(options, f"{made.name} is added.", made)

    def do_list(self, options: dict[str, Any]) -> None:
        columns = "name state domains max_domains users max_users storage max_storage"
        self.write_rows(options, tenants.organizations(), columns)

    def do_set(self, options: dict[str, Any]) -> None:
        found = organizations.find(options["name"])
        if options["new"] is not None:
            organizations.rename(organization_id=found.pk, name=options["new"])
        changed = organizations.set_limits(
            organization_id=found.pk,
            max_domains=options["max_domains"],
            max_users=options["max_users"],
            max_storage=options["max_storage"],
        )
        self._report(options, f"{changed.name} is changed.", changed)

    def do_suspend(self, options: dict[str, Any]) -> None:
        found = self._to(State.SUSPENDED, options)
        self.report(options, f"{found.name} is suspended.", name=found.name, state=found.state)

    def do_lock(self, options: dict[str, Any]) -> None:
        found = self._to(State.LOCKED, options)
        self.report(options, f"{found.name} is locked.", name=found.name, state=found.state)

    def do_resume(self, options: dict[str, Any]) -> None:
        found = self._to(State.ACTIVE, options)
        self.report(options, f"{found.name} works again.", name=found.name, state=found.state)

    def do_remove(self, options: dict[str, Any]) -> None:
        found = organizations.find(options["name"])
        organizations.delete(organization_id=found.pk)
        self.report(options, f"{found.name} is removed.", name=found.name)

    def _to(self, state: State, options: dict[str, Any]) -> Organization:
        found = organizations.find(options["name"])
        return organizations.set_state(organization_id=found.pk, state=state)

    def _report(self, options: dict[str, Any], sentence: str, found: Organization) -> None:
        self.report(
            options,
            sentence,
            name=found.name,
            state=found.state,
            max_domains=found.max_domains,
            max_users=found.max_users,
            max_storage=found.max_storage,
        )


def _given(limit: Limit) -> int | None:
    return None if isinstance(limit, Keep) else limit


def _number(text: str) -> int | None:
    if text == _NONE:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        raise ArgumentTypeError("a limit is a number, or none")
    return int(text)


def _size(text: str) -> int | None:
    return None if text == _NONE else size(text)
