"""What others may do in a mailbox, notes on mailboxes, and which Message-IDs a conversation knows.

SQLite: ThreadReference is WITHOUT ROWID, so that a look-up is one descent; the columns of its key come first,
for the integrity check of SQLite 3.40 takes those of such a table in the wrong order otherwise. Conversations have no
table of their own any more, nobody had made one: in Entry the column stays as it is, a number.
"""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

without_rowid = import_module("apps.mailstore.migrations.0002_tables").without_rowid


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        without_rowid(schema_editor, "mailstore_threadreference")


class Migration(migrations.Migration):

    dependencies = [
        ('mailstore', '0006_junk_marks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField(model_name='entry', name='thread'),
                migrations.AddField(model_name='entry', name='thread_id', field=models.BigIntegerField(null=True)),
            ],
        ),
        migrations.DeleteModel(name='Thread'),
        migrations.AddField(model_name='expunged', name='thread_id', field=models.BigIntegerField(null=True)),
        migrations.AddField(model_name='expunged', name='saved_at', field=models.BigIntegerField(null=True)),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(condition=models.Q(('thread_id__isnull', True)), fields=['mailbox', 'uid'], name='entry_unthreaded'),
        ),
        migrations.CreateModel(
            name='ThreadReference',
            fields=[
                ('pk', models.CompositePrimaryKey('user_id', 'digest', blank=True, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('digest', models.BigIntegerField()),
                ('thread_id', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Annotation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entry', models.CharField(max_length=255)),
                ('value', models.BinaryField()),
                ('mailbox', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='annotations', to='mailstore.mailbox')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('mailbox__isnull', False)), fields=('mailbox', 'user', 'entry'), name='annotation_once'), models.UniqueConstraint(condition=models.Q(('mailbox__isnull', True)), fields=('user', 'entry'), name='annotation_of_account_once')],
            },
        ),
        migrations.CreateModel(
            name='MailboxRight',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rights', models.CharField(max_length=20)),
                ('mailbox', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='granted', to='mailstore.mailbox')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('user__isnull', False)), fields=('mailbox', 'user'), name='mailbox_right_once'), models.UniqueConstraint(condition=models.Q(('user__isnull', True)), fields=('mailbox',), name='mailbox_right_of_anyone_once')],
            },
        ),
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
