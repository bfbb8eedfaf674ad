"""Letters that are written, their files, under which names, and what comes back later."""

import apps.runtime.ulid
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('blobs', '0002_tables'),
        ('mailstore', '0015_later'),
        ('webmail', '0001_preferences'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='preferences',
            name='undo_seconds',
            field=models.PositiveSmallIntegerField(default=10),
        ),
        migrations.AddField(
            model_name='preferences',
            name='writes_plain',
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('id', models.UUIDField(default=apps.runtime.ulid.new_ulid, editable=False, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('open', 'Open'), ('sent', 'Sent'), ('scheduled', 'Scheduled'), ('discarded', 'Discarded')], default='open', max_length=10)),
                ('revision', models.PositiveIntegerField(default=0)),
                ('kind', models.CharField(choices=[('new', 'New'), ('reply', 'Reply'), ('reply_all', 'Reply All'), ('forward', 'Forward'), ('forward_attached', 'Forward Attached'), ('again', 'Again')], default='new', max_length=16)),
                ('source_uid', models.BigIntegerField(null=True)),
                ('uid', models.BigIntegerField(null=True)),
                ('fields', models.TextField(default='{}')),
                ('message_id', models.CharField(default='', max_length=998)),
                ('in_reply_to', models.CharField(blank=True, default='', max_length=998)),
                ('references', models.TextField(blank=True, default='')),
                ('tail_made_of', models.CharField(default='', max_length=64)),
                ('queue_id', models.UUIDField(null=True)),
                ('hold_until', models.BigIntegerField(default=0)),
                ('marks_source', models.BooleanField(default=False)),
                ('created_at', models.BigIntegerField()),
                ('saved_at', models.BigIntegerField()),
                ('mailbox', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='mailstore.mailbox')),
                ('source_mailbox', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='mailstore.mailbox')),
                ('tail', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='blobs.blob')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='DraftFile',
            fields=[
                ('id', models.UUIDField(default=apps.runtime.ulid.new_ulid, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=255)),
                ('media_type', models.CharField(max_length=127)),
                ('size', models.BigIntegerField()),
                ('received', models.BigIntegerField(default=0)),
                ('cid', models.CharField(blank=True, default='', max_length=200)),
                ('carried', models.IntegerField(null=True)),
                ('created_at', models.BigIntegerField()),
                ('draft', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='webmail.draft')),
            ],
        ),
        migrations.CreateModel(
            name='DraftChunk',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('offset', models.BigIntegerField()),
                ('blob', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, to='blobs.blob')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='webmail.draftfile')),
            ],
        ),
        migrations.CreateModel(
            name='Identity',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=320)),
                ('address', models.CharField(max_length=320)),
                ('name', models.CharField(blank=True, default='', max_length=200)),
                ('reply_to', models.CharField(blank=True, default='', max_length=320)),
                ('signature_html', models.TextField(blank=True, default='')),
                ('signature_text', models.TextField(blank=True, default='')),
                ('is_above_quote', models.BooleanField(default=True)),
                ('attaches_card', models.BooleanField(default=False)),
                ('is_default', models.BooleanField(default=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identities', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Snooze',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('uid', models.BigIntegerField()),
                ('until', models.BigIntegerField(db_index=True)),
                ('back_to', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='mailstore.mailbox')),
                ('mailbox', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mailstore.mailbox')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddIndex(
            model_name='draft',
            index=models.Index(fields=['user', 'state', 'saved_at'], name='draft_user'),
        ),
        migrations.AddIndex(
            model_name='draft',
            index=models.Index(fields=['mailbox', 'uid'], name='draft_message'),
        ),
        migrations.AddIndex(
            model_name='draft',
            index=models.Index(condition=models.Q(('state', 'scheduled')), fields=['hold_until'], name='draft_scheduled'),
        ),
        migrations.AddConstraint(
            model_name='draftfile',
            constraint=models.UniqueConstraint(fields=('draft', 'carried'), name='draft_file_carried_once'),
        ),
        migrations.AddConstraint(
            model_name='draftchunk',
            constraint=models.UniqueConstraint(fields=('file', 'offset'), name='draft_chunk_once'),
        ),
        migrations.AddConstraint(
            model_name='identity',
            constraint=models.UniqueConstraint(fields=('user', 'key'), name='identity_once'),
        ),
        migrations.AddConstraint(
            model_name='identity',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('user',), name='identity_one_default'),
        ),
        migrations.AddConstraint(
            model_name='snooze',
            constraint=models.UniqueConstraint(fields=('mailbox', 'uid'), name='snooze_once'),
        ),
    ]
