"""Run the test suite twice: as a small installation runs, and as a large one does.

    embedded   SQLite, the filesystem broker, blobs in files: everything
    scaled     Postgres and Redis, both private to this run: all that touches a database or a broker

Usage: .venv/bin/python tests/run.py [--long] [--only embedded|scaled] [--seconds N] [PYTEST ARGS]

Exit status 0 means that both passes passed; a skipped test is a failure (tests/support/laws.py).
The run is bounded: when the deadline passes, what still runs is ended and the run has failed.
"""

# ruff: noqa: T201  (a command line: it prints)

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mailhost import env  # noqa: E402  (the path is set just above)
from tests.support import laws, migrated, services, units  # noqa: E402

DEADLINE_SECONDS = 50 * 60  # a machine may be slower by half than the one it takes 33 minutes on
LONG_DEADLINE_SECONDS = 75 * 60
GRACE_SECONDS = 20
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4 * 2**30  # what has to be free there; a run takes a tenth of it
NO_TESTS_COLLECTED = 5
# What hardly asks the database, or nothing of its own: the second time only in the long form.
TWICE_IN_LONG = (
    *("tests/browser", "tests/clients", "tests/flows/test_serve.py"),
    *("tests/flows/test_attacks.py", "tests/flows/test_authentication.py"),
    *("tests/flows/test_connection_policy.py", "tests/flows/test_foreign.py"),
    *("tests/flows/test_spam.py", "tests/flows/test_tls_policy.py", "tests/smtp/test_forged.py"),
    *("tests/flows/test_quarantine.py", "tests/flows/test_waiting.py"),
    *("tests/ops/test_supervisor.py", "tests/webmail/test_hostile.py"),
    # Each walks a whole table by statements that other tests ask of both databases.
    *("tests/console/test_matrix.py", "tests/imap/test_rights.py", "tests/imap/test_broken.py"),
    *("tests/api/test_matrix.py", "tests/api/test_reference.py", "tests/api/test_schema.py"),
    *("tests/console/test_secondorder.py", "tests/console/test_nplusone.py"),
    *("tests/webmail/test_csrf.py", "tests/demo/test_command.py", "tests/demo/test_seed.py"),
    *("tests/scan/test_whole.py", "tests/accounts/test_passkeys.py", "tests/pop3/test_lock.py"),
    # What these say to clients is the same; the services behind them are asked on both.
    *("tests/imap/test_appending.py", "tests/imap/test_binary.py", "tests/imap/test_compress.py"),
    *("tests/imap/test_damaged.py", "tests/imap/test_dialogues.py", "tests/imap/test_fetch.py"),
    *("tests/imap/test_hostile.py", "tests/imap/test_server.py", "tests/imap/test_several.py"),
    *("tests/imap/test_signin.py", "tests/smtp/test_attacks.py", "tests/smtp/test_judgement.py"),
    *("tests/smtp/test_offers.py", "tests/smtp/test_strangers.py", "tests/smtp/test_submission.py"),
    *("tests/dnscheck/test_broken.py", "tests/dnscheck/test_hostile.py", "tests/wellknown"),
    *("tests/pop3/test_dialogues.py", "tests/pop3/test_hostile.py", "tests/pop3/test_session.py"),
    *("tests/dnscheck/test_checks.py", "tests/remote/test_tls_delivery.py"),
    *("tests/delivery/test_outbound_engine.py", "tests/smtp/test_sending.py"),
    *("tests/directory/test_bearer.py", "tests/directory/test_scram.py"),
    *("tests/directory/test_factor_at_doors.py", "tests/pop3/test_maildrop.py"),
    # The database has no part in what they are about.
    *("tests/audit/test_coverage.py", "tests/blobs/test_s3.py", "tests/flows/test_first_start.py"),
    "tests/delivery/test_sign.py",
    *("tests/mailstore/test_prepare.py", "tests/provisioning/bulk/test_table.py"),
    *("tests/provisioning/management/test_spam_learning.py", "tests/scan/attachments"),
    "tests/provisioning/test_dnsletters.py",
    *(
        f"tests/console/test_{name}.py"
        for name in (
            *("aliases", "audit", "domains_acts", "domains_dns", "domains_page", "lists"),
            *("organizations", "organizations_roles"),
            *("policies", "route", "setup", "shared", "userpage", "users"),
        )
    ),
    *(
        f"tests/webmail/test_{name}.py"
        for name in (
            *("acting", "activity", "apppasswords", "attachments", "blocked"),
            *("body", "codes", "compose", "confirm", "draftfiles", "forcedsteps"),
            *("acts", "contacts", "folders", "identities", "listing", "sending", "sendingflow"),
            *("invitations", "leaving", "letterfiles", "live", "locale", "mail", "nextpage"),
            *("snooze", "thread", "undo"),
            *("forwarding", "forwards", "held", "labels", "quota_banner", "senders", "side"),
            *("storage", "vacation"),
            *("odd", "pictures", "preferences", "recovery", "removed", "reported", "security"),
            *("sendingpages", "sessions", "sharing", "signin", "verify", "why"),
        )
    ),
)
# What a pass leaves to the other one.
ONCE = {
    "embedded": (
        "tests/faults/test_kill.py::test_it_loses_nothing_when_a_role_is_killed",
        "tests/faults/test_outbound_service.py::"
        "test_it_sends_within_one_sweep_when_the_broker_forgot",
        "tests/faults/test_reception.py::test_it_takes_mail_while_redis_hangs_and_while_it_is_gone",
    ),
    "scaled": (
        "tests/faults/test_kill.py::test_it_loses_nothing_when_everything_is_killed",
        "tests/flows/test_mail.py::test_it_keeps_mail_in_the_queue_while_no_name_server_answers",
        "tests/faults/test_outbound.py::"
        "test_it_sends_new_mail_at_once_beside_ten_thousand_that_cannot_leave",
        "tests/imap/test_faults.py::test_it_keeps_a_message_whole_or_not_at_all_when_it_is_killed",
        "tests/imap/test_mirror_of_clients.py::"
        "test_it_does_so_too_when_all_work_is_done_as_that_of_large_mailboxes",
        # On databases of SQLite's, whatever the pass runs on.
        "tests/mailstore/test_faults.py::test_it_survives_a_full_disk",
        "tests/provisioning/management/test_commands.py::"
        "test_it_stops_quietly_when_nobody_reads_on",
    ),
}
FEW = 3  # cases of each table of the second pass: another value asks the same statement
SCANNERS = ("rspamd", "spamd", "clamd")
# What a developer's shell happens to set must not decide what a pass runs on.
SETTINGS = frozenset(setting.name for setting in env.SETTINGS)


