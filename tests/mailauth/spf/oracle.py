"""pyspf, asked about our zones: what another implementation finds.

It is strict, as the published suite wants it; its own DNS is never used.
"""

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from apps.resolver.base import DnsError, DnsUnavailableError, MxRecord
from tests.support.zones import Zones

with warnings.catch_warnings():
    # Its source has escapes that a newer Python warns of, when it is compiled.
    warnings.simplefilter("ignore")
    import spf as pyspf

__all__ = ["answers", "judge", "pyspf"]


def judge(zones: Zones, address: str, sender: str, helo: str, receiver: str) -> tuple[str, str]:
    """Its result, and the domain's own explanation of a fail."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyspf, "DNSLookup", answers(zones))
        query = pyspf.query(address, sender, helo, receiver=receiver, strict=True)
        result, _, explanation = query.check()
    is_explained = result == "fail" and explanation != pyspf.EXPLANATIONS["fail"]
    return result, explanation if is_explained else ""


def answers(zones: Zones) -> Callable[..., list[Any]]:
    """Zones as pyspf asks them: for `pyspf.DNSLookup`."""

    def look_up(name: str, kind: str, *_: object) -> list[Any]:
        try:
            found = zones.answer(name, kind).records
        except DnsUnavailableError as error:
            raise pyspf.TempError(error.reason) from None
        except DnsError:
            return []
        return [((name, kind), _as_pyspf(one)) for one in found]

    return look_up


def _as_pyspf(data: Any) -> Any:
    if isinstance(data, MxRecord):
        return data.preference, data.host
    return (data,) if isinstance(data, bytes) else str(data)
