"""Record how another IMAP server answers for the broken messages, into answers.json.

    python -m tests.mime.broken.record NAME HOST:PORT USER PASSWORD

NAME is the name the answers stand under ("dovecot", "cyrus"). The messages are appended to a
mailbox of their own, which is deleted afterwards. Our answers are never recorded: the tests
compare them. Recorded so far: Dovecot 2.3.19.1 and Cyrus 3.6.1 of Debian 12 (Cyrus with
`munge8bit: no`, or it would store an X for every octet above 127).
"""

from __future__ import annotations

import imaplib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.mime.broken.fields import Fields, envelope_fields, kept, structure_fields
from tests.mime.broken.imapsyntax import read_list
from tests.mime.broken.messages import all_messages

ANSWERS: Final = Path(__file__).with_name("answers.json")
MAILBOX: Final = "broken-mail"
SECTIONS: Final = (
    "HEADER",
    "TEXT",
    "1",
    "1.MIME",
    "1.HEADER",
    "1.TEXT",
    "1.1",
    "1.1.MIME",
    "1.1.1",
    "1.2",
    "2",
    "2.MIME",
    "1.HEADER.FIELDS (SUBJECT)",
    "HEADER.FIELDS (SUBJECT TO)",
    "HEADER.FIELDS.NOT (DATE SUBJECT)",
    "TEXT]<3.9>",
    "1]<1.5>",
)
"""What is asked for of the messages that are written out; a partial has its bracket in it."""

Answers = dict[str, dict[str, Any]]


def items_for(name: str) -> tuple[str, ...]:
    """What to fetch of the message so named: of a one-line fault only what the line touches."""
    family = name.partition(":")[0]
    if family in ("address", "date", "id", "in reply to"):
        return ("ENVELOPE",)
    if family == "subject":
        return ("ENVELOPE", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]")
    if family in ("parameter", "field"):
        return ("BODYSTRUCTURE",)
    if family == "type":
        return ("BODYSTRUCTURE", "BODY.PEEK[1]", "BODY.PEEK[1.MIME]")
    sections = [f"BODY.PEEK[{one}" if "<" in one else f"BODY.PEEK[{one}]" for one in SECTIONS]
    return ("RFC822.SIZE", "ENVELOPE", "BODYSTRUCTURE", *sections)


def fields_of(answer: list[Any]) -> Fields:
    """Return the list of one FETCH response as named fields."""
    found: Fields = {}
    for item, value in zip(answer[::2], answer[1::2], strict=True):
        if item == "ENVELOPE":
            found |= envelope_fields(value)
        elif item == "BODYSTRUCTURE":
            found |= structure_fields(value)
        elif item == "RFC822.SIZE":
            found["size"] = value
        elif item.startswith("BODY["):
            found[item] = value
    return kept(found)


def ask(client: imaplib.IMAP4, name: str, raw: bytes) -> Fields:
    """Append one message to the selected mailbox, and return what is fetched of it."""
    # Not append(): it turns every bare CR and LF into CRLF.
    client.literal = raw  # type: ignore[assignment]
    try:
        kind, data = client._simple_command("APPEND", MAILBOX)
    except imaplib.IMAP4.error as error:
        return {"refused": str(error)}
    if kind != "OK":
        return {"refused": b" ".join(data).decode()}
    client.noop()
    kind, data = client.fetch("*", f"({' '.join(items_for(name))})")
    if kind != "OK":
        return {"failed": str(data)}
    return fields_of(read_list(_joined(data)))


def _joined(data: Iterable[Any]) -> bytes:
    """Put together what imaplib took apart at the literals of a response; without its number."""
    pieces: list[bytes] = []
    for piece in data:
        pieces += [piece[0], b"\r\n", piece[1]] if isinstance(piece, tuple) else [piece]
    return b"".join(pieces).partition(b" ")[2]


def load() -> dict[str, Answers]:
    """Return what is recorded: by server, by message, by field."""
    if not ANSWERS.exists():
        return {}
    content = json.loads(ANSWERS.read_text(encoding="utf-8"))
    servers: list[str] = content["servers"]
    return {
        server: {
            name: {
                key: value[server] if isinstance(value, dict) else value
                for key, value in fields.items()
                if not isinstance(value, dict) or server in value
            }
            for name, fields in content["messages"].items()
        }
        for server in servers
    }


def write(recorded: dict[str, Answers]) -> None:
    """Write the file, a line a field: one value if all servers say the same, else one of each."""
    lines = []
    for name in all_messages():
        answers = {server: recorded[server].get(name, {}) for server in sorted(recorded)}
        keys = sorted({key for one in answers.values() for key in one})
        fields = ",\n".join(f"   {json.dumps(key)}: {_merged(answers, key)}" for key in keys)
        lines.append(f"  {json.dumps(name)}: {{\n{fields}\n  }}")
    head = f'{{\n "servers": {json.dumps(sorted(recorded))},\n "messages": {{\n'
    ANSWERS.write_text(head + ",\n".join(lines) + "\n }\n}\n", encoding="utf-8")


def _merged(answers: Answers, key: str) -> str:
    found = {server: one[key] for server, one in answers.items() if key in one}
    values = list(found.values())
    same = len(found) == len(answers) and all(value == values[0] for value in values)
    return json.dumps(values[0] if same else found)


def main(name: str, address: str, user: str, password: str) -> None:
    """Ask one server for everything."""
    host, _, port = address.rpartition(":")
    client = imaplib.IMAP4(host, int(port), timeout=30)
    client.login(user, password)
    client.delete(MAILBOX)
    client.create(MAILBOX)
    client.select(MAILBOX)
    answers = {title: ask(client, title, raw) for title, raw in all_messages().items()}
    client.close()
    client.delete(MAILBOX)
    client.logout()
    write({**load(), name: answers})


if __name__ == "__main__":
    main(*sys.argv[1:])
