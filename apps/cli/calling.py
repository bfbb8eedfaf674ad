"""The words of a command line as a request: a parser for each operation, made of its contract."""

import json
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from apps.cli.contract import JSON, Field, Operation
from apps.cli.failures import WrongCall

NULL: Final = "null"
LONGEST_SECRET: Final = 4096  # characters
# What every command has beside what its operation takes.
OURS: Final = frozenset(
    "json columns input help server token_file sign_in ca idempotency_key if_match".split()
)
_WORDS: Final = {"true": True, "false": False, "yes": True, "no": False}


@dataclass(frozen=True)
class Call:
    """What was asked for.

    Args:
        places: what stands for the parameters of the path, as it was written.
        form: the body; None if the operation has none, or `source` is it.
        source: where a body that is no JSON comes from.
        most: how many of a list; None is all.
    """

    operation: Operation
    places: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] | None = None
    source: IO[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    most: int | None = None


class Parser(ArgumentParser):
    """Argparse's, which says what is wrong and leaves the end to its caller."""

    def error(self, message: str) -> NoReturn:
        """Raise WrongCall."""
        raise WrongCall(f"{message}. See: {self.prog} --help")


def parser_of(operation: Operation, more: Callable[[ArgumentParser], None]) -> Parser:
    """What reads the words behind noun and verb; `more` adds what every command has."""
    parser = Parser(
        prog=f"mailhost {operation.command}",
        description=_told(operation),
        allow_abbrev=False,
        argument_default=SUPPRESS,
    )
    for one in operation.places:
        told = "its name or its id" if one.refers else one.words
        parser.add_argument(one.name, metavar=_meta(one), help=_plain(told))
    taken = set()
    for one in (*operation.query, *operation.form):
        if one.name not in taken and not _is_ours(operation, one):
            taken.add(one.name)
            _add(parser, one)
    if operation.is_paged:
        words = "how many at most; without it, all"
        parser.add_argument("--limit", type=_most, metavar="NUMBER", help=words)
    if operation.media_type:
        parser.add_argument("--input", metavar="FILE", help=_input_words(operation))
    if operation.takes_key:
        words = "sent again with the same text, it is not done again"
        parser.add_argument("--idempotency-key", metavar="TEXT", help=words)
    if operation.takes_match:
        words = "the ETag of the state that is meant: nothing is done if it has changed"
        parser.add_argument("--if-match", metavar="ETAG", help=words)
    more(parser)
    return parser


def call_of(operation: Operation, given: Namespace) -> Call:
    """The request that the words are.

    Raises:
        WrongCall: something is missing, or a file cannot be read.
    """
    values = vars(given)
    headers = {}
    if "idempotency_key" in values:
        headers["Idempotency-Key"] = values["idempotency_key"]
    if "if_match" in values:
        headers["If-Match"] = values["if_match"]
    form, source = None, None
    if operation.media_type == JSON:
        form = _form(operation, values)
    elif operation.media_type:
        if "input" not in values:
            raise WrongCall(f"Say what to send: --input FILE, {operation.media_type}; - is stdin")
        source = opened(values["input"])
    return Call(
        operation,
        places={one.name: values[one.name] for one in operation.places},
        query={one.name: _read(one, values) for one in _asked(operation, operation.query, values)},
        form=form,
        source=source,
        headers=headers,
        most=values.get("limit") if operation.is_paged else None,
    )


def option_of(one: Field) -> str:
    """How a field is called on the command line."""
    name = one.name.replace("_", "-")
    if one.is_secret:
        return f"--{name}-file"
    return f"--field-{name}" if one.name in OURS else f"--{name}"


def opened(name: str) -> IO[bytes]:
    """A file to read, `-` for standard input; raises WrongCall."""
    if name == "-":
        return sys.stdin.buffer
    try:
        return Path(name).open("rb")
    except OSError as error:
        hint = ""
        if isinstance(error, PermissionError):
            hint = ": hand it over on standard input, as `-`"
        raise WrongCall(f"{name} cannot be read ({error.strerror}){hint}") from None


def _asked(operation: Operation, fields: Sequence[Field], values: Mapping[str, Any]) -> list[Field]:
    return [one for one in fields if one.name in values and not _is_ours(operation, one)]


def _is_ours(operation: Operation, one: Field) -> bool:
    """Pages are ours to turn."""
    return operation.is_paged and one.name in {"limit", "cursor"}


def _form(operation: Operation, values: Mapping[str, Any]) -> dict[str, Any]:
    form: dict[str, Any] = {}
    if "input" in values:
        with opened(values["input"]) as source:
            form = _object(source.read(), values["input"])
    for one in _asked(operation, operation.form, values):
        form[one.name] = _read(one, values)
    missing = [one for one in operation.form if one.is_required and one.name not in form]
    if missing:
        raise WrongCall(
            f"Missing: {', '.join(map(option_of, missing))}."
            f" See: mailhost {operation.command} --help"
        )
    return form


def _object(octets: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise WrongCall(f"{name} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise WrongCall(f"{name} is not an object of JSON: it begins with a brace")
    return found


def _read(one: Field, values: Mapping[str, Any]) -> Any:
    """A value; of a secret, what stands in the file that was named."""
    value = values[one.name]
    if not one.is_secret:
        return value
    if value == "-":
        line = sys.stdin.readline(LONGEST_SECRET + 2)
    else:
        with opened(value) as source:
            line = source.readline(LONGEST_SECRET + 2).decode(errors="surrogateescape")
    line = line.removesuffix("\n").removesuffix("\r")
    if not line:
        raise WrongCall(f"{option_of(one)}: there is no line in it")
    return line


def _add(parser: ArgumentParser, one: Field) -> None:
    option = option_of(one)
    if one.is_secret:
        words = f"{_plain(one.words)} The first line of this file; - is standard input.".strip()
        parser.add_argument(option, dest=one.name, metavar="FILE", help=words)
        return
    kind = _reader(one)
    told: dict[str, Any] = {"dest": one.name, "type": kind, "metavar": _meta(one)}
    if not one.is_list:
        parser.add_argument(option, help=_plain(one.words), **told)
        return
    words = f"{_plain(one.words)} May be given again.".strip()
    parser.add_argument(option, action="append", help=words, **told)
    none = option.replace("--", "--no-", 1)
    parser.add_argument(none, dest=one.name, action="store_const", const=[], help="none of them")


def _reader(one: Field) -> Callable[[str], Any]:
    """What turns a word into a value."""

    def read(word: str) -> Any:
        if one.is_nullable and not one.is_list and word == NULL:
            return None
        return _READERS[one.kind](word)

    def chosen(word: str) -> Any:
        if word in one.choices or (one.is_nullable and word == NULL):
            return read(word)
        known = ", ".join(choice or "''" for choice in one.choices)
        raise ArgumentTypeError(f"{word!r} is none of: {known}")

    def referred(word: str) -> Any:
        """The name of a thing is as good as its id: whoever asks looks for it."""
        return int(word) if _is_number(word) else _text(word)

    if one.refers:
        return lambda word: None if one.is_nullable and word == NULL else referred(word)
    return chosen if one.choices else read


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 18


def _text(word: str) -> str:
    if any("\ud800" <= sign <= "\udfff" for sign in word):
        raise ArgumentTypeError("not UTF-8")
    return word


def _integer(word: str) -> int:
    if not _is_number(word.removeprefix("-")):
        raise ArgumentTypeError(f"{word!r} is no whole number")
    return int(word)


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise ArgumentTypeError(f"{word!r} is no number") from None


def _boolean(word: str) -> bool:
    if word not in _WORDS:
        raise ArgumentTypeError(f"{word!r} is neither true nor false")
    return _WORDS[word]


def _json(word: str) -> Any:
    try:
        return json.loads(_text(word))
    except (ValueError, RecursionError) as error:
        raise ArgumentTypeError(f"not JSON: {error}") from None


def _most(word: str) -> int:
    number = _integer(word)
    if number < 1:
        raise ArgumentTypeError("1 at least")
    return number


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "json": _json,
}


def _meta(one: Field) -> str:
    if one.refers:
        return one.name.removesuffix("_id").upper().replace("_", "-")
    if one.choices and len(one.choices) <= 6:
        return "|".join(choice or "''" for choice in one.choices)
    names = {"string": "TEXT", "integer": "NUMBER", "number": "NUMBER", "boolean": "true|false"}
    return names.get(one.kind, "JSON")


def _told(operation: Operation) -> str:
    words = operation.summary.rstrip(".") + "."
    if operation.words and operation.words != operation.summary:
        words += f" {operation.words}"
    return _unmarked(words)


def _unmarked(words: str) -> str:
    """Without Markdown's marks."""
    return " ".join(words.replace("`", "").split())


def _plain(words: str) -> str:
    """Words of an option, nothing of which is a placeholder of argparse."""
    return _unmarked(words).replace("%", "%%")


def _input_words(operation: Operation) -> str:
    if operation.media_type == JSON:
        return "the body as JSON; options count before what stands in it; - is standard input"
    return f"what is sent, {operation.media_type}; - is standard input"
