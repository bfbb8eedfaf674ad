"""`manage.py route ADDRESS`: what would become of mail for it, step by step."""

import asyncio
import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError

from apps.delivery.callahead import CallAhead
from apps.provisioning import routes
from apps.provisioning.management.noun import Error
from apps.wire.errors import MailError


class Command(BaseCommand):
    help = "Say what would become of mail for an address now, and why."

    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", metavar="ADDRESS")
        parser.add_argument(
            "--sender",
            metavar="ADDRESS",
            help="from whom: chooses a transport too, and shows the sender that leaves; '' or <>"
            " is the null one",
        )
        parser.add_argument(
            "--ask", action="store_true", help="ask a relay domain's server, as a door would"
        )
        parser.add_argument("--json", action="store_true", help="write JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the story; exit code 0 whatever becomes of the mail."""
        sender = options["sender"]
        try:
            found = routes.route(
                options["address"], sender=None if sender is None else sender.strip("<> ")
            )
            if options["ask"] and found.asks:
                found = dataclasses.replace(found, verdict=asyncio.run(_ask(found.asks)))
        except MailError as error:
            raise Error(f"{error.reply.text}.") from None
        except DatabaseError as error:
            raise Error(f"The database refuses: {error}.") from None
        if options["json"]:
            document = dataclasses.asdict(found)
            self.stdout.write(json.dumps(document, cls=DjangoJSONEncoder, indent=2))
        else:
            self.stdout.write("\n".join(found.lines))


async def _ask(address: str) -> str:
    ahead = CallAhead()
    try:
        await ahead.check(address)
    except MailError as error:
        return f"Refused: {error.reply.code} {error.reply.enhanced} {error.reply.text}"
    finally:
        await ahead.close()
    return "Taken: the server of this domain has it."
