"""The whole way of a message, told beforehand: address, copies, next hops, what a client hears."""

from dataclasses import dataclass

from apps.delivery.reversepath import reverse_path
from apps.directory import transports
from apps.directory.explaining import Explanation, Step, explain
from apps.directory.routing import REFUSALS, Status
from apps.directory.transports import Choice
from apps.mailstore.queries import limits
from apps.mime.address import Address, AddressError
from apps.wire.errors import InvalidAddress, MailError, QuotaExceeded


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that leaves this server.

    Args:
        key: the queue's name of the next hop.
        sender: the reverse path that it leaves with; None if no sender was given.
    """

    address: str
    key: str
    text: str
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """What becomes of mail for an address.

    Args:
        asks: the address for which the server of a relay domain must be asked, "" if none.
    """

    address: str
    status: str
    verdict: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    mailboxes: tuple[str, ...]
    copies: tuple[Copy, ...] = ()
    asks: str = ""

    @property
    def lines(self) -> list[str]:
        """The same for people to read, step by step."""
        lines = [
            f"{number}. {step.address}: {step.text}" for number, step in enumerate(self.steps, 1)
        ]
        lines += [f"   {note}" for note in self.notes]
        lines += [f"=> mailbox of {mailbox}" for mailbox in self.mailboxes]
        for copy in self.copies:
            lines.append(f"=> {copy.address}: {copy.text}")
            if copy.sender is not None:
                lines.append(f"   as from <{copy.sender}>")
        return [*lines, self.verdict]


def route(text: str, *, sender: str | None = None) -> Route:
    """Tell what would become of mail for an address now.

    Args:
        sender: reverse path, "" for the null one, which chooses a transport too; None: any.

    Raises:
        InvalidAddress: one of the two.
    """
    address = _address(text)
    by = _address(sender) if sender else None
    story = explain(address)
    resolution = story.resolution
    return Route(
        address=str(address),
        status=resolution.status.value,
        verdict=_verdict(story),
        steps=story.steps,
        notes=story.notes,
        mailboxes=tuple(user.address for user in resolution.users),
        copies=tuple(_copy(address, target, sender, by) for target in resolution.remote),
        asks=resolution.remote[0] if resolution.is_asked else "",
    )


def _address(text: str) -> Address:
    try:
        return Address.parse(text.strip().removeprefix("<").removesuffix(">"))
    except AddressError as error:
        raise InvalidAddress(str(error), text=f"Not an address: {error}") from None


def _copy(original: Address, target: str, sender: str | None, by: Address | None) -> Copy:
    leaves_as = None
    if sender is not None:
        leaves_as = str(by) if by is not None else ""
        if by is not None:
            leaves_as = reverse_path(leaves_as, _Leaving(target, str(original)))
    wire_domain = Address.parse(leaves_as).domain if leaves_as else ""
    choice = transports.choose(wire_domain, Address.parse(target).domain)
    return Copy(target, choice.hop.key, _hop_text(choice), leaves_as)


@dataclass(frozen=True, slots=True)
class _Leaving:
    """What `reverse_path` wants to know of a recipient."""

    address: str
    original: str


def _hop_text(choice: Choice) -> str:
    hop = choice.hop
    if hop.kind == "mx":
        return f"to the servers that DNS names for {hop.host} (MX)"
    rule = {
        "recipient": f"the transport for mail to {choice.domain}",
        "sender": f"the transport for mail from {choice.domain}",
    }.get(choice.scope, "the transport for all mail")
    login = f", as {hop.username}" if hop.username else ""
    return f"by {rule}: {hop.kind} to {hop.host} port {hop.port}, TLS {hop.tls}{login}"


def _verdict(story: Explanation) -> str:
    """What a client is told at RCPT, or why it is taken."""
    resolution = story.resolution
    if resolution.status is Status.REMOTE:
        return "Taken from users who have signed in; refused from others: " + _reply(
            REFUSALS[Status.REMOTE]
        )
    if resolution.status is not Status.LOCAL:
        return f"Refused: {_reply(REFUSALS[resolution.status])}"
    users = [user.user_id for user in resolution.users]
    if users and any(limits(users).values()):
        return f"Refused for now, a mailbox is full: {_reply(QuotaExceeded)}"
    if resolution.is_asked:
        return "Taken, if the server of this domain says that it has the address."
    return "Taken."


def _reply(error: type[MailError]) -> str:
    reply = error().reply
    return f"{reply.code} {reply.enhanced} {reply.text}"
