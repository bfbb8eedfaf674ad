"""`python -m bench`: receive | imap | search | outbound | authentication | spam | fsync | memory |
idle | live | serve.

Exit 0 done, 1 failed or promise broken, 2 usage.
"""

import argparse
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Final, NoReturn

from bench import (
    authentication,
    durable,
    idle,
    imap,
    live,
    mailreport,
    memory,
    nameserver,
    outbound,
    receive,
    report,
    searching,
    serving,
    spam,
)
from bench.ours import Ours
from bench.peer import Peer
from bench.processes import BenchError
from bench.service import Service


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return _COMMANDS[options.command](options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Leave by the contexts, so that everything that was started is ended."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__import__("bench").__doc__
    )
    commands = parser.add_subparsers(dest="command", required=True)
    race = commands.add_parser("receive", help="the race of receiving mail")
    race.add_argument(
        "--messages", type=_positive, default=6000, help="of 4 KB over 20 connections (6000)"
    )
    race.add_argument(
        "--dns",
        choices=nameserver.KINDS,
        default=nameserver.KINDS[0],
        help="how the name server does that we ask about senders (answering)",
    )
    race.add_argument(
        "--wait",
        type=int,
        default=10,
        metavar="SECONDS",
        help="how long our door waits for the filter's verdict, 0: not at all (10, as shipped)",
    )
    _add_common(race, runs=5)
    reading = commands.add_parser("imap", help="the race of reading mail, by IMAP and POP3")
    reading.add_argument(
        "--messages", type=_positive, default=10_000, help="in the mailbox (10000)"
    )
    _add_common(reading, runs=5)
    finding = commands.add_parser("search", help="a large mailbox searched, and how it is indexed")
    finding.add_argument(
        "--messages", type=_positive, default=100_000, help="in the mailbox (100000)"
    )
    finding.add_argument("--others", type=int, default=900_000, help="in other ones (900000)")
    finding.add_argument("--runs", type=_positive, default=20, help="of each query (20)")
    finding.add_argument("--save", type=Path, metavar="FILE", help="also write it as Markdown")
    sending = commands.add_parser("outbound", help="the race of sending mail to other servers")
    sending.add_argument(
        "--messages", type=_positive, default=10_000, help="to 100 domains (10000)"
    )
    _add_common(sending, runs=3)
    checking = commands.add_parser("authentication", help="what SPF, DKIM, ARC and DMARC cost")
    checking.add_argument(
        "--runs", type=_positive, default=5, help="of which the median is taken (5)"
    )
    checking.add_argument("--save", type=Path, metavar="FILE", help="also write it as Markdown")
    filtering = commands.add_parser("spam", help="the filter beside bogofilter, on known mail")
    for kind in ("ham", "spam"):
        filtering.add_argument(
            f"--{kind}", type=Path, nargs="+", default=[], metavar="PATH", help="mbox, Maildir, …"
        )
    filtering.add_argument(
        "--messages", type=_positive, default=1500, help="of each kind, where none is given (1500)"
    )
    filtering.add_argument("--folds", type=_positive, default=2, help="parts (2: halves)")
    filtering.add_argument("--json", action="store_true", help="print JSON")
    filtering.add_argument("--save", type=Path, metavar="FILE", help="also write it as Markdown")
    commands.add_parser("fsync", help="show by strace that the disk comes before the 250")
    commands.add_parser("memory", help="memory of the idle service")
    waiting = commands.add_parser("idle", help="what clients cost that wait for news")
    waiting.add_argument("--connections", type=_positive, default=2000, help="ours (2000)")
    waiting.add_argument("--only", choices=("ours",), help="leave the peer out")
    telling = commands.add_parser("live", help="how soon who waits for news is told")
    telling.add_argument("--changes", type=_positive, default=200, help="of each kind (200)")
    alone = commands.add_parser("serve", help="start one side of the races, and nothing else")
    alone.add_argument("side", choices=tuple(serving.SIDES))
    return parser


