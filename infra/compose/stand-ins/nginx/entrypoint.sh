#!/usr/bin/env bash
set -euo pipefail
for script in /docker-entrypoint.d/*.sh; do
  if [ -x "$script" ]; then "$script"; fi
done
names=$(compgen -e | sed 's/.*/${&}/' | tr '\n' ' ')
for template in /etc/nginx/templates/*.template; do
  name=$(basename "$template" .template)
  envsubst "$names" <"$template" >"/etc/nginx/conf.d/$name"
done
exec "$@"
