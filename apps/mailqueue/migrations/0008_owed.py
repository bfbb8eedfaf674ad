"""The queue keeps what the trace is owed of a message until somebody does something with it. What
comes by a process of the version before is recorded at once, as it was."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("mailqueue", "0001_squashed_0007_queue_sent"),
    ]

    operations = [
        migrations.AddField(
            model_name="queuedmessage",
            name="owed",
            field=models.TextField(db_default="", default=""),
        ),
    ]
