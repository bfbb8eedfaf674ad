"""Letters that are written on the web, as mutt and NeoMutt show them."""

import mailbox
from pathlib import Path

import pytest

from apps.directory.authority import Authority
from apps.mime.composing import tail
from apps.webmail.writers import Choice
from apps.webmail.writing import cleaning, making
from apps.webmail.writing.fields import Fields
from tests.clients.terminal import terminal

pytestmark = pytest.mark.parametrize("program", ["mutt", "neomutt"])

ALICE = Choice("alice@example.test", "alice@example.test", "Alice Ärcher", Authority.OWN)
PICTURE = "/mail/inbox/3/inline/2/"
LONG = "A paragraph that is longer than a line of mail may be, " * 5 + "and ends."
HTML = (
    f"<div>Grüße, Ann</div><div>{LONG}</div><div>From here on</div>"
    f'<img src="{PICTURE}" alt="A cat"><blockquote data-quote="">older words</blockquote>'
    '<div data-sig="">Alice</div>'
)
FILE = bytes(range(256)) * 40
NAME = "Übersicht, 2026 \u2603.bin"
ALONE = """\
set folder = ~
set charset = utf-8
set send_charset = utf-8
set pipe_decode = yes
set quit = yes
set wait_key = no
set sleep_time = 0
set confirmappend = no
set reflow_text = yes
set reflow_wrap = 0
set rfc2047_parameters = no
unset move
alternative_order text/plain
ignore *
unignore from to cc subject date
"""
SECONDS = 20.0


def written(*, is_plain: bool) -> bytes:
    """A letter with a picture and a file."""
    fields = Fields(
        to='"Müller, Ann" <ann@example.test>, bob@example.test',
        cc="zoe@example.test",
        subject="Grüße — a subject that is longer than one line of a header may be, as some are",
        html="" if is_plain else HTML,
        text="Grüße, Ann\nFrom here on\n> older words\n-- \nAlice" if is_plain else "",
        is_plain=is_plain,
    )
    sent = cleaning.outgoing(HTML, {PICTURE: "cat@inline.invalid"})
    cid = "" if is_plain else "cat@inline.invalid"
    pieces = [
        tail.Piece("cat.png", "image/png", lambda: b"\x89PNG", cid),
        tail.Piece(NAME, "application/octet-stream", lambda: FILE),
    ]
    files = tail.build(pieces, "a letter")
    thread = making.Thread("<1.a@example.test>")
    before = making.prefix(
        fields, thread, ALICE, at=1_795_770_000, offset=60, html=sent.html, files=files
    )
    return before + files


def shown(program: str, home: Path, raw: bytes, keys: str) -> None:
    """Have it open the letter and press keys."""
    box = mailbox.mbox(home / "box")
    box.add(raw)
    box.close()
    config = home / "rc"
    config.write_text(f'{ALONE}push "{keys}<quit>"\n')
    words = [program, "-n", "-F", str(config), "-f", str(home / "box")]
    environment = {"HOME": str(home), "TERM": "xterm", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
                   "PATH": "/usr/bin:/bin"}  # fmt: skip
    with terminal(words, home, environment) as screen:
        assert screen.end(SECONDS) == 0, screen.text()


@pytest.mark.parametrize("is_plain", [False, True])
def test_it_shows_the_words_and_who_they_are_from(
    program: str, tmp_path: Path, is_plain: bool
) -> None:
    shown(program, tmp_path, written(is_plain=is_plain), "<pipe-message>cat > out<enter>")
    text = (tmp_path / "out").read_text()
    assert "From: Alice Ärcher <alice@example.test>" in text
    assert '"Müller, Ann" <ann@example.test>, bob@example.test' in text
    assert "Cc: zoe@example.test" in text
    assert "as some are" in text
    assert "Grüße, Ann\n" in text
    assert "\nFrom here on\n" in text
    assert "> older words" in text
    assert "\n-- \nAlice" in text
    assert "<div" not in text


def test_it_saves_the_file_under_its_name(program: str, tmp_path: Path) -> None:
    keys = "<view-attachments><last-entry><save-entry><enter><exit>"
    shown(program, tmp_path, written(is_plain=False), keys)
    (file,) = [one for one in tmp_path.iterdir() if one.suffix == ".bin"]
    assert file.name == NAME
    assert file.read_bytes() == FILE
