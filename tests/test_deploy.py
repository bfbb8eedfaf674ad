"""What deploy/ and the Dockerfile promise: few rights, known settings, units that agree."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from mailhost import env

ROOT = Path(__file__).resolve().parent.parent
UNITS = ("mailhost.service", "mailhost@.service")
SETTINGS = {setting.name for setting in env.SETTINGS}
# Set in the image or a unit, and no settings of ours.
FOREIGN = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


def _unit(name: str) -> list[tuple[str, str]]:
    """The `Key=value` lines of a unit, in order; a key may stand more than once."""
    lines = (ROOT / "deploy" / name).read_text().splitlines()
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return [(key, value) for key, _, value in pairs]


def _example(*, with_suggestions: bool) -> dict[str, str]:
    text = (ROOT / "deploy" / "mailhost.env.example").read_text()
    if with_suggestions:
        text = re.sub(r"^#(?=[A-Z0-9_]+=)", "", text, flags=re.MULTILINE)
    return dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", text, flags=re.MULTILINE))


@pytest.mark.parametrize(
    "line",
    [
        ("User", "mailhost"),
        ("UMask", "0077"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("StateDirectoryMode", "0700"),
        ("CapabilityBoundingSet", "CAP_NET_BIND_SERVICE"),
        ("AmbientCapabilities", "CAP_NET_BIND_SERVICE"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("SystemCallFilter", "@system-service"),
        (
            "SystemCallFilter",
            "landlock_create_ruleset landlock_add_rule landlock_restrict_self",
        ),
        ("LimitNOFILE", "65536"),
        ("TimeoutStopSec", "35"),
    ],
)
@pytest.mark.parametrize("unit", UNITS)
def test_it_gives_the_service_few_rights(unit: str, line: tuple[str, str]) -> None:
    assert line in _unit(unit)


@pytest.mark.parametrize("unit", UNITS)
def test_it_lets_patterns_become_machine_code(unit: str) -> None:
    """yara-x compiles them; without that right nothing could be looked at."""
    assert "MemoryDenyWriteExecute" not in dict(_unit(unit))


def test_it_limits_a_role_as_it_limits_the_whole() -> None:
    whole, role = (
        [line for line in _unit(unit) if line[0] not in {"Description", "ExecStart"}]
        for unit in UNITS
    )
    assert whole == role


@pytest.mark.parametrize("with_suggestions", [False, True])
def test_it_has_an_example_of_settings_that_can_be_used(with_suggestions: bool) -> None:
    example = _example(with_suggestions=with_suggestions)
    assert example.keys() <= SETTINGS
    values = env.read(example)
    assert values["MAIL_HOSTNAME"] == "mail.example.org"
    assert values["LMTP_LISTEN"] is None


def test_it_builds_an_image_whose_user_is_not_root() -> None:
    final = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\S+)", final, re.MULTILINE) == ["mailhost"]
    assert "useradd" in final.partition("\nUSER ")[0]
    assert re.search(r"^CMD \[\"serve\"\]$", final, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", final, re.MULTILINE)


def test_it_builds_on_a_named_version_of_debian() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "${BASE}"]
    assert re.search(r"^ARG BASE=debian:\d+\.\d+-slim$", text, re.MULTILINE)


def test_it_sets_only_settings_that_there_are() -> None:
    image = (ROOT / "Dockerfile").read_text().partition("\nENV ")[2].partition("\nUSER ")[0]
    compose = (ROOT / "deploy" / "compose.yaml").read_text()
    block = compose.partition("environment: &environment\n")[2].partition("\n  #")[0]
    in_image = set(re.findall(r"([A-Z0-9_]+)=", image))
    in_compose = set(re.findall(r"^ +([A-Z0-9_]+): ", block, re.MULTILINE))
    assert "SMTP_LISTEN" in in_image
    assert "DATABASE_URL" in in_compose
    assert (in_image | in_compose) - FOREIGN <= SETTINGS


def test_it_hands_a_command_the_settings_as_the_unit_reads_them(tmp_path: Path) -> None:
    """No shell looks at a value: an `&` or `$(…)` in an address or a password is just that."""
    programs, python = tmp_path / "programs", tmp_path / ".venv" / "bin" / "python"
    for program, text in (
        (programs / "setpriv", 'while [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"'),
        (python, 'printf "%s\\n" "$BLOB_URL" "$SECRET_KEY" "$MAILHOST_DATA" "$@"'),
    ):
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    settings = tmp_path / "mailhost.env"
    settings.write_text("# a comment\n\nBLOB_URL=s3://a/b?c=d&e=f\nSECRET_KEY=$(id) 'x' \\n")
    output = subprocess.run(
        [ROOT / "deploy" / "mailhost", "user", "add", "a b"],
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "MAILHOST_ENV": str(settings),
            "MAILHOST_HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert output.splitlines() == [
        "s3://a/b?c=d&e=f",
        "$(id) 'x' \\n",
        "/var/lib/mailhost",
        "-P",
        "-m",
        "mailhost",
        "user",
        "add",
        "a b",
    ]
