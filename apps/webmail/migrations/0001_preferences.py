"""How people want the webmail, their labels and colours, and whose pictures they trust."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('directory', '0006_accounts'),
        ('mailstore', '0013_conversations'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Preferences',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='preferences', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('layout', models.CharField(choices=[('beside', 'Beside'), ('below', 'Below'), ('full', 'Full')], default='beside', max_length=8)),
                ('density', models.CharField(choices=[('comfortable', 'Comfortable'), ('compact', 'Compact')], default='comfortable', max_length=12)),
                ('theme', models.CharField(choices=[('system', 'System'), ('light', 'Light'), ('dark', 'Dark')], default='system', max_length=8)),
                ('language', models.CharField(blank=True, default='', max_length=12)),
                ('time_zone', models.CharField(blank=True, default='', max_length=64)),
                ('has_conversations', models.BooleanField(default=True)),
                ('has_shortcuts', models.BooleanField(default=True)),
                ('marks_read', models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name='FolderLook',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('hue', models.PositiveSmallIntegerField()),
                ('mailbox', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mailstore.mailbox')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'mailbox'), name='folder_look_once')],
            },
        ),
        migrations.CreateModel(
            name='Label',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('keyword', models.CharField(max_length=100)),
                ('name', models.CharField(max_length=100)),
                ('hue', models.PositiveSmallIntegerField(default=1)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='labels', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(models.F('user'), django.db.models.functions.text.Lower('keyword'), name='label_once')],
            },
        ),
        migrations.CreateModel(
            name='TrustedSender',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=320)),
                ('at', models.BigIntegerField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'key'), name='trusted_sender_once')],
            },
        ),
    ]
