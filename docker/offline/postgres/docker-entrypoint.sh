#!/usr/bin/env bash
# Does what the official image's entrypoint does, in the parts that are used: makes the cluster once, and becomes the server.
set -Eeo pipefail

refuse() { printf 'error: %s\n' "$1" >&2; exit 1; }

# A variable, or the content of the file that <variable>_FILE names.
from_file() {
  local file_variable=${1}_FILE
  [[ -z ${!1:-} || -z ${!file_variable:-} ]] || refuse "both $1 and $file_variable are set, of which only one may be."
  local value=${!1:-$2}
  [[ -z ${!file_variable:-} ]] || value=$(< "${!file_variable}")
  export "$1"="$value"
  unset "$file_variable"
}

make_cluster() {
  [[ -n $POSTGRES_PASSWORD || ${POSTGRES_HOST_AUTH_METHOD:-} == trust ]] ||
    refuse 'the database is not initialised and no superuser password is given: set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE.'
  # The official image runs what lies there; this one has no psql to run it with.
  [[ -z $(ls -A /docker-entrypoint-initdb.d) ]] || refuse 'this stand-in does not run the scripts in /docker-entrypoint-initdb.d.'
  # As there, they are words of the shell, with its quotes.
  local arguments=()
  eval "arguments=($POSTGRES_INITDB_ARGS)"
  initdb --username="$POSTGRES_USER" --pwfile=<(echo "$POSTGRES_PASSWORD") "${arguments[@]}"
  local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "$@")}
  echo "host all all all $method" >> "$PGDATA/pg_hba.conf"
  if [[ $POSTGRES_DB != postgres ]]; then
    printf 'CREATE DATABASE "%s"\n' "${POSTGRES_DB//\"/\"\"}" | postgres --single -j postgres > /dev/null
  fi
}

[[ ${1:0:1} != - ]] || set -- postgres "$@"
if [[ $1 == postgres ]]; then
  from_file POSTGRES_PASSWORD ''
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  from_file POSTGRES_INITDB_ARGS ''
  mkdir -p "$PGDATA"
  chmod 00700 "$PGDATA" || true
  if [[ $(id -u) -eq 0 ]]; then
    find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
  fi
  [[ -s $PGDATA/PG_VERSION ]] || make_cluster "${@:2}"
  # The server has no use for it.
  unset POSTGRES_PASSWORD
fi
exec "$@"
