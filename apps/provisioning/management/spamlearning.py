"""The verbs of `manage.py spam` about the learned filter: train, forget, stats and eval."""

import dataclasses
import json
import resource
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.directory.models import Organization
from apps.directory.services import users
from apps.mailstore.models import Judged
from apps.provisioning.management.noun import Error, NounCommand
from apps.scan import taught, trial
from apps.scan.bayes.reckon import LEAST
from apps.scan.corpus import Place, places
from apps.scan.services import learning
from apps.scan.trial import Outcome, Score

_MAIL = "an mbox, a Maildir, a folder with a message in each file, or a message"
_STEP = 500  # messages between two lines of progress


class LearningVerbs(NounCommand):
    """What was taught, and how well that works."""

    def add_learning_verbs(self) -> None:
        """Declare them."""
        train = self.verb(
            "train", "Teach the filter mail of which you know what it is; again does no harm."
        )
        _add_mail(train)
        _add_owner(train, required=True)
        unlearn = self.verb("forget", "Forget all that a user or an organisation was taught.")
        _add_owner(unlearn, required=True)
        stats = self.verb(
            "stats", "List what was taught: owner, spam, ham, tokens, and whether it speaks."
        )
        _add_owner(stats, required=False)
        evaluate = self.verb(
            "eval",
            "Cross-validate: learn from a part of this mail in memory, judge the rest with all"
            " checks, and tell how much was right. Nothing is kept.",
        )
        _add_mail(evaluate)
        evaluate.add_argument(
            "--folds", type=_folds, default=2, metavar="N", help="parts; 2, halves, if not said"
        )
        evaluate.add_argument("--rules", action="store_true", help="also what each rule found")
        evaluate.add_argument("--wrong", action="store_true", help="also each that went wrong")

    def do_train(self, options: dict[str, Any]) -> None:
        owner, name = _owner(options)
        learned = {}
        given = {kind: _places(options[kind]) for kind in ("spam", "ham")}
        learning.begin_training(owner, **{kind: len(found) for kind, found in given.items()})
        for judged, kind in ((Judged.SPAM, "spam"), (Judged.HAM, "ham")):
            found = given[kind]
            learned[kind] = sum(self._teach(owner, judged, found))
            learned[f"{kind}_given"] = len(found)
        self.report(
            options,
            f"{name} was taught {learned['spam']} of {learned['spam_given']} messages of spam and"
            f" {learned['ham']} of {learned['ham_given']} of ham; the others were known already.",
            **learned,
        )

    def _teach(self, owner: int, judged: Judged, found: Sequence[Place]) -> Iterator[int]:
        for first in range(0, len(found), learning.BATCH):
            batch = found[first : first + learning.BATCH]
            messages = [learning.read_message(_read(place)) for place in batch]
            yield learning.teach(owner=owner, judged=judged, messages=messages)

    def do_forget(self, options: dict[str, Any]) -> None:
        owner, name = _owner(options)
        count = learning.forget(owner)
        self.report(options, f"{count} lessons of {name} are forgotten.", lessons=count)

    def do_stats(self, options: dict[str, Any]) -> None:
        wanted = None
        if options["user"] or options["organization"]:
            wanted = _owner(options)[0]
        rows = [
            Row(one.name, one.spam, one.ham, one.tokens, "yes" if one.speaks else "no")
            for one in taught.owners(wanted)
        ]
        self.write_rows(options, rows, "owner spam ham tokens speaks")
        if not rows and not options["json"]:
            self.stdout.write("Nothing was taught.")

    def do_eval(self, options: dict[str, Any]) -> None:
        ham, spam = _places(options["ham"]), _places(options["spam"])
        if min(len(ham), len(spam)) < 2 * LEAST:
            raise Error(f"At least {2 * LEAST} messages of each kind are needed.")
        outcome = trial.trial(ham, spam, folds=options["folds"], told=self._told)
        if options["json"]:
            self.stdout.write(json.dumps(_as_data(outcome, options["folds"])))
            return
        for line in _lines(outcome):
            self.stdout.write(line)
        if options["rules"]:
            for line in _rule_lines(outcome):
                self.stdout.write(line)
        if options["wrong"]:
            for kind, score in (("misfiled", outcome.ham), ("missed", outcome.spam)):
                for place, points, reasons in score.wrong:
                    self.stdout.write(f"{kind}\t{place}\t{points:g}\t{reasons or '-'}")

    def _told(self, count: int) -> None:
        if sys.stderr.isatty() and count % _STEP < trial.BATCH:
            self.stderr.write(f"\r{count} messages judged", ending="")


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A line of `stats`. `speaks`: there are lessons enough for verdicts."""

    owner: str
    spam: int
    ham: int
    tokens: int
    speaks: str


def _add_mail(parser: CommandParser) -> None:
    for kind in ("spam", "ham"):
        parser.add_argument(
            f"--{kind}",
            type=Path,
            nargs="+",
            default=[],
            metavar="PATH",
            help=f"files with {kind}: {_MAIL}",
        )


def _add_owner(parser: CommandParser, *, required: bool) -> None:
    whose = parser.add_mutually_exclusive_group(required=required)
    whose.add_argument("--user", metavar="ADDRESS", help="of this user")
    whose.add_argument("--organization", metavar="NAME", help="of this organisation")


def _owner(options: dict[str, Any]) -> tuple[int, str]:
    """Its number, and what to call it."""
    if options["user"]:
        user = users.find(options["user"])
        return user.pk, user.address
    found = Organization.objects.filter(name=options["organization"]).first()
    if found is None:
        raise Error(f"There is no organisation {options['organization']!r}.")
    return -found.pk, found.name


def _places(paths: Iterable[Path]) -> list[Place]:
    try:
        return [place for path in paths for place in places(path)]
    except OSError as error:
        raise Error(f"{error.filename}: {error.strerror}.") from None


def _read(place: Place) -> bytes:
    try:
        return place.read()
    except OSError as error:
        raise Error(f"{place.path}: {error.strerror}.") from None


def _folds(word: str) -> int:
    if not word.isdecimal() or not 2 <= int(word) <= 100:
        raise ArgumentTypeError("a number from 2 to 100")
    return int(word)


def _as_data(outcome: Outcome, folds: int) -> dict[str, Any]:
    return {
        "folds": folds,
        "ham": _score_as_data(outcome.ham),
        "spam": _score_as_data(outcome.spam),
        "cpu_ms": _cpu_ms(outcome),
        "cpu_ms_learning": 1000 * outcome.learning_seconds / max(_messages(outcome), 1),
        "tokens": outcome.tokens,
        "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def _score_as_data(score: Score) -> dict[str, Any]:
    return {**{one: getattr(score, one) for one in Score.__slots__}, "hits": dict(score.hits)}


def _messages(outcome: Outcome) -> int:
    return outcome.ham.messages + outcome.spam.messages


def _cpu_ms(outcome: Outcome) -> float:
    return 1000 * outcome.seconds / max(_messages(outcome), 1)


def _lines(outcome: Outcome) -> Iterator[str]:
    ham, spam = outcome.ham, outcome.spam
    yield (
        f"spam: {spam.messages} messages, {spam.junk} caught ({_share(spam)}),"
        f" {spam.refused} of them clear enough to refuse{_forbidden(spam)}"
    )
    yield (
        f"ham:  {ham.messages} messages, {ham.junk} misfiled ({_share(ham)}),"
        f" {ham.refused} of them would have been refused{_forbidden(ham)}"
    )
    size = (ham.octets + spam.octets) / max(_messages(outcome), 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield (
        f"cost: {_cpu_ms(outcome):.2f} ms of processor time per message of {size / 1024:.1f} KB on"
        f" average; {outcome.tokens} tokens; {peak:.0f} MB at most"
    )


def _share(score: Score) -> str:
    return f"{100 * score.junk / max(score.messages, 1):.2f} %"


def _forbidden(score: Score) -> str:
    return f", {score.forbidden} of them only for what is attached" if score.forbidden else ""


def _rule_lines(outcome: Outcome) -> Iterator[str]:
    yield "rule\tspam\tham"
    names = outcome.spam.hits | outcome.ham.hits
    for name in sorted(names, key=lambda name: -outcome.spam.hits[name]):
        yield f"{name}\t{outcome.spam.hits[name]}\t{outcome.ham.hits[name]}"
