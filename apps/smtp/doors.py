"""The four SMTP doors, made from the settings: smtp, submission, submissions, lmtp."""

from dataclasses import dataclass, replace

from django.conf import settings

from apps.runtime import tls
from apps.runtime.listener import Door
from apps.smtp.handler import DoorHandler
from apps.smtp.intake import Intake
from apps.smtp.lmtp import LmtpHandler
from apps.smtp.mx import MxHandler
from apps.smtp.proto.limits import Limits
from apps.smtp.rules import Rules
from apps.smtp.server import FULL, NO_TLS, Service
from apps.smtp.submission import SubmissionHandler
from apps.wire.scram import MECHANISMS


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is behind a port. `door` is its word in queue and trace."""

    door: str
    handler: type[DoorHandler]
    implicit_tls: bool = False
    auth: bool = False


_KINDS = {
    "smtp": _Kind("mx", MxHandler),
    "submission": _Kind("submission", SubmissionHandler, auth=True),
    "submissions": _Kind("submission", SubmissionHandler, auth=True, implicit_tls=True),
    "lmtp": _Kind("lmtp", LmtpHandler),
}


def doors(limits: Limits | None = None) -> list[Door]:
    """Return the doors that have an address to listen on. Call it on the event loop they will use.

    Args:
        limits: in place of the usual ones; the size limit is the setting's in any case.
    """
    limits = replace(limits or Limits(), message=settings.MESSAGE_SIZE_LIMIT)
    intake = Intake()
    return [
        _door(name, kind, limits, intake)
        for name, kind in _KINDS.items()
        if getattr(settings, f"{name.upper()}_LISTEN") is not None
    ]


def service(name: str, limits: Limits, intake: Intake) -> Service:
    """Return what stands behind the door `name`."""
    kind = _KINDS[name]
    if kind.auth:
        # How many a user may write to is its own limit, asked at MAIL.
        limits = replace(limits, recipients=limits.targets)
    rules = Rules(
        door=kind.door,
        hostname=settings.MAIL_HOSTNAME,
        limits=limits,
        lmtp=name == "lmtp",
        starttls=not kind.implicit_tls,
        auth=kind.auth,
        mechanisms=tuple(MECHANISMS),
        cleartext_loopback=settings.CLEARTEXT_AUTH == "loopback",
        hides_client=settings.HIDE_CLIENT_ADDRESS,
    )
    # Any ALPN name that an SMTP client may send is foreign: none is registered for SMTP.
    context = None if kind.implicit_tls else tls.server_context()
    return Service(rules, kind.handler(intake), tls=context)


def _door(name: str, kind: _Kind, limits: Limits, intake: Intake) -> Door:
    return Door(
        name=name,
        endpoint=getattr(settings, f"{name.upper()}_LISTEN"),
        protocol_factory=service(name, limits, intake).protocol,
        implicit_tls=kind.implicit_tls,
        refusal=FULL,
        no_tls=NO_TLS,
        afterwards=intake.drain,
    )
