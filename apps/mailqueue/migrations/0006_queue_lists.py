"""Indexes for lists of what waits. Nobody waits for them: mail may come and go meanwhile."""

from django.db import migrations, models

from apps.runtime.indexes import AddIndexBeside


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('mailqueue', '0005_setting_aside'),
    ]

    operations = [
        AddIndexBeside(
            model_name='queuedmessage',
            index=models.Index(condition=models.Q(('state__in', ['offered', 'accepted', 'routed', 'held'])), fields=['id'], name='queue_unfinished'),
        ),
        AddIndexBeside(
            model_name='queuedmessage',
            index=models.Index(condition=models.Q(('state', 'held')), fields=['id'], name='queue_held'),
        ),
        AddIndexBeside(
            model_name='queuedmessage',
            index=models.Index(condition=models.Q(('state__in', ['offered', 'accepted', 'routed', 'held']), ('user__isnull', False)), fields=['user', 'id'], name='queue_submitter'),
        ),
        AddIndexBeside(
            model_name='queuedrecipient',
            index=models.Index(condition=models.Q(('state', 'held')), fields=['destination', 'message'], name='recipient_held'),
        ),
        AddIndexBeside(
            model_name='destination',
            index=models.Index(condition=models.Q(('paused_at__gt', 0)), fields=['name'], name='destination_paused'),
        ),
    ]
