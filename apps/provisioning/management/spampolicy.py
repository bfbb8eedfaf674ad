"""The verbs of `manage.py spam` that say what the filter shall do: list and threshold."""

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandParser

from apps.directory.services import domains, users
from apps.provisioning.management.noun import Error, NounCommand
from apps.scan import queries
from apps.scan.models import Verb
from apps.scan.models.policies import NEVER
from apps.scan.scopes import SERVER, Scope
from apps.scan.services import lists, thresholds
from apps.scan.services.thresholds import UNSET, Unset


class PolicyVerbs(NounCommand):
    """Lists and thresholds."""

    def add_policy_verbs(self) -> None:
        """Declare them."""
        self._add_list()
        self._add_threshold()

    def _add_list(self) -> None:
        listing = self.verb(
            "list",
            "Senders that are allowed or blocked: `list allow|block SENDER`, `list remove SENDER`,"
            " `list show`.",
        )
        listing.add_argument("deed", choices=["allow", "block", "remove", "show"])
        listing.add_argument(
            "senders",
            metavar="SENDER",
            nargs="*",
            help="an address, a domain with all below it, an IP address or a network",
        )
        listing.add_argument("--note", metavar="TEXT", default="", help="why, for those who look")
        add_scope(listing)

    def _add_threshold(self) -> None:
        threshold = self.verb(
            "threshold",
            "Show or set from how many points on mail goes to Junk, is refused, or (sent from here)"
            " is held; for the server, or one domain or user.",
        )
        for name, what in (
            ("junk", "goes to Junk"),
            ("refuse", "is refused"),
            ("hold", "is held if it is sent from here"),
        ):
            threshold.add_argument(
                f"--{name}",
                type=points,
                metavar="N|never|unset",
                help=f"points from which it {what}; unset: as the domain or server has it",
            )
        threshold.add_argument(
            "--filter", choices=["on", "off", "unset"], help="off: mail is not filtered for spam"
        )
        add_scope(threshold)

    def do_list(self, options: dict[str, Any]) -> None:
        scope = scope_of(options)
        if options["deed"] == "show":
            self.write_rows(options, queries.entries(scope), "verb value created_at note")
            return
        if not options["senders"]:
            raise Error("Name a sender: an address, a domain, an IP address or a network.")
        for text in options["senders"]:
            if options["deed"] == "remove":
                done = lists.remove(text, scope)
                self.report(options, f"{done.value} is in no list of that scope.", value=done.value)
                continue
            done = lists.add(Verb(options["deed"]), text, scope, note=options["note"])
            was = f" It was in the other list before ({done.replaced})." if done.replaced else ""
            was = "" if done.replaced is done.verb else was
            self.report(
                options,
                f"{done.value} is {_PAST[done.verb]} now.{was}",
                value=done.value,
                verb=done.verb.value,
            )

    def do_threshold(self, options: dict[str, Any]) -> None:
        scope = scope_of(options)
        wanted = thresholds.Change(
            junk=options["junk"],
            refuse=options["refuse"],
            hold=options["hold"],
            is_off=_FILTER.get(options["filter"]),
        )
        if wanted != thresholds.Change():
            thresholds.change(scope, wanted)
        found = queries.limits(scope)
        words = {None: "-", True: "off", False: "on"}[found.is_off]
        self.report(
            options,
            f"junk {queries.shown(found.junk)}, refuse {queries.shown(found.refuse)},"
            f" hold {queries.shown(found.hold)}, filter {words}",
            junk=found.junk,
            refuse=found.refuse,
            hold=found.hold,
            filter=words,
        )


_FILTER: dict[str, bool | Unset] = {"on": False, "off": True, "unset": UNSET}
_PAST = {Verb.ALLOW: "allowed", Verb.BLOCK: "blocked"}


def add_scope(parser: CommandParser) -> None:
    """For whom it is."""
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--domain", metavar="NAME", help="of this domain (else: of the server)")
    scope.add_argument("--user", metavar="ADDRESS", help="of this user")


def scope_of(options: dict[str, Any]) -> Scope:
    """What `add_scope` made people say.

    Raises:
        MailError: there is no such domain or user.
    """
    if options["user"] is not None:
        return Scope(user_id=users.find(options["user"]).pk)
    if options["domain"] is not None:
        return Scope(domain_id=domains.find(options["domain"]).pk)
    return SERVER


def points(word: str) -> float | Unset:
    """Read a threshold."""
    if word == "unset":
        return UNSET
    if word == "never":
        return NEVER
    try:
        return float(word)
    except ValueError:
        raise ArgumentTypeError("a number of points, never or unset") from None
