"""What lists of unread, starred and labelled mail walk over."""

import django.db.models.expressions
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailstore', '0013_conversations'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(condition=models.Q(django.db.models.lookups.Exact(django.db.models.expressions.CombinedExpression(models.F('flags'), '&', models.Value(1)), 0)), fields=['mailbox', 'internaldate', 'uid'], name='entry_unseen'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(condition=models.Q(django.db.models.lookups.GreaterThan(django.db.models.expressions.CombinedExpression(models.F('flags'), '&', models.Value(4)), 0)), fields=['mailbox', 'internaldate', 'uid'], name='entry_starred'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(condition=models.Q(('keywords', 0), _negated=True), fields=['mailbox', 'internaldate', 'uid', 'keywords'], name='entry_labelled'),
        ),
    ]
