#!/usr/bin/env bash
# Restores a backup of infra/compose/backup.sh on a host whose stack has no data.
#   infra/compose/restore.sh FOLDER/DATE
# Before: put .env and the folder of the certificate in place. The passwords in .env may be new. MASTER_KEY must be the one of the backup.
set -euo pipefail
if [ $# -ne 1 ] || [ "$1" = --help ]; then sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 2; fi
source=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."

echo 'checksums …'
(cd "$source" && sha256sum --quiet --check SHA256SUMS)
if [ -n "$(docker compose ps --quiet orthanc gateway hapi)" ]; then
  echo 'The stack is running. Restore only where no data exists: another host, or after `docker compose down --volumes`.' >&2
  exit 1
fi
echo 'containers …'
docker compose up --no-start --build
docker compose up -d --wait postgres
tables=$(docker compose exec -T postgres psql -U postgres -d radgate -tAc "select count(*) from pg_tables where schemaname = 'public'")
archive=$(docker compose ps --all --quiet orthanc)
gateway=$(docker compose ps --all --quiet gateway)
inside() { # runs a program with the volumes of archive and gateway
  docker run --rm --interactive --network none --user 0:0 --volumes-from "$archive" --volumes-from "$gateway" \
    --entrypoint "$1" "$(docker inspect --format '{{.Image}}' "$gateway")" "${@:2}"
}
files=$(inside find /var/lib/orthanc/db -type f -print -quit)
if [ "$tables" != 0 ] || [ -n "$files" ]; then
  echo 'The database or the archive of this stack holds data already. Nothing was restored.' >&2
  exit 1
fi
echo 'databases …'
docker compose exec -T postgres pg_restore -U postgres --exit-on-error --single-transaction -d radgate <"$source/radgate.dump"
docker compose exec -T postgres pg_restore -U postgres --exit-on-error --single-transaction -d hapi <"$source/hapi.dump"
echo 'uploaded lists …'
inside tar --directory=/data --extract --file=- <"$source/gateway.tar"
echo 'archive …'
for step in 1 2; do
  inside tar --directory=/var/lib/orthanc/db --listed-incremental=/dev/null --extract --file=- <"$source/archive.$step.tar"
done
docker compose up -d --wait
echo 'Restored. The gateway now compares catalog and archive.'
