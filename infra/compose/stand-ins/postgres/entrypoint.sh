#!/usr/bin/env bash
set -euo pipefail
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  password=${POSTGRES_PASSWORD:-}
  if [ -z "$password" ] && [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then password=$(<"$POSTGRES_PASSWORD_FILE"); fi
  if [ -z "$password" ]; then echo 'The superuser password is missing: set POSTGRES_PASSWORD.' >&2; exit 1; fi
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  read -ra arguments <<<"${POSTGRES_INITDB_ARGS:-}"
  initdb --username=postgres --pwfile=<(echo "$password") "${arguments[@]}"
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  pg_ctl -w -o "-c listen_addresses=''" start
  [ "${POSTGRES_DB:-postgres}" = postgres ] || createdb -U postgres "$POSTGRES_DB"
  for script in /docker-entrypoint-initdb.d/*.sh; do "$script"; done
  pg_ctl -w -m fast stop
fi
exec "$@"
