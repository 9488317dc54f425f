#!/usr/bin/env bash
# Run once by the PostgreSQL image in a fresh volume: the owner of the schema, and the gateway's own role.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -v owner="$OWNER_PASSWORD" -v app="$APP_PASSWORD" --username postgres --dbname radgate <<'SQL'
create role radgate_owner login password :'owner';
create role radgate_app login password :'app';
alter database radgate owner to radgate_owner;
alter schema public owner to radgate_owner;
SQL
