#!/usr/bin/env python
"""Entry point of every command: `manage.py serve`, `manage.py user add`, …"""

import gc
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
    # What is imported stays. To look through it for what could go, again and again while it grows,
    # was a sixth of every start. `run` switches the collector on as soon as the command is there.
    gc.disable()
    from apps.ops.commands import run

    run(sys.argv)


if __name__ == "__main__":
    main()