def _add_common(race: argparse.ArgumentParser, *, runs: int) -> None:
    """What all races take."""
    race.add_argument(
        "--runs", type=_positive, default=runs, help=f"of which the median is taken ({runs})"
    )
    race.add_argument("--only", choices=("ours", "peer"), help="leave the other service out")
    race.add_argument(
        "--rows", default="", metavar="TEXT", help="only rows whose name holds this text"
    )
    race.add_argument("--json", action="store_true", help="print JSON with every sample")
    race.add_argument("--save", type=Path, metavar="FILE", help="also write the table as Markdown")


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _receive(options: argparse.Namespace) -> int:
    rows = [row for row in receive.workloads(options.messages) if options.rows in row.name]
    if not rows:
        raise BenchError(f"No row's name holds {options.rows!r}.")
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(nameserver.name_server(options.dns))
        ours = Ours(changed={"DNS_SERVERS": names, "SCAN_WAIT_SECONDS": str(options.wait)})
        services = _started(stack, options.only, ours)
        settings = {service.name: service.settings() for service in services}
        done, used = receive.race(services, rows, options.runs)
    table = report.lines(done, used)
    remarks = [
        "mailhost finds out who sent each message (SPF, DKIM, ARC, DMARC, the name of the address;"
        f" the DNS: {options.dns}). Postfix, as shipped, asks nothing about senders.",
        "mailhost judges each message by all of its own checks"
        + (
            f"; its door waits for the verdict up to {options.wait} s, and what is accepted is"
            " visible already. Postfix judges nothing."
            if options.wait
            else " after its door has accepted it. Postfix judges nothing."
        ),
        *report.notes(done, options.runs),
    ]
    if options.json:
        print(json.dumps(report.as_json(done, used, settings), indent=1))
    else:
        _print(table, remarks, settings)
    if options.save:
        options.save.write_text(report.markdown(table, remarks, settings))
    return 0


def _imap(options: argparse.Namespace) -> int:
    wanted = imap.Wanted(options.messages, options.runs, options.rows, options.only)
    done, settings = imap.race(wanted)
    table = mailreport.lines(done)
    remarks = mailreport.notes(done, options.messages, options.runs) + mailreport.misses(done)
    if options.json:
        print(json.dumps(mailreport.as_json(done, settings), indent=1))
    else:
        _print(table, remarks, settings)
    if options.save:
        made_by = "imap --save docs/benchmarks-imap.md"
        title = "Benchmarks of reading mail"
        options.save.write_text(
            report.markdown(table, remarks, settings, title=title, made_by=made_by)
        )
    return 0


def _outbound(options: argparse.Namespace) -> int:
    done, settings = outbound.race(options.messages, options.runs, options.only)
    table, remarks = outbound.lines(done), outbound.notes(options.messages, options.runs)
    if options.json:
        print(json.dumps(outbound.as_json(done, settings), indent=1))
    else:
        _print(table, remarks, settings)
    if options.save:
        made_by = "outbound --save docs/benchmarks-outbound.md"
        title = "Benchmarks of sending mail"
        options.save.write_text(
            report.markdown(table, remarks, settings, title=title, made_by=made_by)
        )
    return 0


def _search(options: argparse.Namespace) -> int:
    right = searching.show(options.messages, options.others, options.runs, options.save)
    return 0 if right else 1


def _serve(options: argparse.Namespace) -> int:
    serving.show(options.side)
    return 0


def _idle(options: argparse.Namespace) -> int:
    return 0 if idle.show(options.connections, peer=options.only is None) else 1


def _authentication(options: argparse.Namespace) -> int:
    return 0 if authentication.show(options.runs, options.save) else 1


_COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = MappingProxyType(
    {
        "authentication": _authentication,
        "fsync": lambda _: 0 if durable.show() else 1,
        "idle": _idle,
        "imap": _imap,
        "live": lambda options: 0 if live.show(options.changes) else 1,
        "memory": lambda _: 0 if memory.show() else 1,
        "outbound": _outbound,
        "receive": _receive,
        "search": _search,
        "serve": _serve,
        "spam": spam.show,
    }
)


def _started(
    stack: contextlib.ExitStack, only: str | None, ours: Ours | None = None
) -> list[Service]:
    services: list[Service] = []
    if only != "ours":
        services.append(stack.enter_context(Peer()))
    if only != "peer":
        services.append(stack.enter_context(ours or Ours()))
    return services


def _print(
    table: Sequence[report.Line], remarks: Sequence[str], settings: Mapping[str, Sequence[str]]
) -> None:
    for name, values in settings.items():
        print(f"{name}, all that differs from what is shipped:", *values, sep="\n  ")
    print("", report.text(table), "", *remarks, sep="\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
