#!/usr/bin/env bash
# Backs up the databases, the archive and the uploaded lists of the stack that docker-compose.yml runs.
#   infra/compose/backup.sh FOLDER
# FOLDER/DATE is created. Only its owner can read it. While the last part of the archive is copied, Orthanc is paused for some seconds and
# requests wait. .env and the folder of the certificate are not part of the backup: keep them in another place.
set -euo pipefail
umask 077
if [ $# -ne 1 ] || [ "$1" = --help ]; then sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2; fi
mkdir -p "$1"
target=$(cd "$1" && pwd)/$(date -u +%Y%m%dT%H%M%SZ)
cd "$(dirname "$0")/../.."

container() { # the id of the running container of a service
  local id
  id=$(docker compose ps --quiet "$1")
  if [ -z "$id" ]; then echo "The service $1 does not run. Start the stack: docker compose up -d --wait" >&2; exit 1; fi
  echo "$id"
}
archive=$(container orthanc)
gateway=$(container gateway)
container postgres >/dev/null

work="$target.part"
mkdir "$work"
# The containers have no tar. This one sees their volumes and has no network.
helper=$(docker run --detach --rm --network none --user 0:0 --volumes-from "$archive:ro" --volumes-from "$gateway:ro" \
  --entrypoint sleep "$(docker inspect --format '{{.Image}}' "$gateway")" 86400)
finish() {
  if [ -d "$work" ]; then echo "The backup is not complete: $work" >&2; fi
}
trap finish EXIT
# Runs when this script has ended, also after kill -9: Orthanc must not stay paused.
setsid sh -c "tail --pid=$$ -f /dev/null; docker unpause $archive; docker rm --force $helper" >/dev/null 2>&1 &

# copy STEP: the files of the archive that are new or changed since the step before. Status 1 of tar means that a file changed or
# disappeared meanwhile, which the second step repairs.
copy() {
  local status=0
  docker exec "$helper" tar --directory=/var/lib/orthanc/db --listed-incremental=/tmp/archive.list --create --file=- . \
    >"$work/archive.$1.tar" || status=$?
  if [ "$status" -gt 1 ] || { [ "$1" = 2 ] && [ "$status" -gt 0 ]; }; then echo "The archive cannot be copied." >&2; exit 1; fi
}

echo 'databases …'
docker compose exec -T postgres pg_dump -U postgres -Fc radgate >"$work/radgate.dump"
docker compose exec -T postgres pg_dump -U postgres -Fc hapi >"$work/hapi.dump"
echo 'uploaded lists …'
status=0
docker exec "$helper" tar --directory=/data --create --file=- . >"$work/gateway.tar" || status=$?
if [ "$status" -gt 1 ]; then exit 1; fi
echo 'archive …'
copy 1
docker pause "$archive" >/dev/null
began=$SECONDS
copy 2
docker unpause "$archive" >/dev/null
echo "archive copied; Orthanc was paused for $((SECONDS - began)) s"
(cd "$work" && sha256sum -- * >SHA256SUMS)
sync -f "$work"
mv "$work" "$target"
echo "$target"
