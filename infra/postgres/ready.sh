#!/usr/bin/env bash
# The health check of PostgreSQL: it accepts connections over TCP, and its roles exist. During initdb it accepts them on its socket only.
set -euo pipefail
pg_isready -q -h 127.0.0.1 -U postgres -d radgate
roles=$(psql -U postgres -d radgate -tAc "select count(*) from pg_roles where rolname in ('radgate_owner', 'radgate_app', 'hapi')")
if [ "$roles" != 3 ]; then
  echo 'PostgreSQL has not the roles of Radgate: its first start was interrupted. Remove the volume "postgres" if it holds no data.'
  exit 1
fi
