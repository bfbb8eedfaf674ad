"""The server side of SCRAM-SHA-256 and -PLUS (RFC 5802, RFC 7677), as an exchange without I/O.

The password never travels: the client proves that it knows it, and we that we know the keys made of
it. One exchange may be about several passwords of a user (app passwords): their keys share salt
and iteration count, and which of them it was comes out at the end.

Where there are channel bindings, a client that could use them and did not see that we can (`y`) is
refused: somebody took -PLUS out of our list. Promises as `apps.wire.sasl`: no exception for any
input.
"""

from __future__ import annotations

import binascii
import contextlib
import hashlib
import hmac
import re
import stringprep
import unicodedata
from collections.abc import Mapping, Sequence

from apps.wire.limits import SASL_FIELD
from apps.wire.sasl import (
    Challenge,
    Done,
    Failure,
    FailureReason,
    KeysWanted,
    Outcome,
    Proof,
    decode,
    decode_base64,
)

NONCE_MAX = 256  # characters of the client's nonce; those of libraries have 18 to 64
HASH = "sha256"
HASH_SIZE = 32

# gs2-header, then client-first-message-bare (RFC 5802 section 7). `m=` is reserved, and whoever
# does not know what it extends must fail (section 5.1), so it has no place here, nor among the
# extensions that are passed over.
_FIRST = re.compile(
    r"(?P<header>(?P<flag>[ny]|p=(?P<binding>[A-Za-z0-9.-]+)),(?:a=(?P<authzid>[^,]+))?,)"
    r"(?P<bare>n=(?P<username>[^,]+)"
    rf",r=(?P<nonce>[!-+\--~]{{1,{NONCE_MAX}}})(?:,[A-Za-ln-z]=[^,]+)*)"
)
_FINAL = re.compile(
    r"(?P<bare>c=(?P<binding>[A-Za-z0-9+/=]*),r=(?P<nonce>[!-+\--~]*)(?:,[A-Za-ln-z]=[^,]+)*?)"
    r",p=(?P<proof>[A-Za-z0-9+/=]*)"
)
_ESCAPES = re.compile("=2C|=3D")
_BAD = Failure(FailureReason.BAD_FORMAT)

KeyPair = tuple[bytes, bytes]
"""StoredKey and ServerKey of RFC 5802 section 3."""


class ScramSha256:
    """One exchange: first message, `offer()`, final message, an empty line.

    Args:
        bindings: what the client may bind to, by the names of RFC 5929 and RFC 9266; empty if
            -PLUS is not offered.
        plus: whether the client chose -PLUS.
    """

    __slots__ = (
        "_bare",
        "_bindings",
        "_bound",
        "_header",
        "_keys",
        "_nonce",
        "_offered",
        "_plus",
        "_proven",
    )

    def __init__(self, bindings: Mapping[str, bytes] | None = None, *, plus: bool = False) -> None:
        self._bindings = bindings or {}
        self._plus = plus
        self._bound = b""
        self._header = ""
        self._bare = ""
        self._nonce = ""
        self._offered = ""
        self._keys: Sequence[KeyPair] = ()
        self._proven = False

    def start(self, initial: bytes | None) -> Outcome:
        """Ask with an empty challenge, or read the client's first message."""
        if initial is None:
            return Challenge(b"")
        return self.step(b"" if initial == b"=" else initial)

    def step(self, response: bytes) -> Outcome:
        """Read the message whose turn it is."""
        raw = decode(response)
        if isinstance(raw, Failure):
            return raw
        if self._proven:
            return Done() if not raw else _BAD
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return _BAD
        if "\0" in text:
            return _BAD
        return self._final(text) if self._offered else self._first(text)

    def offer(self, nonce: str, salt: bytes, iterations: int, keys: Sequence[KeyPair]) -> Challenge:
        """Go on after `KeysWanted`.

        Args:
            nonce: ours: random, printable, without commas.
            keys: one pair for each password that the user may have used.
        """
        self._nonce += nonce
        self._keys = keys
        told = binascii.b2a_base64(salt, newline=False).decode()
        self._offered = f"r={self._nonce},s={told},i={iterations}"
        return Challenge(self._offered.encode())

    def _first(self, text: str) -> Outcome:
        if self._nonce or (found := _FIRST.fullmatch(text)) is None:
            return _BAD
        if (refusal := self._bind(found["flag"], found["binding"] or "")) is not None:
            return refusal
        authzid, username = _name(found["authzid"] or ""), _name(found["username"])
        if authzid is None or not username:
            return _BAD
        self._header, self._bare, self._nonce = found["header"], found["bare"], found["nonce"]
        return KeysWanted(authzid, username)

    def _bind(self, flag: str, name: str) -> Failure | None:
        """Check the channel binding flag (RFC 5802 section 6)."""
        if bool(name) is not self._plus:
            return _BAD
        if flag == "y" and self._bindings:
            return Failure(FailureReason.DOWNGRADE)
        if name:
            bound = self._bindings.get(name)
            if bound is None:
                return Failure(FailureReason.UNKNOWN_BINDING)
            self._bound = bound
        return None

    def _final(self, text: str) -> Outcome:
        found = _FINAL.fullmatch(text)
        if found is None or found["nonce"] != self._nonce:
            return _BAD
        binding = decode_base64(found["binding"].encode())
        proof = decode_base64(found["proof"].encode())
        header = self._header.encode()
        if binding is None or proof is None or len(proof) != HASH_SIZE:
            return _BAD
        if not binding.startswith(header) or (self._plus and binding == header):
            return _BAD
        if not hmac.compare_digest(binding, header + self._bound):
            return Failure(FailureReason.WRONG_BINDING)
        self._proven = True
        words = f"{self._bare},{self._offered},{found['bare']}".encode()
        place = None
        # All of them, whichever it was: how long this takes tells nothing.
        for number, (stored_key, _) in enumerate(self._keys):
            if _is_right(stored_key, words, proof):
                place = number
        server_key = b"" if place is None else self._keys[place][1]
        signature = hmac.digest(server_key, words, HASH)
        return Proof(place, Challenge(b"v=" + binascii.b2a_base64(signature, newline=False)))


