"""The name server of the receiving race: it answers, says nothing, or is not there.

A receiver asks about everybody who brings mail (SPF, DMARC, the name of the address). `answering`
knows the race's sender; what else is asked does not exist. `silent` takes questions and never
answers, `away` is a port that nobody listens on: what a broken DNS costs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.load import SENDER
from bench.processes import free_ports
from tests.support.dns_server import DnsServer

KINDS: Final = ("answering", "silent", "away")


@contextmanager
def name_server(kind: str) -> Iterator[str]:
    """Run one of KINDS; what DNS_SERVERS is to be."""
    if kind == "away":
        yield f"127.0.0.1:{free_ports(1)[0]}"
        return
    domain = SENDER.rpartition("@")[2]
    with DnsServer() as server:
        server.text(domain, "v=spf1 ip4:127.0.0.1 -all")
        server.text(f"_dmarc.{domain}", "v=DMARC1; p=reject")
        if kind == "silent":
            server.drop("")
        yield f"{server.endpoint.host}:{server.endpoint.port}"
