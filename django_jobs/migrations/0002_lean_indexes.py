from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_jobs', '0001_initial'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='job',
            name='django_jobs_unique_key',
        ),
        migrations.RemoveIndex(
            model_name='job',
            name='django_jobs_rescue',
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['worker_process'], name='django_jobs_held'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['pending', 'retrying', 'running', 'scheduled']), ('unique_key__isnull', False)), fields=('unique_key',), name='django_jobs_unique_key'),
        ),
    ]
