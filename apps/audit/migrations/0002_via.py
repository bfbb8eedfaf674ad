"""Which token a program acted by.

Both databases add a column with a constant default without touching a row. Django would have SQLite
make the table anew, which takes long and loses the guard (apps/audit/guard.py).
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_squashed_0003_by_actor")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE audit_auditrecord ADD COLUMN via varchar(120) DEFAULT '' NOT NULL",
            "ALTER TABLE audit_auditrecord DROP COLUMN via",
            state_operations=[
                migrations.AddField(
                    model_name="auditrecord",
                    name="via",
                    field=models.CharField(blank=True, db_default="", default="", max_length=120),
                )
            ],
        )
    ]
