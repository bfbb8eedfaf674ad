"""What the database knows of the search index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="IndexState",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("epoch", models.BigIntegerField()),
                ("number", models.BigIntegerField()),
                ("version", models.IntegerField()),
                ("below", models.BigIntegerField(null=True)),
            ],
        ),
    ]
