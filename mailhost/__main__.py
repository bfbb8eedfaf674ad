"""`python -m mailhost`: the command line. `scripts/mailhost` runs it."""

import gc
import sys

from mailhost import env


def main() -> None:
    from apps.cli.main import Caller, main

    if sys.argv[1:2] not in (["serve"], ["demo"]):
        # What is imported stays; see manage.py.
        gc.disable()
    server, token = env.server()
    sys.exit(main(sys.argv[1:], Caller(server, token)))


if __name__ == "__main__":
    main()
