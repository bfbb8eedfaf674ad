from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("scan", "0002_quarantine"),
    ]

    operations: list[migrations.operations.base.Operation] = []
