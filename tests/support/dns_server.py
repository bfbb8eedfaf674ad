"""A recursive name server on a loopback port, UDP and TCP, that answers what a test tells it.

    with DnsServer() as dns:
        dns.add("example.org", "MX", "10 mx.example.org.")
        dns.add("mx.example.org", "A", "127.0.0.1")
        with override_settings(DNS_SERVERS=(dns.endpoint,)): ...

It runs in threads of the test's process; other processes reach it as `DNS_SERVERS=str(dns)`. It
follows CNAMEs among what it knows, sets AD on names below `secure` when asked with AD or DO, and
counts questions. It is no validator: knot and unbound (tests/support/dnssec.py) are.
"""

import contextlib
import ipaddress
import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Any, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from mailhost.env import Endpoint

NEGATIVE_TTL = 60
CHAIN = 12  # CNAMEs followed; a loop ends in SERVFAIL, as with real resolvers

Key = tuple[str, str]


class DnsServer:
    """The server. Names are given without a final dot, types by their names ("MX").

    What goes wrong for the name "" goes wrong for all of them.

    Args:
        host: loopback address to listen on; "::1" is possible.
        port: of several that answer for one zone at the same port; 0 is any.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.questions: list[Key] = []
        self._lock = threading.Lock()
        self._records: dict[Key, tuple[int, tuple[str, ...]]] = {}
        self._rcodes: dict[Key, str] = {}
        self._delays: dict[Key, float] = {}
        self._dropped: set[Key] = set()
        self._truncated: set[str] = set()
        self._trickling: set[str] = set()
        self._secure: set[str] = set()
        self._raw: dict[Key, Callable[[dns.message.Message], bytes]] = {}
        self._stopping = threading.Event()
        self._udp, self._tcp = self._open(host, port)
        self.host, self.port = host, int(self._udp.server_address[1])
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            for server in (self._udp, self._tcp)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join(10)

    def __str__(self) -> str:
        """As the setting DNS_SERVERS wants it."""
        return str(self.endpoint)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self.host, self.port)

    def add(self, name: str, kind: str, *records: str, ttl: int = 60) -> None:
        """Set all records of a name and type, in zone-file form: "10 mx.example.org."."""
        with self._lock:
            self._records[_key(name, kind)] = (ttl, records)

    def mail(self, domain: str, *addresses: str, host: str = "") -> str:
        """Give a domain one MX host with addresses (127.0.0.1 by default); return the host."""
        host = host or f"mx.{domain}"
        self.add(domain, "MX", f"10 {host}.")
        for kind, colon in (("A", False), ("AAAA", True)):
            of_kind = [one for one in addresses or ("127.0.0.1",) if (":" in one) is colon]
            if of_kind:
                self.add(host, kind, *of_kind)
        return host

    def remove(self, name: str, kind: str = "") -> None:
        """Forget the records of a name, or those of one type; and how they were to go wrong."""
        with self._lock:
            for table in (self._records, self._rcodes, self._delays, self._raw):
                for key in [key for key in table if _matches(key, name, kind)]:
                    del table[key]
            self._dropped = {key for key in self._dropped if not _matches(key, name, kind)}
            self._truncated.discard(_name(name))

    def text(self, name: str, *records: str) -> None:
        """Set the TXT records of a name, each as it is to be read: strings joined."""
        cut = [
            " ".join(f'"{_escaped(one[at : at + 255])}"' for at in range(0, len(one) or 1, 255))
            for one in records
        ]
        self.add(name, "TXT", *cut)

    def reverse(self, address: str, *names: str) -> None:
        """Give an IP address these names."""
        owner = ipaddress.ip_address(address).reverse_pointer
        self.add(owner, "PTR", *(f"{name}." for name in names))

    def mend(self) -> None:
        """Answer everything again as it was told, at once."""
        with self._lock:
            for table in (self._rcodes, self._delays, self._raw):
                table.clear()
            self._dropped.clear()
            self._truncated.clear()

    def fail(self, name: str, kind: str = "ANY", rcode: str = "SERVFAIL") -> None:
        """Answer with an error; kind "ANY" is for all types."""
        with self._lock:
            self._rcodes[_key(name, kind)] = rcode

    def delay(self, name: str, seconds: float, kind: str = "ANY") -> None:
        """Answer late."""
        with self._lock:
            self._delays[_key(name, kind)] = seconds

    def drop(self, name: str, kind: str = "ANY") -> None:
        """Never answer."""
        with self._lock:
            self._dropped.add(_key(name, kind))

    def truncate(self, name: str) -> None:
        """Answer with TC and nothing else over UDP, whatever the size."""
        with self._lock:
            self._truncated.add(_name(name))

    def trickle(self, name: str) -> None:
        """Answer over TCP octet by octet, four a second."""
        with self._lock:
            self._trickling.add(_name(name))

    def secure(self, zone: str) -> None:
        """Set AD on what is at or below `zone`; "" is everything."""
        with self._lock:
            self._secure.add(_name(zone))

    def raw(self, name: str, kind: str, make: Callable[[dns.message.Message], bytes]) -> None:
        """Answer with the octets that `make` returns for the query."""
        with self._lock:
            self._raw[_key(name, kind)] = make

    def count(self, name: str, kind: str = "") -> int:
        """How often a name was asked for."""
        with self._lock:
            return sum(_matches(key, name, kind) for key in self.questions)

    @staticmethod
    def _bind(host: str, port: int) -> tuple[socket.socket, socket.socket]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        for _ in range(50):
            tcp = socket.socket(family, socket.SOCK_STREAM)
            udp = socket.socket(family, socket.SOCK_DGRAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((host, port))
            try:
                udp.bind((host, tcp.getsockname()[1]))
            except OSError:  # somebody else's; the next one
                tcp.close()
                udp.close()
                continue
            return udp, tcp
        raise OSError("no port is free for both UDP and TCP")

    def _open(self, host: str, port: int) -> tuple[Any, Any]:
        udp_socket, tcp_socket = self._bind(host, port)
        answer, stopping, send = self._answer, self._stopping, self._send

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, channel = self.request
                reply = answer(data, True, stopping)
                if reply is not None:
                    with contextlib.suppress(OSError):
                        channel.sendto(reply, self.client_address)

        class Stream(socketserver.StreamRequestHandler):
            timeout = 5

            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    while len(head := self.rfile.read(2)) == 2:
                        query = self.rfile.read(int.from_bytes(head, "big"))
                        reply = answer(query, False, stopping)
                        if reply is not None:
                            whole = len(reply).to_bytes(2, "big") + reply
                            send(query, whole, self.wfile.write, stopping)

        return (
            _adopt(socketserver.ThreadingUDPServer, udp_socket, Datagram),
            _adopt(socketserver.ThreadingTCPServer, tcp_socket, Stream),
        )

    def _send(
        self,
        query: bytes,
        whole: bytes,
        write: Callable[[bytes], object],
        stopping: threading.Event,
    ) -> None:
        """An answer over TCP."""
        name = dns.message.from_wire(query).question[0].name.to_text(omit_final_dot=True).lower()
        if name not in self._trickling:
            write(whole)
            return
        for octet in whole:
            write(bytes([octet]))
            if stopping.wait(0.25):
                return

    def _answer(self, data: bytes, is_udp: bool, stopping: threading.Event) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        with self._lock:
            self.questions.append((name, kind))
            either = [(name, kind), (name, "ANY"), ("", "ANY")]
            delay = max(self._delays.get(key, 0.0) for key in either)
            dropped = not self._dropped.isdisjoint(either)
            make = self._raw.get((name, kind))
        if dropped or (delay and stopping.wait(delay)):
            return None
        if make is not None:
            return make(query)
        with self._lock:
            response = self._respond(query, name, kind)
        if is_udp and name in self._truncated:
            response.answer.clear()
            response.authority.clear()
            response.flags |= dns.flags.TC
        return response.to_wire(max_size=max(query.payload, 512) if is_udp else 65535, **_CUT)

    def _respond(self, query: dns.message.Message, name: str, kind: str) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        keys = ((name, kind), (name, "ANY"), ("", "ANY"))
        rcode = next((self._rcodes[key] for key in keys if key in self._rcodes), None)
        if rcode is not None:
            response.set_rcode(dns.rcode.from_text(rcode))
            return response
        owners = [name]
        response.set_rcode(self._collect(response, owners, kind))
        wants = query.flags & dns.flags.AD or query.ednsflags & dns.flags.DO
        if wants and all(self._is_secure(owner) for owner in owners):
            response.flags |= dns.flags.AD
        return response

    def _collect(
        self, response: dns.message.Message, owners: list[str], kind: str
    ) -> dns.rcode.Rcode:
        """Fill the answer section along the CNAMEs; `owners` grows by each name on the way."""
        for _ in range(CHAIN):
            name = owners[-1]
            rcode = self._rcodes.get((name, "ANY"))
            if rcode is not None:
                return dns.rcode.from_text(rcode)
            for wanted in (kind, "CNAME"):
                found = self._records.get((name, wanted))
                if found is not None:
                    response.answer.append(_rrset(name, wanted, *found))
                    break
            else:
                response.authority.append(_soa(name))
                return dns.rcode.NOERROR if self._exists(name) else dns.rcode.NXDOMAIN
            if wanted == kind:
                return dns.rcode.NOERROR
            owners.append(_name(found[1][0]))
        response.answer.clear()
        return dns.rcode.SERVFAIL

    def _exists(self, name: str) -> bool:
        return any(key[0] == name or key[0].endswith("." + name) for key in self._records)

    def _is_secure(self, name: str) -> bool:
        return any(not zone or name == zone or name.endswith("." + zone) for zone in self._secure)


# What is too large for UDP is cut, with TC set, as servers do.
_CUT: dict[str, Any] = {"prefer_truncation": True}


def _adopt(kind: type[Any], channel: socket.socket, handler: type[Any]) -> Any:
    """A server of `kind` on a socket that is bound already."""
    server = kind(channel.getsockname(), handler, bind_and_activate=False)
    server.socket.close()
    server.socket = channel
    server.address_family = channel.family
    server.server_address = channel.getsockname()
    server.daemon_threads = True
    server.block_on_close = False
    server.server_activate()
    return server


def _name(name: str) -> str:
    return name.rstrip(".").lower()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _key(name: str, kind: str) -> Key:
    return _name(name), kind


def _matches(key: Key, name: str, kind: str) -> bool:
    return key[0] == _name(name) and kind in {"", key[1]}


def _rrset(name: str, kind: str, ttl: int, records: tuple[str, ...]) -> dns.rrset.RRset:
    owner = dns.name.from_text(name)
    # from_text of an rrset would merge what is equal; that is what a server does too.
    return dns.rrset.from_text(owner, ttl, dns.rdataclass.IN, kind, *records)


def _soa(name: str) -> dns.rrset.RRset:
    text = f"ns.invalid. hostmaster.invalid. 1 3600 600 86400 {NEGATIVE_TTL}"
    zone = dns.name.from_text(name.rpartition(".")[2] or ".")
    return dns.rrset.from_text(zone, NEGATIVE_TTL, dns.rdataclass.IN, "SOA", text)
