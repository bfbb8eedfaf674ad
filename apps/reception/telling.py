"""A judgement in sentences, for the trace. Pure."""

from collections.abc import Iterator

from apps.reception.judging import Judgement
from apps.reception.wording import sentences


def of_judgement(judgement: Judgement) -> Iterator[str]:
    """Say what was found out, and what follows from it."""
    case = judgement.case
    yield from sentences(case.authentication)
    for doubt in case.doubts:
        yield f"The client {doubt}."
    if case.allowed:
        yield f"The allow list {case.allowed} speaks for the client."
    if case.listed:
        yield f"The client {case.listed}."
    if case.is_trusted:
        yield "It came from a host of our own: nothing is held against it."
    if judgement.patience:
        yield judgement.patience
    for domain, why in judgement.junk.items():
        yield f"It goes into Junk{f' at {domain}' if domain else ''}: {why}."
