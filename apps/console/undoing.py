"""How acts on many things are taken back: by name, as `BulkAct.what` has it.

Each room of the console that does such acts says here what their opposite is. It gets the powers of
who asks now, and what was kept; it does what it can by the doors that did the act, and returns
a sentence of what came of it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from apps.directory.permissions import Powers

Undo = Callable[[Powers, Any], str]

UNDOERS: Final[Mapping[str, Undo]] = {}
