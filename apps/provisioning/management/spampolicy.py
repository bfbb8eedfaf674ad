"""The verbs of `manage.py spam` that say what the filter shall do: list and threshold."""

import json
import math
from argparse import ArgumentTypeError
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from apps.directory.services import domains, users
from apps.provisioning.management.noun import Error, NounCommand, printable
from apps.scan import queries
from apps.scan.models import Verb
from apps.scan.models.policies import NEVER
from apps.scan.scopes import SERVER, Scope
from apps.scan.services import lists, rulepoints, thresholds
from apps.scan.services.thresholds import UNSET, Unset
from apps.scan.standings import Limits


class PolicyVerbs(NounCommand):
    """Lists and thresholds."""

    def add_policy_verbs(self) -> None:
        """Declare them."""
        self._add_list()
        self._add_threshold()
        self._add_points()

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

    def _add_points(self) -> None:
        points = self.verb(
            "points", "Show what rules count (docs/spam-rules.md), or let one count something else."
        )
        points.add_argument("rule", metavar="RULE", nargs="?", help="its name")
        points.add_argument(
            "points",
            metavar="N|usual",
            nargs="?",
            type=_rule_points,
            help="0: the rule counts nothing; of one whose points vary, the most that it counts",
        )

    def do_points(self, options: dict[str, Any]) -> None:
        name, wanted = options["rule"], options["points"]
        if name is None:
            self.write_rows(options, queries.rule_points(), "rule points usual means")
            return
        rule = rulepoints.find(name)
        if isinstance(wanted, Unset):
            rulepoints.unset(name)
        elif wanted is not None:
            rulepoints.set_points(name, wanted)
        found = {row.rule: row.points for row in queries.rule_points()}
        counts = found.get(name, rule.points)
        self.report(
            options,
            f"{name} counts {counts:g} (usually {queries.usual(rule)}): {rule.means}.",
            rule=name,
            points=counts,
            usual=queries.usual(rule),
        )

    def do_list(self, options: dict[str, Any]) -> None:
        scope = scope_of(options)
        if options["deed"] == "show":
            rows = queries.entries(scope)
            if not options["json"]:  # a note may quote a stranger
                rows = (replace(row, note=printable(row.note)) for row in rows)
            self.write_rows(options, rows, "verb value created note")
            return
        if not options["senders"]:
            raise Error("Name a sender: an address, a domain, an IP address or a network.")
        done = []
        try:
            for text in options["senders"]:
                done.append(self._change(options, text, scope))
        finally:  # what was done before one was refused is done
            if options["json"]:
                self.stdout.write(json.dumps(done))

    def _change(self, options: dict[str, Any], text: str, scope: Scope) -> dict[str, str]:
        """Change one entry, and say so."""
        if options["deed"] == "remove":
            removed = lists.remove(text, scope)
            words, verb = f"{removed.value} is no longer in that list.", "remove"
        else:
            removed = lists.add(Verb(options["deed"]), text, scope, note=options["note"])
            words, verb = f"{removed.value} is {_PAST[removed.verb]} now.", removed.verb.value
            if removed.replaced not in {None, removed.verb}:
                words += f" It was {_PAST[removed.replaced]} before."
        if not options["json"]:
            self.stdout.write(words)
        return {"value": removed.value, "verb": verb}

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
        mine = _shown(queries.limits(scope))
        counts = _shown(queries.counting(scope))
        words = ", ".join(f"{name} {_word(value)}" for name, value in mine.items())
        told = ", ".join(f"{name} {_word(value)}" for name, value in counts.items())
        self.report(options, f"Set here: {words}.\nWhat counts: {told}.", **mine, counts=counts)


def _shown(limits: Limits) -> dict[str, Any]:
    points = {name: getattr(limits, name) for name in ("junk", "refuse", "hold")}
    never = {name: "never" for name, value in points.items() if value and value >= NEVER}
    return {**points, **never, "filter": {None: None, True: "off", False: "on"}[limits.is_off]}


def _word(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float | int) else str(value)


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
        MailError: there is no such domain or user, or the domain stands for another one.
    """
    if options["user"] is not None:
        return Scope(user_id=users.find(options["user"]).pk)
    if options["domain"] is not None:
        return Scope(domain_id=domains.find_own(options["domain"]).pk)
    return SERVER


def _rule_points(word: str) -> float | Unset:
    if word == "usual":
        return UNSET
    if (value := number(word)) is None:
        raise ArgumentTypeError("a number of points, or usual")
    return value


def points(word: str) -> float | Unset:
    """Read a threshold."""
    if word == "unset":
        return UNSET
    if word == "never":
        return NEVER
    if (value := number(word)) is None:
        raise ArgumentTypeError("a number of points, never or unset")
    return value


def number(word: str) -> float | None:
    """Read points: None for what is no number, or one that nothing can be compared with."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
