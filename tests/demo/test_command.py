"""`manage.py demo` as people run it: what it makes, says, refuses, and serves."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.demo.management.commands.demo import Command
from apps.demo.post import FEWEST
from tests.support.installation import DOORS, ROOT, own_database
from tests.support.services import free_port, wait_for

SMALL = ("--messages", str(FEWEST), "--date", "2026-11-25")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A demo's own folder, ports and, on Postgres, database."""
    ports = {f"{door}_LISTEN": f"127.0.0.1:{free_port()}" for door in (*DOORS, "POP3", "POP3S")}
    return {
        **os.environ,
        **ports,
        **own_database(from_nothing=True),
        "MAILHOST_DATA": str(tmp_path_factory.mktemp("demo") / "var"),
        "DEMO": "true",
        "WEB_TLS": "off",
    }


def demo(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def test_it_makes_one_demo_and_tells_of_it_as_json(environment: dict[str, str]) -> None:
    first = demo(environment, "--json", *SMALL)
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert told["made"] is True
    assert told["messages"] >= FEWEST
    assert told["copies"] > told["messages"]
    assert len(told["accounts"]) == 12
    assert [one["address"] for one in told["accounts"] if one["operator"]] == [
        "maya@fernhill.example"
    ]
    assert told["link"].startswith(f"http://{environment['WEB_LISTEN']}/demo/")
    assert "Making a demo as of 25 November 2026" in first.stderr
    second = demo(environment, "--json")
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout)["made"] is False
    assert "is there" in second.stderr


def test_it_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        Command().create_parser("manage.py", "demo").parse_args(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for word in ("--fresh", "--date", "--seed", "--messages", "--json", "Exit codes"):
        assert word in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--date", "yesterday"], "a day such as 2026-11-25"),
        (["--date", "0001-01-01"], "a day of the years 1975 to 2200"),
        (["--messages", "3"], f"a number from {FEWEST} to 50000"),
        (["--loud"], "unrecognized arguments"),
    ],
)
def test_it_says_what_is_wrong(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("demo", *arguments)


def test_it_ends_with_two_for_wrong_usage(environment: dict[str, str]) -> None:
    done = demo(environment, "--messages", "3")
    assert (done.returncode, done.stdout) == (2, "")


def test_it_works_only_where_a_demo_is_meant() -> None:
    with pytest.raises(CommandError, match="a demo needs DEMO=true"):
        call_command("demo", *SMALL)


@pytest.fixture
def running(environment: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """The demo running, its IMAP port taken by somebody else; what it says."""
    said = tmp_path / "said"
    with socket.socket() as taken, said.open("wb") as log:
        host, _, port = environment["IMAP_LISTEN"].partition(":")
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, int(port)))
        taken.listen()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", *SMALL],
            cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            wait_for(lambda: "/demo/" in said.read_text(), 100, "the demo prints no link")
            yield said
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0


def test_it_runs_and_its_link_signs_in(environment: dict[str, str], running: Path) -> None:
    text = running.read_text()
    assert "another program listens there already. It opens at 127.0.0.1:" in text
    assert environment["IMAP_LISTEN"] not in text.partition("door  ")[2]
    assert re.search(r"nadia@fernhill.example +nadia-demo-mail +Nadia Haddad", text)
    (link,) = re.findall(r"http://127\.0\.0\.1:\d+/demo/\S+/", text)
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with opener.open(link, timeout=60) as response:
        page = response.read().decode()
        assert response.url.endswith("/mail/inbox/")
    assert "maya@fernhill.example" in page
    again = demo(environment)
    assert again.returncode == 1
    assert "already runs on" in again.stderr
