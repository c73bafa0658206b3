#!/bin/bash
# Dump the database to backups/postgres, with a .metadata file beside the dump.
cd "$(dirname "$0")/.." || exit 1

DATABASE=residency_scheduler
TIMESTAMP=$(date +%Y%m%d_%H%M%S)
BACKUP_FILE="backups/postgres/${DATABASE}_${TIMESTAMP}.sql"

mkdir -p backups/postgres
docker compose exec -T db pg_dump -U scheduler "$DATABASE" | gzip > "$BACKUP_FILE.gz"

ALEMBIC_VERSION=$(docker compose exec -T backend alembic current 2>/dev/null | grep -oE '^[0-9a-f]+' | head -1)

cat > "backups/postgres/${DATABASE}_${TIMESTAMP}.metadata" <<METADATA
timestamp: $TIMESTAMP
alembic_version: $ALEMBIC_VERSION
database: $DATABASE
backup_file: $BACKUP_FILE
METADATA

echo "Backup written: $BACKUP_FILE.gz"
