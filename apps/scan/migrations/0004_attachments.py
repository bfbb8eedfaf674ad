from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("scan", "0003_lessons"),
    ]

    operations: list[migrations.operations.base.Operation] = []
