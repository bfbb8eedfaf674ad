#!/usr/bin/env python
"""Entry point of every command: `manage.py serve`, `manage.py user add`, …"""

import gc
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
    if sys.argv[1:2] not in (["serve"], ["demo"]):
        # What is imported stays. To look through it for what could go, again and again while it
        # grows, is a sixth of a command's time; `run` switches the collector on again. A service
        # keeps it on: its processes share what it leaves in order, 13 MB more.
        gc.disable()
    from apps.ops.commands import run

    run(sys.argv)


if __name__ == "__main__":
    main()
