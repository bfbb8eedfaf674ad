"""What speaks against a client: small facts that refuse nothing by themselves.

Greylisting, junk and the trace read them. Words are stable, for counting and for settings; the
sentence is for people; weights tell how seldom honest servers do such a thing: 1 many do, 2 few, 3
hardly any.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One fact.

    Args:
        word: short and stable, such as `not-fqdn`.
        text: what follows "The client …", in words of ours; a stranger's words in it are printable
            and bounded.
        weight: 1 to 3.
    """

    word: str
    text: str
    weight: int
