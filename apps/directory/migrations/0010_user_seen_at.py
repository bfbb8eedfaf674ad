"""When users last got in; who has not been seen since counts as never seen, until 0011."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('directory', '0009_console_lists'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='seen_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
