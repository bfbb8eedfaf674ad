"""The words of subjects, so that a trace is found by them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("trace", "0003_passages")]

    operations: list[migrations.operations.base.Operation] = []
