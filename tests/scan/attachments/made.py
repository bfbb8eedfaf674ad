"""Files and mail for tests of attachments, made by the tools that people use."""

import base64
import io
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from apps.scan.attachments.caged import look_at
from apps.scan.attachments.check import Attachments
from apps.scan.base import Action, Case, Finding, Reader
from tests.scan.cases import case

# In two pieces: no scanner is to stop this file.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD" + b"-ANTIVIRUS-TEST-FILE!$H+H*"
PROGRAM = (
    b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00" + bytes(44) + b"\x40\x00\x00\x00"
    b"PE\x00\x00L\x01" + bytes(200)
)
"""As much of a Windows program as tells it from other files."""
CHECK = Attachments()


def mail(name: str, content: bytes, declared: str = "application/octet-stream") -> bytes:
    """A message with a text and one attachment."""
    message = EmailMessage()
    message["From"] = "carol@outside.invalid"
    message["To"] = "alice@example.test"
    message["Subject"] = "The papers"
    message["Date"] = "Tue, 24 Nov 2026 10:00:00 +0100"
    message.set_content("They are attached.\n")
    main, _, sub = declared.partition("/")
    message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def raw_mail(*lines: bytes, encoding: bytes = b"", declared: bytes = b"text/plain") -> bytes:
    """A message of one part, its body as it stands."""
    head = b"From: carol@outside.invalid\r\nTo: alice@example.test\r\nMIME-Version: 1.0\r\n"
    head += b"Content-Type: " + declared + b"\r\n"
    if encoding:
        head += b"Content-Transfer-Encoding: " + encoding + b"\r\n"
    return head + b"\r\n" + b"\r\n".join(lines) + b"\r\n"


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    """A tar archive; `w:gz` and the like pack it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def by_tool(folder: Path, files: Mapping[str, bytes], *command: str, made: str) -> bytes:
    """What a program makes of files: `command` names it and its arguments, `made` the result."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return (folder / made).read_bytes()


def seven_zipped(folder: Path, files: Mapping[str, bytes], *options: str) -> bytes:
    """A 7z archive, by 7-Zip."""
    return by_tool(folder, files, "7zz", "a", "-bd", *options, "x.7z", *files, made="x.7z")


def imaged(folder: Path, files: Mapping[str, bytes], *options: str) -> bytes:
    """A disk image, by xorriso."""
    command = ("xorriso", "-as", "mkisofs", *options, "-o", "x.iso", *files)
    return by_tool(folder, files, *command, made="x.iso")


def uuencoded(name: str, content: bytes) -> bytes:
    """As uuencode writes it."""
    lines = [f"begin 644 {name}".encode()]
    for at in range(0, len(content), 45):
        piece = content[at : at + 45]
        coded = base64.b64encode(piece + bytes(-len(piece) % 3))
        table = bytes.maketrans(_BASE64, _UUENCODE)
        lines.append(bytes((32 + len(piece),)) + coded.translate(table))
    return b"\r\n".join([*lines, b"`", b"end"])


_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_UUENCODE = b"`" + bytes(range(33, 96))


def tnef(*files: tuple[str, bytes], level: int = 2) -> bytes:
    """winmail.dat with attachments."""

    def attribute(of: int, identity: int, kind: int, value: bytes) -> bytes:
        head = bytes((of,)) + identity.to_bytes(2, "little") + kind.to_bytes(2, "little")
        total = (sum(value) & 0xFFFF).to_bytes(2, "little")
        return head + len(value).to_bytes(4, "little") + value + total

    made = b"\x78\x9f\x3e\x22\x01\x00" + attribute(1, 0x9006, 8, b"\x00\x00\x01\x00")
    for name, content in files:
        made += attribute(level, 0x9002, 6, bytes(14))
        made += attribute(level, 0x8010, 1, name.encode("cp1252") + b"\x00")
        made += attribute(level, 0x800F, 6, content)
    return made


def facts(raw: bytes, **options: Any) -> list[dict[str, Any]]:
    """What is noted of the files of a message, in this process."""
    found: list[dict[str, Any]] = look_at(raw, **options)["files"]
    return found


def of_file(content: bytes, name: str = "a", **options: Any) -> list[dict[str, Any]]:
    """The same of one file."""
    return facts(mail(name, content), **options)


def names_in(found: list[dict[str, Any]]) -> list[str]:
    """The innermost names."""
    return [fact["path"][-1] for fact in found]


def judged(raw: bytes, *readers: Reader, **more: Any) -> list[Finding]:
    """What the check finds; asks the database for policies."""
    asked: Case = case(*readers, raw=raw, **more)
    return CHECK.judge(asked, CHECK.gather([asked])[0])


def hardest(findings: list[Finding]) -> Action:
    """What is asked for in the end."""
    return max((one.action for one in findings), default=Action.NONE)


def kinds_in(found: list[dict[str, Any]]) -> dict[str, str]:
    """Innermost names and what they are."""
    return {fact["path"][-1]: fact["kind"] for fact in found}


def virus_in(found: list[dict[str, Any]]) -> bool:
    """Whether the test virus was found."""
    return any("eicar" in fact.get("found", ()) for fact in found)


def marked(found: list[dict[str, Any]], mark: str) -> list[str]:
    """The innermost names of what has a mark."""
    return [fact["path"][-1] for fact in found if mark in fact.get("marks", ())]
