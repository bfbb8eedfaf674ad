"""OpenDKIM, whose code is not ours, says the same of these signatures; one run for all of them.

Its test mode reads headers line by line and loses their first white space, so that no simple header
form can hold there. A signature for a part of the body holds for it and is `policy` for us; one
from the future does not hold for it.
"""

import re
import subprocess
from pathlib import Path

import pytest

from apps.mailauth import verify
from apps.mailauth.message import split
from apps.mailauth.types import Result
from tests.mailauth.samples import NOW, PLAIN, RECORDS, crafted, zones

_MORE = PLAIN.replace(b"Subject:", b"X-A: one\r\nX-A: two\r\nSubject:")
_TWICE = crafted(_MORE, h="from:x-a:x-a:x-none")
CASES = {
    "relaxed": crafted(PLAIN),
    "simple body": crafted(PLAIN, c="relaxed/simple"),
    "relaxed alone": crafted(PLAIN, c="relaxed"),
    "body changed": crafted(PLAIN).replace(b"Hello", b"Hullo"),
    "white space of the body, relaxed": crafted(PLAIN).replace(b"Hello  Bob", b"Hello \t Bob"),
    "white space of the body, simple": crafted(PLAIN, c="relaxed/simple").replace(b"  B", b" B"),
    "empty lines added": crafted(PLAIN) + b"\r\n\r\n",
    "header changed": crafted(PLAIN).replace(b"Two ", b"2 "),
    "folding changed": crafted(PLAIN).replace(b"\r\n\tcarol", b" \r\n    carol"),
    "case of a name": crafted(PLAIN).replace(b"Subject:", b"SUBJECT:"),
    "case of a value": crafted(PLAIN).replace(b"Alice", b"ALICE"),
    "another key": crafted(PLAIN, selector="o1"),
    "no key": crafted(PLAIN, selector="none"),
    "expired": crafted(PLAIN, x="100"),
    "expires before it was made": crafted(PLAIN, t="200", x="100"),
    "sha1": crafted(PLAIN, a="rsa-sha1"),
    "version": crafted(PLAIN, v="2"),
    "identity below": crafted(PLAIN, i="bob@sub.example.test"),
    "identity elsewhere": crafted(PLAIN, i="@elsewhere.test"),
    "no From": crafted(PLAIN, h="to:subject"),
    "doubled": _TWICE,
    "doubled, first changed": _TWICE.replace(b"one", b"1"),
    "doubled, order changed": _TWICE.replace(b"one\r\nX-A: two", b"two\r\nX-A: one"),
    "one of two signed": crafted(_MORE, h="from:x-a").replace(b"one", b"1"),
    "missing one added": _TWICE.replace(b"Subject:", b"X-None: 1\r\nSubject:"),
    "oversigned From added": b"From: a@b.test\r\n" + crafted(PLAIN, h="from:from:to"),
    "white space in tags": crafted(PLAIN, h="from :\r\n\tto : subject", d="example.\r\n test"),
    "8-bit": crafted(PLAIN.replace(b"Hello", b"\xc3\xa4\xff").replace(b"Two", b"\xc3\xbc")),
    "part of the body": crafted(PLAIN, l="5"),
    "part of the body, rest changed": crafted(PLAIN, l="5").replace(b"Bob", b"Eve"),
    "part of the body changed": crafted(PLAIN, l="5").replace(b"Hello", b"Hullo"),
    "more than the body": crafted(PLAIN, l="500"),
}
_SAID = re.compile(r"/(\d+): verification \(.*\) (succeeded|failed)")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    """Which ones hold for OpenDKIM."""
    folder = tmp_path_factory.mktemp("opendkim")
    keys = folder / "keys"
    keys.write_bytes(b"".join(b"%s %s\n" % (n.encode(), r) for n, r in RECORDS.items()))
    conf = folder / "conf"
    conf.write_text(f"Mode v\nTestPublicKeys {keys}\nSyslog no\n")
    files = [_written(folder / str(number), raw) for number, raw in enumerate(CASES.values())]
    done = subprocess.run(
        ["opendkim", "-x", str(conf), "-vvv", "-t", ",".join(files)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = {int(number): word == "succeeded" for number, word in _SAID.findall(done.stdout)}
    return {name: found.get(number, False) for number, name in enumerate(CASES)}


def _written(file: Path, raw: bytes) -> str:
    file.write_bytes(raw)
    return str(file)


@pytest.mark.parametrize("name", CASES)
async def test_it_says_the_same(name: str, said: dict[str, bool]) -> None:
    (found,) = await verify.verify(split(CASES[name]), zones(), now=NOW)
    assert (found.result in (Result.PASS, Result.POLICY)) is said[name]


def test_it_says_yes_and_no(said: dict[str, bool]) -> None:
    assert 10 < sum(said.values()) < len(said) - 10
