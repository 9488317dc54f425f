#!/usr/bin/env bash
# The PostgreSQL image runs this script once, in a new volume. It creates the owner of the schema, the role of the gateway, and the database of HAPI.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -v owner="$OWNER_PASSWORD" -v app="$APP_PASSWORD" -v hapi="$HAPI_PASSWORD" --username postgres --dbname radgate <<'SQL'
create role radgate_owner login password :'owner';
create role radgate_app login password :'app';
alter database radgate owner to radgate_owner;
alter schema public owner to radgate_owner;
create role hapi login password :'hapi';
create database hapi owner hapi;
SQL
