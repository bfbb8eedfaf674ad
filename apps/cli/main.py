"""`mailhost`: every operation of the interface for programs as a command, here or elsewhere.

    mailhost domains list                        this installation, as its operator
    mailhost --server https://mail.example.org users show ann@example.org
    mailhost apply plan.yml --dry-run
    mailhost serve                               and every other command of manage.py

Exit status: 0 done; 1 refused or failed, with one sentence on standard error; 2 a wrong call.
"""

import gc
import json
import os
import sys
from argparse import REMAINDER, SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from getpass import getpass
from typing import Final

from apps.cli import applying, completion, guide
from apps.cli.asking import Server
from apps.cli.calling import LONGEST_SECRET, OURS, Parser, call_of, opened, parser_of
from apps.cli.contract import Contract, Operation, read
from apps.cli.failures import REFUSED, Failed, Problem, WrongCall
from apps.cli.network import Network, basic, bearer
from apps.cli.printing import Output
from apps.cli.running import run
from apps.mime.headers import printable

INTERRUPTED: Final = 130
LONGEST_TOKEN: Final = 1024
_HELP: Final = frozenset({"-h", "--help", "help"})


def _open_home() -> Server:
    # Loading an installation takes a second, and is not needed to ask another one.
    from apps.cli.home import open_home

    home = open_home()
    gc.enable()  # off since the process began: see mailhost/__main__.py
    return home


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what the environment says.

    Args:
        server: URL of the server that is meant; "" for this installation.
        token: for that server.
        home: opens this installation.
    """

    server: str = ""
    token: str = ""
    home: Callable[[], Server] = _open_home


def main(words: Sequence[str], caller: Caller) -> int:
    """Run a command; returns the exit status.

    Args:
        words: without the program's name.
    """
    try:
        status = _main(list(words), caller)
        sys.stdout.flush()
    except Problem as problem:
        _tell_problem(problem, is_json="--json" in words)
        return REFUSED
    except Failed as failure:
        _tell(str(failure))
        return failure.status
    except BrokenPipeError:
        # The reader had enough (`users list | head`). Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:  # argparse has shown its help, or Django's command ends so
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return status


def _main(words: list[str], caller: Caller) -> int:
    given = _outer().parse_args(words)
    plain: list[str] = given.words or []
    noun, rest = plain[0] if plain else "", plain[1:]
    contract = read()
    if not noun or noun in _HELP:
        sys.stdout.write(guide.everything(contract))
        return 0
    if noun == "completion":
        return completion.run(contract, rest)
    if noun == "apply":
        both = _both(given, applying.parser_of(add_ours).parse_args(rest))
        dry = getattr(both, "dry_run", False)
        server = server_of(both, caller)
        return applying.run(contract, server, both.plan, output_of(both), is_dry=dry)
    verbs = contract.nouns.get(noun, {})
    verb = rest[0] if rest else ""
    if verb in verbs:
        return _operate(contract, verbs[verb], rest[1:], given, caller)
    if verbs and verb in _HELP:
        sys.stdout.write(guide.noun(contract, noun))
        return 0
    if noun in guide.commands():
        return _manage(words, given)
    if not verbs:
        raise WrongCall(f"There is no {noun!r} here. See: mailhost help")
    if not verb:
        sys.stdout.write(guide.noun(contract, noun))
        return 0
    raise WrongCall(f"{noun} has no {verb!r}, but: {', '.join(verbs)}")


def _operate(
    contract: Contract, operation: Operation, words: list[str], outer: Namespace, caller: Caller
) -> int:
    given = parser_of(operation, add_ours).parse_args(words)
    both = _both(outer, given)
    call = call_of(operation, given)
    return run(contract, server_of(both, caller), call, output_of(both))


def _both(outer: Namespace, inner: Namespace) -> Namespace:
    """Options that stand before noun and verb, and behind them."""
    return Namespace(**{**vars(outer), **vars(inner)})


def _outer() -> ArgumentParser:
    parser = Parser(prog="mailhost", add_help=False, allow_abbrev=False)
    add_ours(parser)
    parser.add_argument("-h", "--help", action="append_const", dest="words", const="help")
    parser.add_argument("words", nargs=REMAINDER)
    return parser


def add_ours(parser: ArgumentParser) -> None:
    """What every command takes."""
    group = parser.add_argument_group("all commands", argument_default=SUPPRESS)
    told = {
        "--server": ("URL", "ask this server; else MAILHOST_SERVER, else this installation"),
        "--token-file": ("FILE", "the token for it; - is standard input; else MAILHOST_TOKEN"),
        "--sign-in": ("ADDRESS", "ask with its password, as `tokens create` takes it; it is typed"),
        "--ca": ("FILE", "certificates to trust in place of this machine's"),
        "--columns": ("NAMES", "what is shown, with commas between"),
    }
    group.add_argument("--json", action="store_true", default=SUPPRESS, help="write JSON")
    for option, (metavar, words) in told.items():
        group.add_argument(option, metavar=metavar, default=SUPPRESS, help=words)


def server_of(given: Namespace, caller: Caller) -> Server:
    """Where requests go; raises Failed."""
    url = getattr(given, "server", caller.server)
    if not url and "sign_in" in given:
        raise WrongCall("--sign-in goes with --server: here nobody has to sign in")
    if not url:
        return caller.home()
    return Network(url, _authorization(given, caller), getattr(given, "ca", ""))


def output_of(given: Namespace) -> Output:
    """How the answer is shown."""
    columns = getattr(given, "columns", "")
    return Output(
        sys.stdout.buffer,
        is_json=getattr(given, "json", False),
        columns=tuple(one.strip().replace("-", "_") for one in columns.split(",") if one.strip()),
        is_terminal=sys.stdout.isatty(),
    )


def _authorization(given: Namespace, caller: Caller) -> str:
    if "sign_in" in given:
        return basic(given.sign_in, _password(given.sign_in))
    token = caller.token
    if "token_file" in given:
        with opened(given.token_file) as source:
            token = source.readline(LONGEST_TOKEN).decode("ascii", "replace").strip()
    return bearer(token)


def _password(address: str) -> str:
    """From the terminal, where it is not shown; else the first line of standard input."""
    if sys.stdin.isatty():
        return getpass(f"Password of {printable(address)}: ")
    return sys.stdin.readline(LONGEST_SECRET + 2).removesuffix("\n").removesuffix("\r")


def _manage(words: list[str], given: Namespace) -> int:
    """A command of this machine's own: Django's way in has it."""
    used = sorted(set(vars(given)) & OURS)
    if used:
        option = used[0].replace("_", "-")
        raise WrongCall(f"--{option} stands behind {given.words[0]}, or does not belong to it")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
    from apps.ops.commands import run as run_command

    run_command(["mailhost", *words])
    return 0


def _tell(sentence: str) -> None:
    sentence = printable(" ".join(sentence.split()))
    sys.stderr.write(f"Error: {sentence}{'' if sentence.endswith('.') else '.'}\n")


def _tell_problem(problem: Problem, *, is_json: bool) -> None:
    if is_json:
        sys.stderr.write(json.dumps(dict(problem.told)) + "\n")
        return
    for sentence in problem.sentences():
        _tell(sentence)
