import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ('directory', '0003_reception'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Scanned',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('trace_id', models.UUIDField()),
                ('message_id', models.CharField(max_length=500)),
                ('source', models.UUIDField()),
                ('at', models.BigIntegerField()),
                ('points', models.FloatField()),
                ('action', models.PositiveSmallIntegerField()),
                ('engine', models.CharField(max_length=16)),
                ('look_at', models.BigIntegerField()),
                ('data', models.BinaryField()),
                ('deeds', models.TextField(default='[]')),
            ],
            options={
                'indexes': [models.Index(fields=['trace_id'], name='scanned_trace'), models.Index(fields=['message_id'], name='scanned_message'), models.Index(fields=['at'], name='scanned_time'), models.Index(fields=['look_at'], name='scanned_age')],
            },
        ),
        migrations.CreateModel(
            name='ListEntry',
            fields=[
                ('key', models.BigIntegerField(primary_key=True, serialize=False)),
                ('verb', models.CharField(choices=[('allow', 'Allow'), ('block', 'Block')], max_length=5)),
                ('kind', models.CharField(choices=[('address', 'Address'), ('domain', 'Domain'), ('network', 'Network')], max_length=7)),
                ('value', models.CharField(max_length=320)),
                ('bits', models.PositiveSmallIntegerField(default=0)),
                ('note', models.CharField(blank=True, default='', max_length=200)),
                ('created_at', models.BigIntegerField()),
                ('domain', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='directory.domain')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['bits'], name='listentry_bits')],
                'constraints': [models.CheckConstraint(condition=models.Q(('domain__isnull', True), ('user__isnull', True), _connector='OR'), name='listentry_one_scope')],
            },
        ),
        migrations.CreateModel(
            name='Threshold',
            fields=[
                ('scope', models.CharField(max_length=30, primary_key=True, serialize=False)),
                ('junk', models.FloatField(null=True)),
                ('refuse', models.FloatField(null=True)),
                ('hold', models.FloatField(null=True)),
                ('is_off', models.BooleanField(null=True)),
                ('domain', models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='directory.domain')),
                ('user', models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('domain__isnull', True), ('user__isnull', True), _connector='OR'), name='threshold_one_scope')],
            },
        ),
        migrations.CreateModel(
            name='RulePoints',
            fields=[
                ('rule', models.CharField(max_length=80, primary_key=True, serialize=False)),
                ('points', models.FloatField()),
                ('is_most', models.BooleanField(default=False)),
            ],
        ),
    ]
