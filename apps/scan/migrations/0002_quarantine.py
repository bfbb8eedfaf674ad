from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("scan", "0001_verdicts"),
    ]

    operations: list[migrations.operations.base.Operation] = []
