"""What makes the log append-only: the database refuses to change a record, or to let go of a young
one, whoever asks. It stands in the tables themselves (triggers), so that no way around the services
is one around it.

Who owns the tables can take the guard away; `lifted` does, for whoever empties the whole database:
the demo, and tests.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

# SQLite keeps times as texts of UTC that sort as the times do. A REPLACE would do away with the row
# that is there without any trigger of DELETE (unless recursive_triggers is on): hence the first.
_SQLITE: Final = (
    "CREATE TRIGGER audit_once BEFORE INSERT ON audit_auditrecord"
    " WHEN EXISTS (SELECT 1 FROM audit_auditrecord WHERE id = NEW.id)"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_keep BEFORE UPDATE ON audit_auditrecord"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_keep_young BEFORE DELETE ON audit_auditrecord"
    " WHEN OLD.at >= strftime('%Y-%m-%d %H:%M:%f', 'now', '-30 days')"
    " BEGIN SELECT RAISE(ABORT, 'the audit log keeps what is younger than 30 days'); END",
)
_SQLITE_LIFT: Final = tuple(
    f"DROP TRIGGER IF EXISTS {name}" for name in ("audit_once", "audit_keep", "audit_keep_young")
)
_POSTGRES: Final = (
    """
    CREATE OR REPLACE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN
        IF OLD.at < now() - interval '30 days' THEN
          RETURN OLD;
        END IF;
        RAISE EXCEPTION 'the audit log keeps what is younger than 30 days'
          USING ERRCODE = 'restrict_violation';
      END IF;
      RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'restrict_violation';
    END $$""",
    "CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit_auditrecord"
    " FOR EACH ROW EXECUTE FUNCTION audit_keep()",
    "CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON audit_auditrecord"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_keep()",
)
_POSTGRES_LIFT: Final = tuple(
    f"DROP TRIGGER IF EXISTS {name} ON audit_auditrecord"
    for name in ("audit_keep", "audit_keep_all")
)


def put(database: BaseDatabaseWrapper) -> None:
    """Make the triggers."""
    _run(database, _SQLITE if database.vendor == "sqlite" else _POSTGRES)


def lift(database: BaseDatabaseWrapper) -> None:
    """Take them away."""
    _run(database, _SQLITE_LIFT if database.vendor == "sqlite" else _POSTGRES_LIFT)


@contextmanager
def lifted() -> Iterator[None]:
    """Within, one transaction, every record may go."""
    with transaction.atomic():
        lift(connection)
        yield
        put(connection)


def _run(database: BaseDatabaseWrapper, statements: tuple[str, ...]) -> None:
    with database.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
