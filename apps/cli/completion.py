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
    """Zsh reads bash's: it has had what that needs since version 4.2. The file is read when
    something is completed for the first time: its last line is for that time."""
    text = _bash(contract).replace("_mailhost", "_mailhost_bash")
    return (
        "#compdef mailhost\nautoload -U +X bashcompinit && bashcompinit\n"
        f"{text}(( $+compstate )) && _bash_complete -o default -F _mailhost_bash\n"
    )


_FISH: Final = """\
function __mailhost_words
    set -l is_value 0
    for word in (commandline -opc)[2..]
        if test $is_value -eq 1
            set is_value 0
        else if string match -q -- '--*' $word
            contains -- $word --json --help --dry-run; or set is_value 1
        else
            echo $word
        end
    end
end
function __mailhost
    set -l words (__mailhost_words)
    set -l before (commandline -opc)[-1]
    if contains -- $before %(files)s; or string match -q -- '--*-file' $before
        __fish_complete_path (commandline -ct)
        return
    end
    switch (count $words)
        case 0
            printf '%%s\\n' %(first)s
            return
        case 1
            switch $words[1]
%(verbs)s
                case completion
                    printf '%%s\\n' bash fish zsh
                case apply
                    __fish_complete_path (commandline -ct)
                    printf '%%s\\n' %(apply)s
            end
            return
    end
    switch "$words[1] $words[2] $before"
%(choices)s
    end
    switch "$words[1] $words[2]"
%(options)s
        case 'apply *'
            printf '%%s\\n' %(apply)s
    end
end
complete -c mailhost -f -a '(__mailhost)'
"""


def _fish(contract: Contract) -> str:
    verbs, own, chosen = [], [], []
    for noun, known in contract.nouns.items():
        told = " ".join(f"{verb} {_quoted(one.summary)}" for verb, one in known.items())
        verbs += [f"                case {noun}", f"                    {_PAIRS} {told}"]
    for one in contract.operations:
        own += [f"        case '{one.command}'", f"            {_EACH} {' '.join(options(one))}"]
        for option, values in choices(one).items():
            chosen += [f"        case '{one.command} {option}'"]
            chosen += [f"            {_EACH} {' '.join(values)}", "            return"]
    return _FISH % {
        "files": " ".join(FILES),
        "first": " ".join([*_first(contract), *OURS]),
        "verbs": "\n".join(verbs),
        "choices": "\n".join(chosen),
        "options": "\n".join(own),
        "apply": " ".join(APPLY),
    }


_EACH: Final = r"printf '%s\n'"
_PAIRS: Final = r"printf '%s\t%s\n'"


def _quoted(words: str) -> str:
    return "'" + words.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: Final[dict[str, Callable[[Contract], str]]] = {
    "bash": _bash,
    "fish": _fish,
    "zsh": _zsh,
}
