"""The verb `manage.py spam rescan`: what a change would have done to past mail."""

import json
import re
from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from apps.directory.models import Domain
from apps.provisioning.management.noun import Error, NounCommand, printable
from apps.provisioning.management.spampolicy import add_scope, number, points, scope_of
from apps.runtime.clock import now_us
from apps.runtime.ulid import ulid_text
from apps.scan import entries, queries, rescan, telling
from apps.scan.base import Action
from apps.scan.models import Verb
from apps.scan.rescan import Change, Totals, Wanted
from apps.scan.scopes import Scope
from apps.scan.services.thresholds import Unset
from apps.scan.standings import Limits, Supposed

_UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_SECOND_US = 1_000_000


class RescanVerbs(NounCommand):
    """What lists, thresholds, points and rules would have done."""

    def add_rescan_verbs(self) -> None:
        """Declare them."""
        again = self.verb(
            "rescan",
            "Tell what would have become of past mail with the lists and thresholds of now, and"
            " with what is supposed beside them. Nothing is changed.",
        )
        again.add_argument(
            "--since", type=moment, required=True, metavar="7d|DATE", help="from when on"
        )
        again.add_argument(
            "--until", type=moment, metavar="1d|DATE", help="up to when (now)", default=None
        )
        again.add_argument("--dry-run", action="store_true", help="required: nothing is changed")
        for name in ("junk", "refuse", "hold"):
            again.add_argument(
                f"--{name}", type=points, metavar="N|never", help=f"suppose this {name} threshold"
            )
        for name in ("allow", "block"):
            again.add_argument(
                f"--{name}",
                action="append",
                default=[],
                metavar="SENDER",
                help=f"suppose an entry that would {name} it; may be repeated",
            )
        again.add_argument(
            "--points",
            action="append",
            type=_rule_points,
            default=[],
            metavar="RULE=N",
            help="suppose other points for a rule, or for rules (LINK_*); may be repeated",
        )
        again.add_argument(
            "--rules",
            action="store_true",
            help="judge anew with the rules of now, where mail is kept",
        )
        again.add_argument(
            "--lookups",
            action="store_true",
            help="look up everything anew, too: DNS lists, history, what was learned since",
        )
        again.add_argument("--limit", type=int, default=100, metavar="N", help="lines (100)")
        add_scope(again)

    def do_rescan(self, options: dict[str, Any]) -> None:
        if not options["dry_run"]:
            raise Error(
                "Say --dry-run: rescan tells what would have become of past mail, and changes none."
            )
        scope = scope_of(options)
        wanted = Wanted(
            since_us=options["since"],
            until_us=now_us() if options["until"] is None else options["until"],
            supposed=_supposed(scope, options),
            points={rule: [value, False] for rule, value in options["points"]},
            judges_anew=options["rules"],
            looks_up_anew=options["lookups"],
            user_id=scope.user_id,
            domains=_names(scope),
        )
        totals = Totals()
        every = None
        if self.stderr.isatty() and not options["json"]:
            every = queries.count_between(wanted.since_us, wanted.until_us)
        told = 0
        before = "["
        for page in rescan.run(wanted, totals):
            self._progress(totals.messages, every)
            for change in page[: max(options["limit"] - told, 0)]:
                if options["json"]:
                    self.stdout.write(before + json.dumps(_document(change)), ending="\n")
                    before = ","
                else:
                    self.stdout.write(printable(_line(change)))
                told += 1
        self._summary(options, totals, before)

    def _progress(self, done: int, every: int | None) -> None:
        """On a terminal only, and beside what is written."""
        if every is not None:
            end = "\n" if done >= every else ""
            self.stderr.write(f"\r{done} of {every} messages", ending=end)

    def _summary(self, options: dict[str, Any], totals: Totals, before: str) -> None:
        changes, confirmed = _named(totals.changes), _named(totals.confirmed)
        if options["json"]:
            counts = {
                "messages": totals.messages,
                "copies": totals.copies,
                "changes": changes,
                "confirmed": confirmed,
                "without_text": totals.without_text,
                "broken": totals.broken,
            }
            self.stdout.write(f"{before}{json.dumps({'totals': counts})}\n]")
            return
        for line in _sentences(totals, changes, confirmed):
            self.stdout.write(line)


def _rule_points(word: str) -> tuple[str, float]:
    rule, _, said = word.partition("=")
    if not re.fullmatch(r"[A-Z][A-Z0-9_*]*", rule):
        raise ArgumentTypeError("the name of a rule, such as LINK_LIES=2")
    if (value := number(said)) is None:
        raise ArgumentTypeError("a rule and its points, such as LINK_LIES=2")
    return rule, value


def moment(word: str) -> int:
    """Read `7d`, `12h`, `90m` (ago) or a date with or without time, UTC, as Unix microseconds."""
    if found := re.fullmatch(r"(\d{1,6})([mhdw])", word):
        return now_us() - int(found[1]) * _UNITS[found[2]] * _SECOND_US
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        raise ArgumentTypeError("such as 7d, 12h, or 2026-11-24") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(at.timestamp() * _SECOND_US)


def _supposed(scope: Scope, options: dict[str, Any]) -> Supposed:
    limits = {
        name: options[name]
        for name in ("junk", "refuse", "hold")
        if options[name] is not None and not isinstance(options[name], Unset)
    }
    supposed = [
        (scope, verb, entries.read(text))
        for verb, texts in ((Verb.ALLOW, options["allow"]), (Verb.BLOCK, options["block"]))
        for text in texts
    ]
    return Supposed({scope: Limits(**limits)} if limits else {}, supposed)


def _names(scope: Scope) -> frozenset[str] | None:
    """A domain's name, and those of the domains that stand for it and have its wishes; None where
    it is about none."""
    if scope.domain_id is None:
        return None
    wanted = Q(pk=scope.domain_id) | Q(alias_of=scope.domain_id)
    return frozenset(Domain.objects.filter(wanted).values_list("name", flat=True))


def _line(change: Change) -> str:
    was, now = (telling.OUTCOMES[one.action] for one in (change.before, change.after))
    points = f"{change.before.points:g}"
    if change.after.points != change.before.points:
        points += f" -> {change.after.points:g}"
    whose = change.address or "elsewhere"
    return (
        f"{ulid_text(change.judged.id)}  {telling.moment(change.judged.at_us)}  {was} -> {now}"
        f"  {points} points  {change.author} to {whose}: {change.subject}"
    )


def _document(change: Change) -> dict[str, Any]:
    return {
        "id": ulid_text(change.judged.id),
        "at_us": change.judged.at_us,
        "to": change.address,
        "author": change.author,
        "subject": change.subject,
        "before": change.before.as_data(),
        "after": change.after.as_data(),
        "confirmed": change.is_confirmed,
    }


def _named(counts: dict[tuple[Action, Action], int]) -> dict[str, int]:
    return {
        f"{telling.OUTCOMES[was]} -> {telling.OUTCOMES[now]}": count
        for (was, now), count in sorted(counts.items())
    }


def _sentences(totals: Totals, changes: dict[str, int], confirmed: dict[str, int]) -> Iterator[str]:
    every = sum(changes.values())
    yield f"{totals.messages} messages, {totals.copies} copies looked at; {every} would change."
    for what, count in changes.items():
        moved = (
            f" ({confirmed[what]} of them their readers have moved so)" if what in confirmed else ""
        )
        yield f"  {count}  {what}{moved}"
    if totals.without_text:
        yield (
            f"{totals.without_text} messages are not kept any more: what was found then was taken."
        )
    if totals.broken:
        yield f"{totals.broken} verdicts cannot be read."
