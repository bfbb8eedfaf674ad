"""Name servers that have whole zones, given as the text of zone files.

    with ZoneServer() as root, ZoneServer("127.0.0.2", authoritative=True) as ns:
        ns.load(text)
        root.load(text)

One that is authoritative answers with AA for its zones, refers what is below a cut to others, and
refuses the rest; the other kind knows all zones it was given and follows aliases through them, as
a resolver does. What can go wrong with a `DnsServer` can go wrong here too.
"""

import dns.flags
import dns.message
import dns.name
import dns.node
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone

from tests.support.dns_server import CHAIN, DnsServer


class ZoneServer(DnsServer):
    """The server.

    Args:
        authoritative: in charge of its zones, and of nothing else.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, *, authoritative: bool = False
    ) -> None:
        super().__init__(host, port)
        self._zones: dict[dns.name.Name, dns.zone.Zone] = {}
        self._authoritative = authoritative

    def load(self, text: str, origin: str | None = None) -> None:
        """Take a zone, in place of what was there by its name."""
        zone = dns.zone.from_text(text, origin=origin, relativize=False, check_origin=False)
        assert zone.origin is not None
        with self._lock:
            self._zones[zone.origin] = zone

    def unload(self, name: str) -> None:
        """Forget a zone."""
        with self._lock:
            del self._zones[dns.name.from_text(name)]

    def _respond(self, query: dns.message.Message, name: str, kind: str) -> dns.message.Message:
        keys = ((name, kind), (name, "ANY"), ("", "ANY"))
        if any(key in self._rcodes for key in keys):
            return super()._respond(query, name, kind)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA if self._authoritative else dns.flags.RA
        owner, wanted = dns.name.from_text(name), dns.rdatatype.from_text(kind)
        for _ in range(CHAIN):
            zone = self._zone_of(owner)
            if zone is None:
                response.set_rcode(self._unknown(response))
                return response
            if self._authoritative and (cut := _cut(zone, owner)):
                return _referral(response, zone, cut)
            node = _node(zone, owner)
            found = None if node is None else node.get_rdataset(zone.rdclass, wanted)
            if found is not None:
                response.answer.append(dns.rrset.from_rdata_list(owner, found.ttl, list(found)))
                return response
            alias = None if node is None else node.get_rdataset(zone.rdclass, dns.rdatatype.CNAME)
            if alias is None:
                response.authority.append(_soa(zone))
                is_there = node is not None or _has_below(zone, owner)
                response.set_rcode(dns.rcode.NOERROR if is_there else dns.rcode.NXDOMAIN)
                return response
            response.answer.append(dns.rrset.from_rdata_list(owner, alias.ttl, list(alias)))
            owner = alias[0].target
        if not self._authoritative:
            response.answer.clear()
            response.set_rcode(dns.rcode.SERVFAIL)
        return response

    def _zone_of(self, owner: dns.name.Name) -> dns.zone.Zone | None:
        """The closest of its zones."""
        above = owner
        while True:
            if above in self._zones:
                return self._zones[above]
            if above == dns.name.root:
                return None
            above = above.parent()

    def _unknown(self, response: dns.message.Message) -> dns.rcode.Rcode:
        if not self._authoritative:
            return dns.rcode.NXDOMAIN
        # Where an alias leads out of its zones, the answer ends.
        return dns.rcode.NOERROR if response.answer else dns.rcode.REFUSED


def _node(zone: dns.zone.Zone, owner: dns.name.Name) -> dns.node.Node | None:
    """What stands at a name, be it by a wildcard (RFC 4592)."""
    node = zone.get_node(owner)
    if node is not None or _has_below(zone, owner):
        return node
    above = owner
    while above != zone.origin and above != dns.name.root:
        above = above.parent()
        found = zone.get_node(dns.name.Name((b"*", *above.labels)))
        if found is not None or zone.get_node(above) is not None:
            return found
    return None


def _has_below(zone: dns.zone.Zone, owner: dns.name.Name) -> bool:
    return any(name != owner and name.is_subdomain(owner) for name in zone.nodes)


def _cut(zone: dns.zone.Zone, owner: dns.name.Name) -> dns.name.Name | None:
    """Where a zone below this one begins that has the name."""
    above = owner
    while above != zone.origin:
        node = zone.get_node(above)
        if node is not None and node.get_rdataset(zone.rdclass, dns.rdatatype.NS) is not None:
            return above
        above = above.parent()
    return None


def _referral(
    response: dns.message.Message, zone: dns.zone.Zone, cut: dns.name.Name
) -> dns.message.Message:
    response.flags &= ~dns.flags.AA
    servers = zone.find_rdataset(cut, dns.rdatatype.NS)
    response.authority.append(dns.rrset.from_rdata_list(cut, servers.ttl, list(servers)))
    for server in servers:
        glue = zone.get_rdataset(server.target, dns.rdatatype.A)
        if glue is not None:
            response.additional.append(
                dns.rrset.from_rdata_list(server.target, glue.ttl, list(glue))
            )
    return response


def _soa(zone: dns.zone.Zone) -> dns.rrset.RRset:
    assert zone.origin is not None
    found = zone.get_rdataset(zone.origin, dns.rdatatype.SOA)
    if found is None:
        text = "ns.invalid. hostmaster.invalid. 1 3600 600 86400 60"
        return dns.rrset.from_text(zone.origin, 60, "IN", "SOA", text)
    return dns.rrset.from_rdata_list(zone.origin, found.ttl, list(found))
