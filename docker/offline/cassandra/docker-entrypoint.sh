#!/usr/bin/env bash
# Does what the official image's entrypoint does, in the parts that are used: writes the addresses and names into the settings, and becomes the server.
set -euo pipefail

[[ ${1:0:1} != - ]] || set -- cassandra -f "$@"
if [[ $1 == cassandra && $(id -u) -eq 0 ]]; then
  find /etc/cassandra /var/lib/cassandra /var/log/cassandra \! -user cassandra -exec chown cassandra '{}' +
  exec setpriv --reuid=cassandra --regid=cassandra --init-groups "$0" "$@"
fi

# put <file> <key> <separator> <value>: the line of a key gets a value, whether it was commented out or not. Rewrites the file in
# place, since its folder need not be writable.
put() {
  local text
  text=$(awk -v key="$2$3" -v value="$4" '
    { bare = $0; sub(/^# */, "", bare) }
    index(bare, key) == 1 { print key value; next }
    { print }' "$1")
  echo "$text" > "$1"
}

if [[ $1 == cassandra ]]; then
  conf=${CASSANDRA_CONF:-/etc/cassandra}
  listen=${CASSANDRA_LISTEN_ADDRESS:-auto}
  if [[ $listen == auto ]]; then read -r listen _ < <(hostname --ip-address); fi
  broadcast=${CASSANDRA_BROADCAST_ADDRESS:-$listen}
  put "$conf/cassandra.yaml" listen_address ': ' "$listen"
  put "$conf/cassandra.yaml" broadcast_address ': ' "$broadcast"
  put "$conf/cassandra.yaml" rpc_address ': ' "${CASSANDRA_RPC_ADDRESS:-0.0.0.0}"
  put "$conf/cassandra.yaml" broadcast_rpc_address ': ' "${CASSANDRA_BROADCAST_RPC_ADDRESS:-$broadcast}"
  put "$conf/cassandra.yaml" '      - seeds' ': ' "\"${CASSANDRA_SEEDS:-$broadcast}\""
  for name in cluster_name endpoint_snitch num_tokens; do
    variable=CASSANDRA_${name^^}
    if [[ -n ${!variable:-} ]]; then put "$conf/cassandra.yaml" "$name" ': ' "${!variable}"; fi
  done
  for name in dc rack; do
    variable=CASSANDRA_${name^^}
    if [[ -n ${!variable:-} ]]; then put "$conf/cassandra-rackdc.properties" "$name" '=' "${!variable}"; fi
  done
fi
exec "$@"
