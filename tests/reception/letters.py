"""Arrivals for the tests of greylisting: who sends, what was found out, for whom."""

from apps.mailauth.types import Authentication, Client, Dkim, Dmarc, Result, Spf
from apps.reception.arrival import Addressee, Arrival
from apps.reception.suspicion import Suspicion

UNKNOWN = Authentication(dmarc=Dmarc(author="shop.test"))
PROVEN = Authentication(
    spf=Spf(Result.PASS, "bounce.shop.test"),
    dkim=(Dkim(Result.PASS, "shop.test"),),
    dmarc=Dmarc(Result.PASS, "shop.test", spf=True, dkim=True),
)
FORGED = Authentication(
    spf=Spf(Result.FAIL, "shop.test"), dmarc=Dmarc(Result.FAIL, "shop.test", "shop.test")
)
SILENT = Authentication(spf=Spf(Result.TEMPERROR, "shop.test"))
ODD = Suspicion("no-reverse-name", "The address has no name.", 2)
SMALL = Suspicion("not-fqdn", "HELO is no full name.", 1)
TEXT = b"From: Shop <news@shop.test>\r\nSubject: News\r\n\r\nHello.\r\n"
ALICE = Addressee("alice@example.test", 1, greylists=True)
BOB = Addressee("bob@example.test", 2, greylists=True)


def arrival(
    found: Authentication = UNKNOWN,
    *recipients: Addressee,
    address: str = "192.0.2.7",
    sender: str = "news@shop.test",
    raw: bytes = TEXT,
    suspicions: tuple[Suspicion, ...] = (),
    is_trusted: bool = False,
) -> Arrival:
    """A message that nothing speaks for, to Alice, unless said otherwise."""
    client = Client(address, "mx.shop.test", sender, "mail.example.test")
    return Arrival(client, found, recipients or (ALICE,), raw, suspicions, is_trusted)
