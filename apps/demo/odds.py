"""Single pieces: drafts, letters with something missing, invitations, reports. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from apps.demo import attachments, compose, days
from apps.demo.compose import Entity
from apps.demo.files import attach
from apps.demo.letters import Draft, Letter, boundary, write
from apps.demo.people import People, Person
from apps.demo.phrases import Filler
from apps.mime.dates import format_date

HOST = "mail.fernhill.example"
DAEMON = Person("", "Mail Delivery System", f"mailer-daemon@{HOST}", zone="uk", mailer="")


def unsent(told: Mapping[str, Any], people: People, at: datetime, rng: Random) -> Letter:
    """A letter that was begun and left."""
    writer = people[told["from"]]
    draft = Draft(
        at=at,
        sender=writer,
        to=tuple(people[key] for key in told["to"]),
        subject=told["subject"],
        words=told["text"],
        kind="draft",
        language=writer.language,
    )
    return write(draft, rng)


def wordless(told: Mapping[str, Any], people: People, at: datetime, rng: Random) -> Letter:
    """A letter without text or subject, or with too much of one."""
    file = told.get("file", "")
    empty = Entity((("Content-Type", "text/plain; charset=us-ascii"),), b"")
    draft = Draft(
        at=at,
        sender=people[told["from"]],
        to=tuple(people[key] for key in told["to"]),
        subject=told["subject"],
        words=told.get("text", ""),
        body=None if "text" in told else empty,
        files=(attach(file, rng, Filler(rng, "en", at)),) if file else (),
    )
    return write(draft, rng)


def invitation(
    told: Mapping[str, Any], people: People, at: datetime, end: datetime, rng: Random
) -> Iterator[Letter]:
    """An invitation (RFC 6047), and who answers it in words."""
    host = people[told["from"]]
    filler = Filler(rng, "en", at)
    subject, place = filler.fill(told["subject"]), filler.fill(told["place"])
    guests = tuple(people[key] for key in told["to"])
    when = at.replace(hour=rng.randrange(9, 17), minute=0, second=0) + timedelta(days=8)
    if when.weekday() > 4 and told["minutes"] < 120:
        when -= timedelta(days=3)  # rehearsals alone may be at a weekend
    clock = days.local(when, host.zone)
    words = f"{days.weekday(clock, 'en')} {days.day_and_month(clock, 'en')}, {clock:%H:%M}\n{place}"
    octets = attachments.calendar(
        uid=f"{rng.getrandbits(64):016x}@{host.host}",
        at=when,
        minutes=told["minutes"],
        summary=subject,
        place=place,
        organizer=host.address,
        guests=[guest.address for guest in guests],
        stamp=at,
    )
    asked = compose.text(octets.decode(), "calendar", parameters="; method=REQUEST")
    body = compose.multipart("alternative", (compose.text(words + "\n"), asked), boundary(rng))
    file = compose.binary(octets, "application/ics", "invite.ics")
    draft = Draft(
        at=at, sender=host, to=guests, subject=subject, words=words, kind="invitation",
        body=body, files=(file,),
    )  # fmt: skip
    sent = write(draft, rng)
    yield sent
    later = days.answer_after(at, rng)
    answerer = people[guests[0].reaches[0]] if guests[0].reaches else guests[0]
    if later < end and answerer is not host:
        said = rng.choice(
            ("I'll be there.", "Yes, with biscuits.", "Can we make it half an hour later?")
        )
        yield write(
            Draft(at=later, sender=answerer, to=(host,), subject=f"Re: {subject}", words=said,
                  answers=sent), rng
        )  # fmt: skip


def undeliverable(people: People, at: datetime, rng: Random) -> Iterator[Letter]:
    """A letter to an address that is not there, and what came back (RFC 3461, 3464)."""
    writer = people[rng.choice(("maya", "ruth", "lena", "oskar"))]
    name, host = rng.choice(
        (("j.brigg", "brigg-surveyors.example"), ("orders", "old-mill-paper.example"),
         ("tessa", "northlight.example"), ("kontakt", "ofenbau-nord.example"))
    )  # fmt: skip
    reader = Person("", "", f"{name}@{host}", zone="uk")
    filler = Filler(rng, "en", at)
    words = filler.fill(
        "Hello, we met at the fair in {town} and you promised me a price for {material}."
        " Is this still the right address? About {many} square metres, by {date} if possible."
    )
    subject = filler.fill("<Price for|Enquiry:> {material}")
    sent = write(Draft(at=at, sender=writer, to=(reader,), subject=subject, words=words), rng)
    yield sent
    why = rng.choice(
        (("5.1.1", f"550 5.1.1 <{reader.address}>: there is no such mailbox here"),
         ("5.2.2", "552 5.2.2 This mailbox is full"),
         ("4.4.1", "connection timed out, tried for five days"))
    )  # fmt: skip
    yield _report(sent, reader, ("failed", *why), at + timedelta(seconds=40), rng)


def confirmed(people: People, at: datetime, rng: Random) -> Iterator[Letter]:
    """A letter whose delivery was to be confirmed, and the report that it arrived."""
    writer, reader = people.cast([rng.choice(("maya", "ruth", "jonas")), "clients"], rng)
    filler = Filler(rng, "en", at)
    words = filler.fill("Please find the certificate for {part}, as agreed on {day}.")
    draft = Draft(
        at=at, sender=writer, to=(reader,), subject=filler.fill("Certificate {number}"),
        words=words, files=(attach("certificate.pdf", rng, filler),),
    )  # fmt: skip
    sent = write(draft, rng)
    yield sent
    why = ("relayed", "2.0.0", "250 2.0.0 Accepted")
    yield _report(sent, reader, why, at + timedelta(seconds=25), rng)


def _report(
    about: Letter, reader: Person, why: tuple[str, str, str], at: datetime, rng: Random
) -> Letter:
    action, code, said = why
    is_failure = action == "failed"
    told = (
        f"This is the mail system of {HOST}.\n\n"
        + ("Your message could not be delivered to:\n" if is_failure else "Delivered to:\n")
        + f"\n  {reader.address}\n  {said}\n"
        + ("\nNobody will try again. Your message is below.\n" if is_failure else "")
    )
    status = compose.machine(
        "delivery-status",
        (
            (("Reporting-MTA", f"dns; {HOST}"), ("Arrival-Date", format_date(about.at))),
            (
                ("Final-Recipient", f"rfc822; {reader.address}"),
                ("Action", action),
                ("Status", code),
                ("Remote-MTA", f"dns; mx.{reader.host}"),
                ("Diagnostic-Code", f"smtp; {said}"),
            ),
        ),
    )
    header = about.raw[: about.raw.index(b"\r\n\r\n") + 2]
    back = Entity((("Content-Type", "text/rfc822-headers"),), header)
    body = compose.multipart(
        "report",
        (compose.text(told), status, back),
        boundary(rng),
        parameters="; report-type=delivery-status",
    )
    subject = "Your message could not be delivered" if is_failure else "Your message was delivered"
    draft = Draft(
        at=at, sender=DAEMON, to=(about.sender,), subject=subject, words=told, kind="report",
        body=body, answers=about, fields=(("Auto-Submitted", "auto-replied"),),
    )  # fmt: skip
    return write(draft, rng)


def passed_on(about: Letter, people: People, at: datetime, rng: Random) -> Letter:
    """A colleague gets a letter of somebody else's, as an attachment."""
    writer = next(people[key] for one in about.to for key in one.reaches)
    (reader,) = people.cast(["studio" if writer.host.startswith("fernhill") else "choir"], rng)
    if reader is writer:
        reader = people["ruth"]
    words = rng.choice(
        ("For you, I think.", "See below. What do I say?", "Could you take this one?")
    )
    draft = Draft(
        at=at, sender=writer, to=(reader,), subject=f"Fwd: {about.subject}", words=words,
        forwards=about, files=(compose.enclosed(about.raw),),
    )  # fmt: skip
    return write(draft, rng)
