"""What somebody did, without reading everything."""

from django.db import migrations, models

from apps.runtime.indexes import AddIndexBeside


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('audit', '0002_append_only'),
    ]

    operations = [
        AddIndexBeside(
            model_name='auditrecord',
            index=models.Index(fields=['actor_id', 'id'], name='audit_actor'),
        ),
    ]
