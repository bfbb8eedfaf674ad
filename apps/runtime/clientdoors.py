"""The two doors of a protocol that mail programs speak: NAME, where TLS is asked for by a command,
and NAMEs, where it is there from the first octet. Those that the settings give an address to.
"""

from collections.abc import Awaitable, Callable

from django.conf import settings

from apps.runtime.listener import Door, Factory


def client_doors(
    name: str,
    factory: Factory,
    *,
    refusal: bytes,
    no_tls: bytes,
    afterwards: Callable[[], Awaitable[None]],
) -> list[Door]:
    """Return the doors `name` and `name`s that are to be opened.

    Args:
        name: of the protocol, in lower case; also its name in ALPN (IANA's TLS ALPN protocol IDs).
        factory, refusal, no_tls, afterwards: see `Door`.
    """
    plain, tls = (getattr(settings, f"{key}_LISTEN") for key in (name.upper(), f"{name.upper()}S"))
    doors = []
    if plain is not None:
        doors.append(Door(name, plain, factory, refusal=refusal, afterwards=afterwards))
    if tls is not None:
        doors.append(
            Door(
                f"{name}s",
                tls,
                factory,
                implicit_tls=True,
                alpn=(name,),
                no_tls=no_tls,
                afterwards=afterwards,
            )
        )
    return doors
