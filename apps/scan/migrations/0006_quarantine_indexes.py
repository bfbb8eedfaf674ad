"""Indexes for lists of what is kept. Nobody waits for them: mail may be kept meanwhile."""

from django.db import migrations, models

from apps.runtime.indexes import AddIndexBeside


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("scan", "0005_quarantine_lists"),
    ]

    operations = [
        AddIndexBeside(
            model_name="quarantined",
            index=models.Index(fields=["state", "id"], name="quarantined_state"),
        ),
        AddIndexBeside(
            model_name="quarantined",
            index=models.Index(fields=["state", "reason", "id"], name="quarantined_reason"),
        ),
        AddIndexBeside(
            model_name="quarantined",
            index=models.Index(fields=["domain", "state", "id", "reason"], name="quarantined_domain"),
        ),
        AddIndexBeside(
            model_name="quarantined",
            index=models.Index(fields=["author_address", "state"], name="quarantined_author"),
        ),
    ]
