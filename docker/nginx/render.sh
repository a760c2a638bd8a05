#!/bin/sh
# render.sh DIRECTORY: writes the configuration into DIRECTORY, for `nginx -c DIRECTORY/nginx.conf`.
#
# Settings come from the environment, GATEWAY_…; README.md has the table. DIRECTORY also takes the
# pid file and the temporary folders of that nginx. Plain POSIX sh and sed: it runs in the official
# image, in Debian's, and on a bare machine.
set -eu

run_dir=${1:?usage: render.sh DIRECTORY}
mkdir -p "$run_dir/services"
run_dir=$(cd "$run_dir" && pwd)
cd "$(dirname "$0")"

# A client reaches us by the address that we listen at: it is one of our names. 0.0.0.0 and [::]
# stand for all addresses, and which names lead here cannot be told: "~." is any name, as with a
# single host. [::] takes IPv4 too, as it does there.
listen=${GATEWAY_LISTEN:-127.0.0.1:8080}
names='localhost 127.0.0.1 [::1]'
dual_stack=
case $listen in
  0.0.0.0:*) names="$names ~." ;;
  \[::\]:*) names="$names ~." dual_stack=ipv6only=off ;;
  unix:* | localhost:* | 127.0.0.1:* | \[::1\]:*) ;;
  *:*) names="$names ${listen%:*}" ;;
esac

# Counting costs time in every request: without a limit, nothing is counted.
rate_limit=${GATEWAY_RATE:+"limit_req zone=requests burst=${GATEWAY_BURST:-$GATEWAY_RATE} nodelay;"}
connection_limit=${GATEWAY_CONNECTIONS:+"limit_conn connections $GATEWAY_CONNECTIONS;"}

# The values hold no "|", "&" or "\": they are addresses, names, numbers and paths.
for file in *.conf services/*.conf; do
  sed -e "s|\${RUN_DIR}|$run_dir|g" \
    -e "s|\${LISTEN}|$listen|g" \
    -e "s|\${DUAL_STACK}|$dual_stack|g" \
    -e "s|\${SERVER_NAMES}|${GATEWAY_NAMES:-$names}|g" \
    -e "s|\${USER_LINE}|${GATEWAY_RUN_AS:+user $GATEWAY_RUN_AS;}|g" \
    -e "s|\${ERROR_LOG}|${GATEWAY_ERROR_LOG:-stderr}|g" \
    -e "s|\${ACCESS_LOG}|${GATEWAY_ACCESS_LOG:-off}|g" \
    -e "s|\${RATE}|${GATEWAY_RATE:-1}|g" \
    -e "s|\${RATE_LIMIT}|$rate_limit|g" \
    -e "s|\${CONNECTION_LIMIT}|$connection_limit|g" \
    "$file" >"$run_dir/$file"
done

# GATEWAY_TO_<SERVICE> is a list of addresses. No address, as while a container is away: the gateway
# lives and answers 502 (port 1 of loopback refuses at once).
for file in services/*.conf; do
  service=$(basename "$file" .conf)
  eval "addresses=\${GATEWAY_TO_$(printf %s "$service" | tr 'a-z-' 'A-Z_'):-127.0.0.1:1}"
  printf 'upstream %s {\n  zone %s 64k;\n' "$service" "$service"
  for address in $addresses; do
    printf '  server %s max_fails=1 fail_timeout=2s;\n' "$address"
  done
  # The services keep an idle connection for 65 s: the gateway closes it first.
  printf '  keepalive 64;\n  keepalive_timeout 30s;\n  keepalive_requests 1000000;\n}\n'
done >"$run_dir/upstreams.conf"
