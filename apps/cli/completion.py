"""Completion for shells: a script with everything in it, so that no key waits for a process."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Final

from apps.cli import guide
from apps.cli.calling import Parser, option_of
from apps.cli.contract import Contract, Operation

OURS: Final = ("--ca", "--columns", "--help", "--json", "--server", "--sign-in", "--token-file")
FILES: Final = ("--ca", "--input", "--token-file")
APPLY: Final = ("--dry-run", *OURS)


def run(contract: Contract, words: Sequence[str]) -> int:
    """`mailhost completion SHELL`."""
    parser = parser_of()
    shell = parser.parse_args(list(words)).shell
    sys.stdout.write(SHELLS[shell](contract))
    return 0


def parser_of() -> ArgumentParser:
    """What reads its words."""
    parser = Parser(
        prog="mailhost completion",
        description="Write a script that completes commands of mailhost. bash:"
        " mailhost completion bash >/etc/bash_completion.d/mailhost; zsh: into a file _mailhost in"
        " a folder of $fpath; fish: mailhost completion fish"
        " >~/.config/fish/completions/mailhost.fish",
    )
    parser.add_argument("shell", choices=sorted(SHELLS))
    return parser


def options(operation: Operation) -> list[str]:
    """What can be said behind a command."""
    found = list(OURS)
    for one in (*operation.query, *operation.form):
        if not (operation.is_paged and one.name == "cursor"):
            found.append(option_of(one))
    if operation.media_type:
        found.append("--input")
    if operation.takes_key:
        found.append("--idempotency-key")
    if operation.takes_match:
        found.append("--if-match")
    return sorted(set(found))


def choices(operation: Operation) -> dict[str, list[str]]:
    """The values of options that have few."""
    found = {}
    for one in (*operation.query, *operation.form):
        values = [choice for choice in one.choices if choice]
        if one.kind == "boolean":
            values = ["true", "false"]
        if values:
            found[option_of(one)] = values
    return found


def _first(contract: Contract) -> list[str]:
    return sorted({"apply", "completion", "help", *contract.nouns, *guide.commands()})


_BASH: Final = """\
_mailhost() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local at=1 noun verb words=''
    while [[ ${COMP_WORDS[at]-} == --* && $at -lt $COMP_CWORD ]]; do
        [[ ${COMP_WORDS[at]} == --json ]] || ((at++))
        ((at++))
    done
    noun=${COMP_WORDS[at]-} verb=${COMP_WORDS[at+1]-}
    case $before in
    %(files)s|--*-file) COMPREPLY=($(compgen -f -- "$word")); return;;
    esac
    if [[ $COMP_CWORD -le $at ]]; then
        words='%(first)s'
    elif [[ $COMP_CWORD -eq $((at+1)) ]]; then
        case $noun in
%(verbs)s
        completion) words='bash fish zsh';;
        apply) COMPREPLY=($(compgen -f -- "$word")); return;;
        esac
    else
        case "$noun $verb $before" in
%(choices)s
        esac
        [[ -n $words ]] || case "$noun $verb" in
%(options)s
        'apply '*) words='%(apply)s';;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _mailhost mailhost
"""


def _bash(contract: Contract) -> str:
    """Nouns, verbs, options and choices are words of ours: nothing in them has to be quoted."""
    verbs = [
        f"        {noun}) words='{' '.join(known)}';;" for noun, known in contract.nouns.items()
    ]
    own, chosen = [], []
    for one in contract.operations:
        own.append(f"        '{one.command}') words='{' '.join(options(one))}';;")
        for option, values in choices(one).items():
            words = " ".join(values)
            chosen.append(f"        '{one.command} {option}') words='{words}';;")
    return _BASH % {
        "files": "|".join(FILES),
        "first": " ".join([*_first(contract), *OURS]),
        "verbs": "\n".join(verbs),
        "choices": "\n".join(chosen),
        "options": "\n".join(own),
        "apply": " ".join(APPLY),
    }


def _zsh(contract: Contract) -> str:
    """Zsh reads bash's: it has had what that needs since version 4.2."""
    return f"#compdef mailhost\nautoload -U +X bashcompinit && bashcompinit\n{_bash(contract)}"


_FISH: Final = """\
complete -c mailhost -f
function __mailhost_is
    set -l words (commandline -opc)[2..]
    set -l plain (string match -v -- '--*' $words)
    test "$plain[1..(count $argv)]" = "$argv"
end
function __mailhost_count
    test (count (commandline -opc)) -eq $argv[1]
end
"""


def _fish(contract: Contract) -> str:
    first = " ".join(_first(contract))
    lines = [f"complete -c mailhost -n '__mailhost_count 1' -a '{first}'"]
    for one in contract.operations:
        lines.append(
            f"complete -c mailhost -n '__mailhost_count 2; and __mailhost_is {one.noun}'"
            f" -a {one.verb} -d {_quoted(one.summary)}"
        )
        lines += _fish_options(one)
    asked = "'__mailhost_count 2; and __mailhost_is completion'"
    lines.append(f"complete -c mailhost -n {asked} -a 'bash fish zsh'")
    lines.append("complete -c mailhost -n '__mailhost_is apply' -F")
    lines += [f"complete -c mailhost -n '__mailhost_is apply' -l {one[2:]}" for one in APPLY]
    return _FISH + "\n".join([*lines, ""])


def _fish_options(operation: Operation) -> list[str]:
    known = choices(operation)
    lines = []
    for option in options(operation):
        line = f"complete -c mailhost -n '__mailhost_is {operation.command}' -l {option[2:]}"
        if option in known:
            line += f" -x -a '{' '.join(known[option])}'"
        elif option in FILES or option.endswith("-file"):
            line += " -r -F"
        elif option not in ("--json", "--help"):
            line += " -x"
        lines.append(line)
    return lines


def _quoted(words: str) -> str:
    return "'" + words.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: Final[dict[str, Callable[[Contract], str]]] = {
    "bash": _bash,
    "fish": _fish,
    "zsh": _zsh,
}
