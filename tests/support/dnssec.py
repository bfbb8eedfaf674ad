"""Debian's Knot and Unbound: zones that are really signed, and a resolver that really validates.

    with dnssec({"signed.test": ["mx A 127.0.0.1", ...]}, plain={...}, bogus={...}) as endpoint:
        with override_settings(DNS_SERVERS=(endpoint,)): ...

Knot signs the zones; Unbound knows the keys of those in `signed`, knows none of those in `plain`
(insecure), and knows a wrong one of those in `bogus`, whose answers it takes for forged.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from mailhost.env import Endpoint
from tests.support.services import LOOPBACK, folder_of, free_port, running

Zones = Mapping[str, Sequence[str]]

_KNOT = """\
server:
    rundir: "{folder}"
    listen: {loopback}@{port}
    tcp-workers: 1
    udp-workers: 1
    background-workers: 1
control:
    listen: "{folder}/knot.sock"
database:
    storage: "{folder}"
policy:
  - id: quick
    algorithm: ecdsap256sha256
    single-type-signing: on
    nsec3: on
zone:
"""
_ZONE = """\
  - domain: {name}
    file: "{folder}/{name}.zone"
    zonefile-load: difference-no-serial
    zonefile-sync: -1
    journal-content: all
    dnssec-signing: {signing}
    dnssec-policy: quick
"""
_HEAD = """\
$ORIGIN {name}.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
"""
_UNBOUND = """\
server:
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    do-daemonize: no
    num-threads: 1
    interface: {loopback}@{port}
    access-control: {loopback}/8 allow
    do-not-query-localhost: no
    do-ip6: no
    module-config: "validator iterator"
    harden-dnssec-stripped: yes
    local-zone: "test." nodefault
    msg-cache-size: 1m
    rrset-cache-size: 1m
    so-rcvbuf: 0
remote-control:
    control-enable: no
"""
# A key that is nobody's.
_WRONG_DS = "12345 13 2 " + "0123456789ABCDEF" * 4


@contextmanager
def dnssec(
    signed: Zones, *, plain: Zones | None = None, bogus: Zones | None = None
) -> Iterator[Endpoint]:
    """Serve zones, given by name with their records in zone-file form; the resolver's address."""
    plain, bogus = plain or {}, bogus or {}
    with folder_of("dnssec") as folder:
        port = free_port()
        zones = {**signed, **plain, **bogus}
        config = folder / "knot.conf"
        text = _KNOT.format(folder=folder, loopback=LOOPBACK, port=port)
        for name, records in zones.items():
            signing = "off" if name in plain else "on"
            text += _ZONE.format(name=name, folder=folder, signing=signing)
            zone = _HEAD.format(name=name) + "\n".join(records) + "\n"
            (folder / f"{name}.zone").write_text(zone)
        config.write_text(text)
        command = [_debian("knotd"), "-c", str(config)]
        with running(command, folder / "knot.log", ready=lambda: _serves(port, zones, plain)):
            anchors = {name: _ds(config, name) for name in signed}
            anchors |= dict.fromkeys(bogus, _WRONG_DS)
            with _validator(folder, port, zones, anchors) as endpoint:
                yield endpoint


@contextmanager
def _validator(
    folder: Path, knot: int, zones: Zones, anchors: Mapping[str, str]
) -> Iterator[Endpoint]:
    port = free_port()
    text = _UNBOUND.format(folder=folder, loopback=LOOPBACK, port=port)
    lines = [f'    trust-anchor: "{name}. DS {ds}"\n' for name, ds in anchors.items()]
    text = text.replace("remote-control:", "".join(lines) + "remote-control:")
    for name in zones:
        text += f'stub-zone:\n    name: "{name}"\n    stub-addr: {LOOPBACK}@{knot}\n'
    config = folder / "unbound.conf"
    config.write_text(text)
    first = next(iter(zones))
    command = [_debian("unbound"), "-d", "-c", str(config)]
    with running(command, folder / "unbound.log", ready=lambda: _answers(port, first, "SOA")):
        yield Endpoint(LOOPBACK, port)


def _serves(port: int, zones: Zones, plain: Zones) -> bool:
    return all(
        _answers(port, name, "SOA") if name in plain else _answers(port, name, "DNSKEY")
        for name in zones
    )


def _answers(port: int, name: str, kind: str) -> bool:
    # By TCP: a port that nothing listens on yet refuses at once.
    try:
        query = dns.message.make_query(name, kind)
        answer = dns.query.tcp(query, LOOPBACK, port=port, timeout=2)
    except (dns.exception.DNSException, OSError):
        return False
    return answer.rcode() == dns.rcode.SERVFAIL or bool(answer.answer)


def _ds(config: Path, zone: str) -> str:
    """The DS record of a zone's key, SHA-256."""
    command = [_debian("keymgr"), "-c", str(config), zone, "ds"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    records = [line.split(" DS ", 1)[1] for line in told.splitlines()]
    return next(one for one in records if one.split()[2] == "2")


def _debian(name: str) -> str:
    """Where Debian puts a server's program, which is not in everybody's PATH."""
    return shutil.which(name) or f"/usr/sbin/{name}"
