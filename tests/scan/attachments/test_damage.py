"""Whatever is done to a file on its way, looking at it ends, and never raises."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scan.attachments import packers
from tests.scan.attachments.made import (
    EICAR,
    PROGRAM,
    by_tool,
    imaged,
    mail,
    of_file,
    seven_zipped,
    tarred,
    tnef,
    zipped,
)
from tests.scan.attachments.ole import compound, macro, package

FILES = {"a.txt": b"hello " * 30, "eicar.com": EICAR}
MADE: dict[str, Callable[[Path], bytes]] = {
    "zip": lambda _: zipped(FILES),
    "tar": lambda _: tarred(FILES),
    "tar.gz": lambda _: tarred(FILES, "w:gz"),
    "tar.xz": lambda _: tarred(FILES, "w:xz"),
    "gz": lambda _: gzip.compress(EICAR * 9),
    "7z": lambda folder: seven_zipped(folder, FILES),
    "7z by PPMd": lambda folder: seven_zipped(folder, FILES, "-m0=PPMd"),
    "7z by Deflate64": lambda folder: seven_zipped(folder, FILES, "-m0=BCJ", "-m1=Deflate64"),
    "rar 4": lambda _: packers.rar_4(FILES),
    "rar 5": lambda _: packers.rar_5(FILES, solid=True, locked=("a.txt",)),
    "program": lambda _: PROGRAM + packers.rar_5(FILES),
    "lzh": lambda _: packers.lzh(FILES),
    "arj": lambda folder: by_tool(folder, FILES, "arj", "a", "-y", "x.arj", *FILES, made="x.arj"),
    "ace": lambda _: packers.ace(FILES),
    "cab": lambda _: packers.cab_lzx("eicar.com", EICAR),
    "cpio": lambda _: packers.cpio(FILES),
    "lz4": lambda _: packers.lz4(EICAR * 9),
    "Z": lambda _: packers.compressed(EICAR),
    "iso": lambda folder: imaged(folder, FILES, "-J", "-R"),
    "tnef": lambda _: tnef(*FILES.items()),
    "mail": lambda _: mail("a.zip", zipped(FILES)),
    "document": lambda _: compound(
        {
            ("VBA", "M"): macro("Sub AutoOpen()\r\n" * 9),
            ("O", "\x01Ole10Native"): package("a", b"x"),
        }
    ),
}
ROUNDS = 25


@pytest.mark.parametrize("form", MADE)
def test_it_ends_well(form: str, tmp_path: Path) -> None:
    whole = MADE[form](tmp_path)
    chance = random.Random(form)  # the same each time
    for _ in range(ROUNDS):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(min(len(damaged), 60_000))] = chance.randrange(256)
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        for fact in of_file(bytes(damaged), f"x.{form}"):
            assert fact["path"]
