"""How long other servers are waited for: every wait has an end, and so has every sum of waits.

The minimums of RFC 5321 section 4.5.3.2 are kept where it sets one: who gives up before a slow
server has answered sends the same mail again.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for each phase.

    Args:
        connect: TCP, to one address.
        head_start: how long an address is tried alone before the next one is tried beside it, so
            that a dead IPv6 address costs a moment only (RFC 8305 section 5).
        greeting: the 220 (section 4.5.3.2.1).
        hello: EHLO, HELO, LHLO, RSET.
        handshake: TLS.
        auth: AUTH.
        mail, recipient: MAIL and RCPT (sections 4.5.3.2.2 and 4.5.3.2.3).
        data: DATA (section 4.5.3.2.4).
        block: one piece of the text of at most `connection.BLOCK` octets (section 4.5.3.2.5).
        end: after the final dot (section 4.5.3.2.6).
        quit: QUIT; everything is done by then.
        hop: finding a usable host of a destination, all hosts together.
        envelope: MAIL and all RCPT of one transaction together.
        text: the text of one message.
    """

    connect: float = 30
    head_start: float = 1
    greeting: float = 300
    hello: float = 300
    handshake: float = 60
    auth: float = 120
    mail: float = 300
    recipient: float = 300
    data: float = 120
    block: float = 180
    end: float = 600
    quit: float = 5
    hop: float = 600
    envelope: float = 900
    text: float = 3_600


PATIENCE = Patience()
