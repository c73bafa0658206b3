#!/bin/bash
# Same interface as the registry's postgres image: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB (each also as _FILE),
# POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA and /docker-entrypoint-initdb.d.
set -Eeuo pipefail

fail() {
    echo "docker-entrypoint: $*" >&2
    exit 1
}

# NAME_FILE, when set, is the file that holds the value of NAME.
read_setting() {
    local name=$1 default=$2 file_variable="$1_FILE"
    local value=${!name:-} file=${!file_variable:-}
    if [ -n "$value" ] && [ -n "$file" ]; then
        fail "both $name and $file_variable are set; keep one"
    fi
    if [ -n "$file" ]; then
        value=$(<"$file") || fail "cannot read $file, named by $file_variable"
    fi
    printf -v "$name" '%s' "${value:-$default}"
    unset "$file_variable"
}

initialise_cluster() {
    local auth_method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$auth_method" != trust ]; then
        fail "the data directory is empty and POSTGRES_PASSWORD is not set"
    fi
    # shellcheck disable=SC2086 # POSTGRES_INITDB_ARGS holds several words
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
    printf '\nhost all all all %s\n' "$auth_method" >> "$PGDATA/pg_hba.conf"
}

run_init_file() {
    local psql=(psql --set=ON_ERROR_STOP=1 --no-password --username="$POSTGRES_USER" --dbname="$POSTGRES_DB")
    case $1 in
        *.sh)
            if [ -x "$1" ]; then
                "$1"
            else
                # shellcheck source=/dev/null
                . "$1"
            fi
            ;;
        *.sql) "${psql[@]}" --file="$1" ;;
        *.sql.gz) gunzip --stdout "$1" | "${psql[@]}" ;;
        *) echo "docker-entrypoint: ignoring $1" ;;
    esac
}

# The temporary server listens on the socket alone, so that no client outside mistakes it for the real one.
populate_cluster() {
    local file
    pg_ctl --pgdata="$PGDATA" --wait --silent --options="-c listen_addresses=''" start
    if [ "$POSTGRES_DB" != postgres ]; then
        psql --set=ON_ERROR_STOP=1 --set=name="$POSTGRES_DB" --username="$POSTGRES_USER" --dbname=postgres --quiet \
            <<< 'CREATE DATABASE :"name";'
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        [ ! -f "$file" ] || run_init_file "$file"
    done
    pg_ctl --pgdata="$PGDATA" --wait --mode=fast stop
}

if [ "${1:-postgres}" = postgres ] || [ "${1:0:1}" = - ]; then
    [ "${1:-}" = postgres ] || set -- postgres "$@"
    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$PGDATA"
        chmod 0700 "$PGDATA"
        find "$PGDATA" /run/postgresql \! -user postgres -exec chown postgres '{}' +
        exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
    fi
    read_setting POSTGRES_USER postgres
    read_setting POSTGRES_PASSWORD ''
    read_setting POSTGRES_DB "$POSTGRES_USER"
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        mkdir -p "$PGDATA"
        initialise_cluster
        populate_cluster
        echo 'PostgreSQL init process complete; ready for start up.'
    fi
    unset POSTGRES_PASSWORD
fi
exec "$@"
