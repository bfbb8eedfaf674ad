"""`manage.py serve`: everything from a fresh folder to a running service."""

import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connections

from apps.ops import doors, listeners, locks, schema, web, welcome, worker
from apps.ops.supervisor import Role, Sockets, Supervisor
from apps.provisioning import services as provisioning
from apps.provisioning.health.scanners import what_is_missing
from apps.runtime import process, sockets, tls
from apps.runtime.sockets import DoorError, Endpoint

logger = logging.getLogger(__name__)

ROLES = locks.ROLES

Say = Callable[[str], object]
Doors = Mapping[str, Endpoint]  # where each door, web too, listens


class StartError(Exception):
    """The service cannot start; the text is the one sentence for the administrator."""


def serve(
    roles: Sequence[str],
    wanted_doors: Sequence[str],
    say: Say,
    *,
    queues: Sequence[str] = worker.QUEUES,
    any_port: bool = False,
    also_say: Callable[[Doors], str] | None = None,
) -> int:
    """Prepare what is needed and run `roles` until SIGTERM or SIGINT; returns the exit status.

    Args:
        queues: those that the worker works on.
        any_port: a port that is taken is no reason to stop: the door opens at a free one.
        also_say: what is said last before the service runs.

    Raises:
        StartError: nothing runs.
    """
    os.umask(0o077)
    settings.MAILHOST_DATA.chmod(0o700)
    try:
        mail = doors.mail_doors(wanted_doors) if "listeners" in roles else {}
        where = doors.endpoint(doors.WEB) if "web" in roles else None
        held = locks.hold(roles)
        doors_open = {**mail, **({doors.WEB: where} if where is not None else {})}
        opened = _bind(doors_open, say if any_port else None)
        _become_user()
        tls.certificates()  # makes the self-signed one; a bad one is told before anything runs
        _prepare_database(say)
        for door, bound in opened.items():
            sockets.open_up(door, doors_open[door], bound)
    except (ValueError, DoorError, locks.RunningError, tls.CertificateError) as error:
        raise StartError(str(error)) from None
    _greet({door: doors_open[door] for door in mail}, doors_open.get(doors.WEB), say)
    if "worker" in roles and (missing := what_is_missing()):
        say(missing)
    if also_say is not None:
        say(also_say(doors_open))
    supervisor = Supervisor(
        children(roles, list(mail), where is not None, queues),
        opened,
        private=held,
        folder=settings.MAILHOST_DATA / "run",
    )
    connections.close_all()  # a connection must not be shared across a fork
    return supervisor.run()


def _bind(
    wanted: dict[str, Endpoint], say_of_free_ports: Say | None
) -> dict[str, list[socket.socket]]:
    """Take the ports of all doors, while we may; clients are let in when there is something to
    serve. With somebody to tell, a door whose port is taken opens at another, and `wanted` then
    names that."""
    bound = {}
    for door, endpoint in wanted.items():
        try:
            bound[door] = sockets.bind(door, endpoint)
        except DoorError as error:
            if say_of_free_ports is None:
                raise
            bound[door], wanted[door] = sockets.bind_anywhere(door, endpoint.host)
            say_of_free_ports(f"{error} It opens at {wanted[door]} instead.")
    return bound


def _become_user() -> None:
    """Give up root, once the ports that needed it are open."""
    data: Path = settings.MAILHOST_DATA
    if os.geteuid() != 0:
        return
    if not settings.RUN_AS:
        logger.warning("running as root; RUN_AS names a user to become once the ports are open")
        return
    try:
        process.become(settings.RUN_AS, [data, *data.glob("*"), *(data / "run").glob("*")])
    except LookupError:
        raise ValueError(f"RUN_AS={settings.RUN_AS}: there is no such user here.") from None


def _prepare_database(say: Say) -> None:
    try:
        schema.bring_up_to_date(say)
    except schema.TooOldError as error:
        raise StartError(str(error)) from None
    except DatabaseError as error:
        first_line = str(error).strip().partition("\n")[0]
        raise StartError(f"The database cannot be used: {first_line}") from None


def _greet(mail: dict[str, Endpoint], where: Endpoint | None, say: Say) -> None:
    say(f"mailhost {settings.VERSION}, data in {settings.MAILHOST_DATA}")
    if mail:
        say("\n" + welcome.doors_table(mail))
    if where is None:
        return
    say(f"\n  web  {welcome.web_address(where)}")
    token = provisioning.make_setup_link()
    if token is not None:
        say("\n  Make the first operator (the link works once, for 24 hours):")
        say(f"  {welcome.setup_address(where, token)}")
    say("")


def children(
    roles: Sequence[str], mail: list[str], has_web: bool, queues: Sequence[str]
) -> list[Role]:
    """The children that `roles` come to. What they need is imported here, once for all of them."""
    found = []
    if mail:
        listeners.preload(mail)
        found.append(Role("listeners", partial(listeners.run, mail), mail))
    if has_web:
        web.preload()
        found.append(Role("web", web.run, [doors.WEB]))
    if "worker" in roles:
        worker.preload()
        for queue in queues:
            with_beat = "beat" in roles and queue == queues[0]
            name = "worker" if queue == worker.QUEUES[0] else queue
            found.append(Role(name, partial(_work, queue, with_beat)))
    elif "beat" in roles:
        worker.preload()
        found.append(Role("beat", lambda _: worker.run_beat()))
    return found


def _work(queue: str, beat: bool, _sockets: Sockets) -> int:
    return worker.run(queue, beat=beat)
