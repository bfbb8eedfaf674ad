"""The four SMTP doors, made from the settings: smtp, submission, submissions, lmtp."""

from dataclasses import dataclass, replace

from django.conf import settings

from apps.resolver.base import Resolver
from apps.resolver.live import live_resolver
from apps.runtime import tls
from apps.runtime.listener import Door
from apps.smtp.handler import DoorHandler
from apps.smtp.intake import Intake
from apps.smtp.judge import Judge
from apps.smtp.lmtp import LmtpHandler
from apps.smtp.mx import MxHandler
from apps.smtp.offers import Offers
from apps.smtp.proto.limits import Limits
from apps.smtp.rules import Rules
from apps.smtp.server import FULL, NO_TLS, Service
from apps.smtp.submission import SubmissionHandler
from apps.wire.mechanisms import MECHANISMS


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is behind a port. `door` is its word in queue and trace; `judges`: strangers come."""

    door: str
    handler: type[DoorHandler]
    implicit_tls: bool = False
    auth: bool = False
    judges: bool = False


_KINDS = {
    "smtp": _Kind("mx", MxHandler, judges=True),
    "submission": _Kind("submission", SubmissionHandler, auth=True),
    "submissions": _Kind("submission", SubmissionHandler, auth=True, implicit_tls=True),
    "lmtp": _Kind("lmtp", LmtpHandler),
}


def doors(limits: Limits | None = None, resolver: Resolver | None = None) -> list[Door]:
    """Return the doors that have an address to listen on. Call it on the event loop they will use.

    Args:
        limits: in place of the usual ones; the size limit is the setting's in any case.
        resolver: in place of the one by the settings.
    """
    return _Doors(limits, resolver).all()


class _Doors:
    """What the doors of one event loop share."""

    def __init__(self, limits: Limits | None, resolver: Resolver | None) -> None:
        self._limits = replace(limits or Limits(), message=settings.MESSAGE_SIZE_LIMIT)
        self._resolver = resolver
        self._intake = Intake()
        self._judge: Judge | None = None
        self._offers: Offers | None = None
        self._handlers: list[DoorHandler] = []

    def all(self) -> list[Door]:
        """The doors that have an address to listen on."""
        names = [name for name in _KINDS if getattr(settings, f"{name.upper()}_LISTEN") is not None]
        return [self._door(name) for name in names]

    def service(self, name: str) -> Service:
        """What stands behind the door `name`."""
        kind, limits = _KINDS[name], self._limits
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
            mechanisms=MECHANISMS,
            cleartext_loopback=settings.CLEARTEXT_AUTH == "loopback",
            hides_client=settings.HIDE_CLIENT_ADDRESS,
        )
        # Any ALPN name that an SMTP client may send is foreign: none is registered for SMTP.
        context = None if kind.implicit_tls else tls.server_context()
        return Service(rules, self._handler(kind), tls=context)

    async def drain(self) -> None:
        """Return when all that was begun behind the doors is done."""
        await self._intake.drain()
        for handler in self._handlers:
            await handler.close()
        if self._judge is not None:
            await self._judge.close()
        if self._offers is not None:
            await self._offers.close()

    def _handler(self, kind: _Kind) -> DoorHandler:
        handler = self._made(kind)
        self._handlers.append(handler)
        return handler

    def _made(self, kind: _Kind) -> DoorHandler:
        if not kind.judges:
            return kind.handler(self._intake)
        if self._judge is None:
            self._judge = Judge(settings.MAIL_HOSTNAME, self._resolver or live_resolver())
        if self._offers is None:
            self._offers = Offers()
        return MxHandler(self._intake, self._judge, self._offers)

    def _door(self, name: str) -> Door:
        return Door(
            name=name,
            endpoint=getattr(settings, f"{name.upper()}_LISTEN"),
            protocol_factory=self.service(name).protocol,
            implicit_tls=_KINDS[name].implicit_tls,
            refusal=FULL,
            no_tls=NO_TLS,
            afterwards=self.drain,
        )
