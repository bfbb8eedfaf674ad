"""How much memory this process, the server under test included, has now."""

import resource
from pathlib import Path


def resident() -> int:
    """Octets."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
