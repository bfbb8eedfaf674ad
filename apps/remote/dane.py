"""DANE for SMTP (RFC 6698, 7671, 7672): which TLSA records can be used, and what matches them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsaRecord:
    """A TLSA record (RFC 6698 section 2.1)."""

    usage: int  # 2: an authority (DANE-TA), 3: the server's own (DANE-EE)
    selector: int  # 0: the whole certificate, 1: its public key
    matching: int  # 0: as it is, 1: SHA-256, 2: SHA-512
    data: bytes
