#!/usr/bin/env python
"""Entry point of every command: `manage.py serve`, `manage.py user add`, …"""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
    from apps.ops.commands import run

    run(sys.argv)


if __name__ == "__main__":
    main()
