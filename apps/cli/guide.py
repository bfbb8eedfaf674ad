"""The help of `mailhost` itself: what there is."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from apps.cli.contract import HOME, Contract

_HEAD: Final = """\
usage: mailhost [--server URL] NOUN VERB [ARGUMENT]...
       mailhost apply PLAN [--dry-run]
       mailhost completion bash|zsh|fish
       mailhost COMMAND [ARGUMENT]...

Without a server it is this installation that is asked, as its operator. Each of them tells what it
takes: mailhost NOUN VERB --help. Where an id is asked for, a name does as well.
"""
_ALSO: Final = """\
Options of all: --json, --columns NAMES, --server URL, --token-file FILE,
--sign-in ADDRESS, --ca FILE.
"""


def everything(contract: Contract) -> str:
    """All nouns with their verbs, by what they are about, and the commands of this machine."""
    parts = [_HEAD]
    by_tag: dict[str, dict[str, list[str]]] = {}
    for one in contract.operations:
        by_tag.setdefault(one.tag, {}).setdefault(one.noun, []).append(one.verb)
    width = max((len(noun) for noun in contract.nouns), default=0)
    for tag, nouns in by_tag.items():
        lines = [f"  {noun.ljust(width)}  {' '.join(verbs)}" for noun, verbs in nouns.items()]
        parts.append("\n".join([f"{tag}:", *lines, ""]))
    own = "\n".join(_filled(sorted(commands() - contract.nouns.keys())))
    parts += [f"Commands of this machine:\n{own}\n", _ALSO]
    return "\n".join(parts)


def noun(contract: Contract, name: str) -> str:
    """The verbs of a noun, and nouns that begin like it."""
    verbs = contract.nouns[name]
    width = max(map(len, verbs))
    lines = [f"usage: mailhost {name} VERB [ARGUMENT]...", ""]
    lines += [f"  {verb.ljust(width)}  {one.summary}" for verb, one in verbs.items()]
    tag = next(iter(verbs.values())).tag
    others = sorted({one.noun for one in contract.operations if one.tag == tag} - {name})
    if others:
        lines += ["", "See also:", *_filled(others)]
    if name in commands():
        lines += ["", f"All other words behind it are those of manage.py {name}."]
    return "\n".join([*lines, ""])


@cache
def commands() -> frozenset[str]:
    """The commands of this machine's own, as Django finds them; and a few of Django's."""
    own = (path.stem for path in HOME.glob("apps/*/management/commands/[a-z]*.py"))
    return frozenset([*own, "check", "migrate", "shell", "showmigrations"])


def _filled(words: list[str], room: int = 78) -> Iterator[str]:
    line = " "
    for word in words:
        if len(line) + len(word) + 1 > room:
            yield line
            line = " "
        line += f" {word}"
    yield line
