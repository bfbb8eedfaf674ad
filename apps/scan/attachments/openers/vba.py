"""Visual Basic sources of Office documents, unpacked (MS-OVBA section 2.4.1)."""

from typing import Final

from apps.scan.attachments.budget import Budget, Damaged

_CHUNK: Final = 4_096
_SIGNATURE: Final = 0x01


def unpacked(container: bytes, budget: Budget) -> bytes:
    """The text of a module; `container` begins with the signature octet.

    Raises:
        Damaged: it is no such container at all. What is damaged further on ends the text.
    """
    if container[:1] != bytes((_SIGNATURE,)):
        raise Damaged("its macros are damaged")
    text = bytearray()
    at = 1
    while at + 2 <= len(container):
        header = int.from_bytes(container[at : at + 2], "little")
        size = (header & 0x0FFF) + 3
        chunk = container[at + 2 : at + size]
        before = len(text)
        if header & 0x8000:
            _chunk(chunk, text)
        else:
            text += chunk[:_CHUNK]
        budget.spend(len(text) - before)
        at += size
    return bytes(text)


def _chunk(chunk: bytes, text: bytearray) -> None:
    """Eight tokens after each octet of flags: a character, or a copy of what came before."""
    start, at = len(text), 0
    while at < len(chunk):
        flags = chunk[at]
        at += 1
        for bit in range(8):
            if at >= len(chunk) or len(text) - start > _CHUNK:
                return
            if not flags >> bit & 1:
                text.append(chunk[at])
                at += 1
                continue
            token = int.from_bytes(chunk[at : at + 2], "little")
            at += 2
            # The farther into the chunk, the more bits say how far back the copy begins.
            bits = max((len(text) - start - 1).bit_length(), 4)
            length = (token & (0xFFFF >> bits)) + 3
            back = (token >> (16 - bits)) + 1
            if back > len(text) - start:
                return
            for _ in range(length):
                text.append(text[-back])
