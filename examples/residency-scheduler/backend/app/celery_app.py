from __future__ import annotations

from celery import Celery

from app.core.config import get_settings

celery_app = Celery("residency_scheduler", broker=get_settings().redis_url, include=["app.tasks"])
celery_app.conf.update(
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    task_routes={"app.tasks.send_digest": {"queue": "notifications"}},
    beat_schedule_filename="/tmp/celerybeat-schedule",
    beat_schedule={
        "close past absences": {"task": "app.tasks.close_past_absences", "schedule": 60.0},
        "refresh workload": {"task": "app.tasks.refresh_workload", "schedule": 120.0},
        "send digest": {"task": "app.tasks.send_digest", "schedule": 30.0},
    },
)
