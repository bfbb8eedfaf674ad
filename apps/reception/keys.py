"""The narrow numbers that rows of reception are found by. Pure.

A key is 64 bits of a hash of what the row is about: equal on every machine and after any restart,
as narrow in an index as a number, whatever strangers put into addresses.
"""

import hashlib


def key_of(*parts: str) -> int:
    """The key of these words, in this order: a signed number of 64 bits."""
    # The length first: ("a", "b\0c") and ("a\0b", "c") are not the same words.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
