"""`mailhost apply PLAN`: things are made as a plan says, and left alone where they are so.

The plan is told first, and done step by step. What stops it in the middle leaves done what was
done: to apply it again goes on from there.
"""

import json
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from apps.cli.asking import Server, parsed, request_of, settled
from apps.cli.calling import Parser, opened
from apps.cli.contract import Contract
from apps.cli.failures import Failed, Problem
from apps.cli.naming import Names
from apps.cli.plan import read
from apps.cli.planning import ADD, CHANGE, HIDDEN, REMOVE, Planner, Step
from apps.cli.printing import Output
from apps.mime.headers import printable

SIGNS: Final = {ADD: "+", CHANGE: "~", REMOVE: "-"}
DONE, PLANNED = "done", "planned"


class Stopped(Problem):
    """A step was refused; those before it are done."""

    def __init__(self, step: Step, problem: Problem) -> None:
        super().__init__(problem.http_status, problem.told)
        self._place = _place(step)

    def sentences(self) -> list[str]:
        """With the thing that it is about."""
        found = [f"{self._place}: {one}" for one in super().sentences()]
        return [*found, "What stands before it in the plan is done: mend it, and apply it again"]


def parser_of(more: Callable[[ArgumentParser], None]) -> ArgumentParser:
    """What reads its words."""
    parser = Parser(
        prog="mailhost apply",
        description="Make things as a plan says, and change nothing where they are so.",
        allow_abbrev=False,
        argument_default=SUPPRESS,
    )
    parser.add_argument("plan", metavar="PLAN", help="a file of YAML; - is standard input")
    parser.add_argument("--dry-run", action="store_true", help="tell what would be done")
    more(parser)
    return parser


def run(
    contract: Contract, server: Server, file: str, output: Output, *, is_dry: bool = False
) -> int:
    """Apply a plan; returns the exit status.

    Raises:
        WrongCall: the plan cannot be understood, and nothing was done.
        Failed: something was refused.
    """
    with opened(file) as source:
        plan = read(source, file)
    names = Names(contract, server)
    steps = Planner(contract, server, names).steps(plan)
    if output.is_json:
        output.listed(_told(server, names, steps, is_dry=is_dry))
        return 0
    for step in steps:
        _show(output, step)
    output.line(_sum(steps))
    output.stream.flush()
    if not is_dry:
        _do_all(server, names, steps, output)
    return 0


def _do_all(server: Server, names: Names, steps: list[Step], output: Output) -> None:
    for step in steps:
        once = _do(server, names, step)
        for name, value in once.items():
            output.line(f"{_place(step)}: {name} is {printable(str(value))}")
    if steps:
        output.line("Done.")


def _told(
    server: Server, names: Names, steps: list[Step], *, is_dry: bool
) -> Iterator[Mapping[str, Any]]:
    """The steps for programs, each told once it is done."""
    for step in steps:
        once = {} if is_dry else _do(server, names, step)
        yield {
            "act": step.act,
            "noun": step.noun,
            "name": step.name,
            "part": step.part or None,
            "changes": {
                name: {"before": one.before, "after": one.after}
                for name, one in step.changes.items()
            },
            "state": PLANNED if is_dry else DONE,
            "shown_once": once,
        }


def _do(server: Server, names: Names, step: Step) -> Mapping[str, Any]:
    """Do a step; what of the answer nobody sees again."""
    once: dict[str, Any] = {}
    for call in step.calls:
        try:
            answer = settled(server.ask(request_of(names.resolved(call))))
        except Problem as problem:
            raise Stopped(step, problem) from None
        except Failed as failure:
            raise Failed(f"{_place(step)}: {failure}") from None
        body = answer.read()
        if not once and step.shown_once and body:
            told = parsed(body)
            told = told if isinstance(told, dict) else {}
            once = {name: told[name] for name in step.shown_once if told.get(name)}
    if step.act == REMOVE:
        names.forget()
    return once


def _place(step: Step) -> str:
    return " ".join(filter(None, (step.noun, step.name, step.part)))


def _show(output: Output, step: Step) -> None:
    output.line(printable(f"{SIGNS[step.act]} {_place(step)}"))
    for name, one in step.changes.items():
        after = one.after if one.after == HIDDEN else _written(one.after)
        told = after if step.act == ADD else f"{_written(one.before)} -> {after}"
        output.line(printable(f"    {name}: {told}"))


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sum(steps: list[Step]) -> str:
    if not steps:
        return "Nothing to do: all is as the plan says."
    counts = [sum(step.act == act for step in steps) for act in (ADD, CHANGE, REMOVE)]
    return "{} to add, {} to change, {} to remove.".format(*counts)