def main(arguments: Sequence[str]) -> int:
    """Run the passes that were asked for; return the exit status for the shell."""
    options, extra = _parse(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.time()
    os.environ[laws.STARTED] = str(started)
    os.environ[laws.LONG] = "1" if options.long else ""
    deadline = started + options.seconds
    print(f"== scanners beside our own: {_scanners()}", flush=True)
    failed = []
    for name in options.only or ("embedded", "scaled"):
        print(f"== {name}: {DESCRIPTIONS[name]}", flush=True)
        with _in_memory(), PASSES[name]() as environment, services.folder_of("shared") as folder:
            environment[migrated.FOLDER] = str(folder)
            if name == "scaled" and not options.long and not extra:
                environment[units.FEW] = str(FEW)
            command = [sys.executable, "-m", "pytest", *_selection(name, options.long, extra)]
            with _migrating(environment):
                status = bounded(command, environment, deadline)
        # A selection of pure tests alone leaves nothing for the second pass.
        if status != 0 and not (status == NO_TESTS_COLLECTED and name == "scaled" and extra):
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


@contextmanager
def _migrating(environment: Mapping[str, str]) -> Iterator[None]:
    """The first database is made while the tests are collected: all will ask for it at once."""
    command = [sys.executable, "-m", "tests.support.migrated"]
    process = subprocess.Popen(command, cwd=ROOT, env={**_inherited(), **environment})
    try:
        yield
    finally:
        services.stop(process)


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--long", action="store_true", help="also the tests marked `long`")
    parser.add_argument("--only", action="append", choices=tuple(PASSES), help="one pass")
    parser.add_argument("--seconds", type=int, help="deadline of the whole run")
    options, extra = parser.parse_known_args(arguments)
    if options.seconds is None:
        options.seconds = LONG_DEADLINE_SECONDS if options.long else DEADLINE_SECONDS
    return options, extra


def _scanners() -> str:
    """Which of Debian's are real in this run; without one of them its tests fail."""
    found = {name: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in SCANNERS}
    return ", ".join(f"{name} {'real' if where else 'MISSING'}" for name, where in found.items())


def _selection(name: str, is_long: bool, extra: Sequence[str]) -> list[str]:
    # Two more than there are processors: the slowest tests wait for other programs.
    workers = len(os.sched_getaffinity(0)) + 2
    # tests/support/units.py deals out the files, and knows a better order than xdist.
    arguments = ["-p", "tests.support.laws", "-p", "tests.support.units", "-n", str(workers)]
    arguments += ["--dist", "loadfile", "--no-loadscope-reorder"]
    if not is_long:
        arguments += ["-m", "not long"]
        arguments += [f"--deselect={test}" for test in ONCE[name] if not extra]
    if name == "scaled":
        left_out = units.PURE if is_long else (*units.PURE, *TWICE_IN_LONG)
        # What was asked for by name is run all the same.
        asked = [one.partition("::")[0] for one in extra]
        arguments += [
            f"--ignore={path}"
            for path in left_out
            if path in units.PURE or not any(one.startswith(path) for one in asked)
        ]
    return [*arguments, *extra]


def bounded(command: Sequence[str], environment: Mapping[str, str], deadline: float) -> int:
    """Run pytest until `deadline` (seconds since the epoch); a run that must be ended failed."""
    # A session of its own: what a hanging test started is ended together with it.
    process = subprocess.Popen(
        command, cwd=ROOT, env={**_inherited(), **environment}, start_new_session=True
    )
    try:
        return process.wait(max(1.0, deadline - time.time()))
    except subprocess.TimeoutExpired:
        print("the deadline of the whole test run has passed", file=sys.stderr, flush=True)
        return 1
    finally:
        _end_group(process)


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in SETTINGS}


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End pytest and whatever it left running: its process id is also its group's."""
    for how in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            break
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Leave by the normal way, so that every server is stopped and every folder removed."""
    raise SystemExit(128 + signal.SIGTERM)


@contextmanager
def _in_memory() -> Iterator[None]:
    """Temporary files are kept in memory within, if there is room.

    A disk takes milliseconds for each of a hundred thousand `fsync`. No test can tell: what is
    promised about power cuts is tried by watching the calls, all else by killing processes.
    """
    try:
        has_room = shutil.disk_usage(MEMORY).free >= MEMORY_BYTES
    except OSError:
        has_room = False
    if not has_room:
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="mh-", dir=MEMORY))  # short: sockets are put in it
    folder.chmod(0o1777)  # as /tmp is: Postgres runs as another user
    before, os.environ["TMPDIR"] = os.environ.get("TMPDIR"), str(folder)
    tempfile.tempdir = None  # asks anew
    try:
        yield
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
        tempfile.tempdir = None
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _embedded() -> Iterator[dict[str, str]]:
    yield {}


@contextmanager
def _scaled() -> Iterator[dict[str, str]]:
    with services.postgres() as database, services.redis() as broker:
        yield {"DATABASE_URL": database.url, "REDIS_URL": broker.url}


PASSES = {"embedded": _embedded, "scaled": _scaled}
DESCRIPTIONS = {"embedded": "SQLite and files", "scaled": "Postgres and Redis"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