def _is_right(stored_key: bytes, words: bytes, proof: bytes) -> bool:
    signature = hmac.digest(stored_key, words, HASH)
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), stored_key)


def _name(text: str) -> str | None:
    """A saslname, decoded and prepared; None if it is none: `=` stands only in =2C and =3D."""
    if len(text) > SASL_FIELD or "=" in _ESCAPES.sub("", text):
        return None
    try:
        return saslprep(text.replace("=2C", ",").replace("=3D", "="))
    except ValueError:
        return None


def saslprep(text: str) -> str:
    """Return `text` prepared as a query string by RFC 4013; raise ValueError if prohibited."""
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char
        for char in text
        if not stringprep.in_table_b1(char)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(_is_prohibited(char) for char in prepared):
        raise ValueError("prohibited character")
    _check_bidi(prepared)
    return prepared


def _is_prohibited(char: str) -> bool:
    """Tell whether RFC 4013 section 2.3 prohibits the character."""
    return (
        stringprep.in_table_c12(char)
        or stringprep.in_table_c21_c22(char)
        or stringprep.in_table_c3(char)
        or stringprep.in_table_c4(char)
        or stringprep.in_table_c5(char)
        or stringprep.in_table_c6(char)
        or stringprep.in_table_c7(char)
        or stringprep.in_table_c8(char)
        or stringprep.in_table_c9(char)
    )


def _check_bidi(text: str) -> None:
    """Apply RFC 3454 section 6."""
    if not any(stringprep.in_table_d1(char) for char in text):
        return
    mixed = any(stringprep.in_table_d2(char) for char in text)
    if mixed or not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise ValueError("mixed text directions")


def scram_keys(
    password: str, salt: bytes, iterations: int, algorithm: str = "sha256"
) -> tuple[bytes, bytes]:
    """Return (StoredKey, ServerKey) of RFC 5802 section 3.

    A password that SASLprep prohibits is used as it is, as PostgreSQL does: users may have any
    password, and the clients that prepare at all fall back the same way.
    """
    with contextlib.suppress(ValueError):
        password = saslprep(password)
    salted = hashlib.pbkdf2_hmac(algorithm, password.encode("utf-8"), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", algorithm)
    stored_key = hashlib.new(algorithm, client_key).digest()
    return stored_key, hmac.digest(salted, b"Server Key", algorithm)
