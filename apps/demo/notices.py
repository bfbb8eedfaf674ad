"""What machines, shops and strangers send: newsletters, receipts, codes, alerts, and junk. Pure."""

from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any

from apps.demo import attachments, compose, html
from apps.demo.compose import Entity
from apps.demo.files import attach
from apps.demo.letters import Draft, Letter, boundary, write
from apps.demo.people import People, Person
from apps.demo.phrases import Filler


def notice(told: Mapping[str, Any], people: People, at: datetime, rng: Random) -> Letter:
    """One notice, to one of those who get such."""
    language = told.get("language", "en")
    filler = Filler(rng, language, at)
    reader = people.reader(rng.choice(told["to"]), rng)
    sender = Person("", told["name"], filler.fill(told["address"]), zone="uk", mailer="")
    subject, text = filler.fill(told["subject"]), filler.fill(told["text"]).strip()
    draft = Draft(
        at=at,
        sender=sender,
        to=(reader,),
        subject=subject,
        words=text,
        language=language,
        kind="notice",
        folder=told.get("folder", ""),
        label=told.get("label", ""),
        fields=_fields(told, sender, rng),
        body=_body(told, sender, subject, text, rng),
        files=(attach(told["files"], rng, filler),) if "files" in told else (),
    )
    return write(draft, rng)


def _fields(told: Mapping[str, Any], sender: Person, rng: Random) -> tuple[tuple[str, str], ...]:
    fields = [("Auto-Submitted", "auto-generated")]
    if told["kind"] == "newsletter":
        number = rng.randrange(10_000, 99_999)
        fields += [
            ("List-Id", f"<letter.{sender.host}>"),
            ("List-Unsubscribe", f"<https://{sender.host}/leave/{number}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("Precedence", "bulk"),
        ]
    return tuple(fields)


def _body(told: Mapping[str, Any], sender: Person, title: str, text: str, rng: Random) -> Entity:
    charset = told.get("charset", "utf-8")
    spoken = "\n".join(
        f"{line[3:]}: https://{sender.host}/go" if line.startswith("=> ") else line
        for line in text.splitlines()
    )
    plain = compose.text(f"{spoken}\n", charset=_fitting(spoken, charset))
    look = told.get("look")
    if look is None:
        return plain
    cid = "" if look == "bare" else f"mark.{rng.getrandbits(32):08x}@{sender.host}"
    colour = told.get("colour", "#333333")
    page = html.notice(
        look, name=told["name"], title=title, words=text, colour=colour, host=sender.host, cid=cid
    )
    shown = compose.text(page, "html", _fitting(page, charset))
    if cid:
        mark = compose.binary(attachments.logo(colour), "image/png", "mark.png", cid=cid)
        shown = compose.multipart("related", (shown, mark), boundary(rng))
    return compose.multipart("alternative", (plain, shown), boundary(rng))


def _fitting(text: str, charset: str) -> str:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return "utf-8"
    return charset


def junk(told: Mapping[str, Any], people: People, at: datetime, rng: Random) -> Letter:
    """Something for Junk. Whoever it is for is none of its sender's business."""
    filler = Filler(rng, "en", at)
    reader = people[rng.choice(("maya", "maya", "nadia", "ruth", "lena", "oskar", "jonas", "emre"))]
    sender = Person("", told["name"], filler.fill(told["address"]), mailer="")
    subject, text = filler.fill(told["subject"]), filler.fill(told["text"])
    charset = told.get("charset", "utf-8")
    body = compose.text(text + "\n", charset=_fitting(text, charset))
    if told.get("html"):
        page = html.notice(
            "bare", name=told["name"], title=subject, words=text, colour="#cc0000",
            host=sender.host, cid="",
        )  # fmt: skip
        body = compose.text(page, "html")
    draft = Draft(
        at=at, sender=sender, to=(reader,), subject=subject, words=text, kind="junk", body=body
    )
    return write(draft, rng)
