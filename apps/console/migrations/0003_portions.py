"""Acts that are done in portions are taken back in portions."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("console", "0002_imports"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkact",
            name="run",
            field=models.UUIDField(blank=True, null=True),
        ),
    ]
