#!/bin/sh
# Ends the start with instructions when nginx cannot read its certificate or key.
set -eu
for file in "$TLS_CERTIFICATE" "$TLS_KEY"; do
  if [ ! -r "$file" ]; then
    name=$(basename "$file")
    echo "TLS_DIR/$name cannot be read by the user of nginx (uid $(id -u)). Run on the host:" >&2
    echo "  chmod 755 TLS_DIR && chown $(id -u) TLS_DIR/tls.key TLS_DIR/tls.crt && chmod 400 TLS_DIR/tls.key" >&2
    exit 1
  fi
done
