"""Completion, asked of the shell itself where it is there."""

import shlex
import subprocess

import pytest

from apps.cli import completion
from apps.cli.contract import read
from tests.cli.conftest import Type

CONTRACT = read()


def _completed(*words: str) -> set[str]:
    """What bash offers for the last of these words."""
    array = " ".join(shlex.quote(word) for word in words)
    script = (
        f"{completion.SHELLS['bash'](CONTRACT)}\nCOMP_WORDS=({array})\n"
        f"COMP_CWORD={len(words) - 1}\n_mailhost\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    )
    done = subprocess.run(
        ["bash", "--norc", "-u"], input=script, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("mailhost", "organizations"), {"organizations"}),
        (("mailhost", "organizations", "s"), {"show"}),
        (("mailhost", "--json", "organizations", "s"), {"show"}),
        (("mailhost", "--server", "https://x.example", "organizations", "s"), {"show"}),
        (("mailhost", "organizations", "create", "--max-u"), {"--max-users"}),
        (("mailhost", "domains", "change", "x", "--state", ""), {"active", "locked", "suspended"}),
        (("mailhost", "domains", "change", "x", "--greylists", "t"), {"true"}),
        (("mailhost", "apply", "plan.yml", "--d"), {"--dry-run"}),
        (("mailhost", "completion", "z"), {"zsh"}),
        (("mailhost", "nothing", "at", "all"), set()),
    ],
)
def test_bash_offers_what_can_follow(words: tuple[str, ...], offered: set[str]) -> None:
    assert _completed(*words) == offered


def test_each_shell_has_a_script_with_everything_in_it(types: Type) -> None:
    for shell in ("bash", "zsh", "fish"):
        script = types("completion", shell).out
        assert all(noun in script for noun in CONTRACT.nouns)
        assert "--max-users" in script or "-l max-users" in script
    assert types("completion", "zsh").out.startswith("#compdef mailhost\n")
    assert types("completion", "csh").status == 2
