#!/bin/sh
# As the official image: what is no command is an argument of node.
set -eu
if command -v "$1" > /dev/null 2>&1; then exec "$@"; fi
exec node "$@"
