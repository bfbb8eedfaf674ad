"""What a user has sent, the latest first."""

from django.db import migrations, models

from apps.runtime.indexes import AddIndexBeside


class Migration(migrations.Migration):
    """An index."""

    atomic = False
    dependencies = [
        ("trace", "0001_squashed_0006_outcome_of_each"),
    ]
    operations = [
        AddIndexBeside(
            model_name="sent",
            index=models.Index(fields=["user_id", "trace_id"], name="sent_user"),
        ),
    ]
