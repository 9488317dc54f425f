#!/usr/bin/env bash
# The PostgreSQL image runs this script once, in a new volume. It creates the owner of the schema, the role of the gateway, and the database
# of HAPI. Each password comes from a variable (OWNER_PASSWORD) or from a file (OWNER_PASSWORD_FILE).
set -euo pipefail
password() {
  local file="$1_FILE" value="${!1:-}"
  if [ -z "$value" ] && [ -n "${!file:-}" ]; then value=$(<"${!file}"); fi
  if [ -z "$value" ]; then echo "$1 is missing: set it in .env" >&2; exit 1; fi
  printf %s "$value"
}
owner=$(password OWNER_PASSWORD)
app=$(password APP_PASSWORD)
hapi=$(password HAPI_PASSWORD)
psql -v ON_ERROR_STOP=1 -v owner="$owner" -v app="$app" -v hapi="$hapi" --username postgres --dbname radgate <<'SQL'
create role radgate_owner login password :'owner';
create role radgate_app login password :'app';
alter database radgate owner to radgate_owner;
alter schema public owner to radgate_owner;
create role hapi login password :'hapi';
create database hapi owner hapi;
SQL
