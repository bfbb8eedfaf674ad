"""The client side of SCRAM-SHA-256 and -PLUS (RFC 5802 section 3), to prove the server's side with.

Written from the RFC and not from `apps.wire.scram`, of which it uses nothing.
"""

import base64
import hashlib
import hmac


class ScramClient:
    """One exchange of one client.

    Args:
        header: the gs2-header: `p=tls-exporter,,` binds to the channel by `bound`.
    """

    def __init__(
        self,
        username: str,
        password: str,
        nonce: str,
        *,
        header: str = "n,,",
        bound: bytes = b"",
    ) -> None:
        escaped = username.replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={escaped},r={nonce}"
        self._password = password.encode()
        self._header = header
        self._bound = bound
        self._server_signature = b""

    def first(self) -> bytes:
        """The first message."""
        return f"{self._header}{self._bare}".encode()

    def final(self, offered: bytes) -> bytes:
        """The answer to the server's first message."""
        told = dict(part.split("=", 1) for part in offered.decode().split(","))
        salt, rounds = base64.b64decode(told["s"]), int(told["i"])
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        binding = base64.b64encode(self._header.encode() + self._bound).decode()
        without_proof = f"c={binding},r={told['r']}"
        words = f"{self._bare},{offered.decode()},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), words, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self._server_signature = hmac.digest(server_key, words, "sha256")
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def is_convinced(self, final: bytes) -> bool:
        """Whether the server has proven that it knows our keys."""
        return final == b"v=" + base64.b64encode(self._server_signature)
