"""A TLS handshake in memory, without sockets."""

import contextlib
import ssl


def handshake(
    server: ssl.SSLContext, client: ssl.SSLContext, name: str | None = None
) -> ssl.SSLObject:
    """Shake hands, and return the client's side.

    Raises:
        ssl.SSLError: either side refuses.
    """
    return both_sides(server, client, name)[0]


def both_sides(
    server: ssl.SSLContext, client: ssl.SSLContext, name: str | None = None
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """As `handshake`; return the client's side and the server's."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(back, there, server_hostname=name)
    theirs = server.wrap_bio(there, back, server_side=True)
    for _ in range(6):
        for side in (ours, theirs):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return ours, theirs
