#!/usr/bin/env bash
# Starts Orthanc. Its password comes from ORTHANC_PASSWORD or from the file that ORTHANC_PASSWORD_FILE names.
set -euo pipefail
if [ -z "${ORTHANC_PASSWORD:-}" ] && [ -n "${ORTHANC_PASSWORD_FILE:-}" ]; then
  ORTHANC_PASSWORD=$(<"$ORTHANC_PASSWORD_FILE")
  export ORTHANC_PASSWORD
fi
exec Orthanc "$@"
