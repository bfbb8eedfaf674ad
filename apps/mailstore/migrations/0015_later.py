"""Mailboxes of mail that leaves later, and of mail that comes back later."""

from django.db import migrations, models


def forwards(apps, schema_editor):
    # SQLite keeps no lengths: to make the table anew would cost its triggers and partial indexes.
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "ALTER TABLE mailstore_mailbox ALTER COLUMN special_use TYPE varchar(10)"
        )


class Migration(migrations.Migration):

    dependencies = [
        ('mailstore', '0014_places'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(forwards, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name='mailbox',
                    name='special_use',
                    field=models.CharField(blank=True, choices=[('', 'None'), ('inbox', 'Inbox'), ('drafts', 'Drafts'), ('sent', 'Sent'), ('archive', 'Archive'), ('junk', 'Junk'), ('trash', 'Trash'), ('scheduled', 'Scheduled'), ('snoozed', 'Snoozed')], default='', max_length=10),
                ),
            ],
        ),
    ]
