#!/usr/bin/env bash
# The runbook's full database rebuild, followed by hand: its commands, its fixed sleep, and a person's loop for the API,
# which the runbook leaves out. Run in the stack's folder. PROJECT, BACKEND_PORT, DB_USER and ADMIN_PASSWORD come from outside.
set -euo pipefail

api=http://127.0.0.1:$BACKEND_PORT

docker compose down
docker volume rm "${PROJECT}_postgres_data"
docker compose up -d db redis backend celery-worker celery-beat frontend
sleep 10
docker compose exec -T db pg_isready -U "$DB_USER"
docker compose exec -T backend alembic upgrade head
until curl -fs "$api/health" >/dev/null; do sleep 1; done
curl -fsS -X POST "$api/api/v1/auth/register" -H 'Content-Type: application/json' -d @- >/dev/null <<JSON
{"username": "admin", "email": "admin@example.com", "password": "$ADMIN_PASSWORD", "role": "admin"}
JSON
export SEED_ADMIN_PASSWORD=$ADMIN_PASSWORD
for what in people blocks templates; do
    docker compose exec -T -e ADMIN_PASSWORD -e SEED_ADMIN_PASSWORD backend python "/scripts/seed_$what.py"
done
curl -fsS -X POST "$api/api/v1/auth/login/json" -H 'Content-Type: application/json' -d @- >/dev/null <<JSON
{"username": "admin", "password": "$ADMIN_PASSWORD"}
JSON
