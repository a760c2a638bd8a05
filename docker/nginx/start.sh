#!/bin/sh
# The gateway's container: renders the configuration, runs nginx, and follows the services.
#
# nginx resolves a name once, when it reads its configuration. `resolve` in an upstream would follow
# a container that moves, but only since nginx 1.27.3; a variable in proxy_pass would, but then
# connections to the services are not kept. So the names are looked up here, every two seconds, and
# a change is a reload, which fails no request. All addresses of a name are used:
# `--scale product-service=3` is balanced within two seconds.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
run_dir=/tmp/gateway

# Each services/NAME.conf is reached as NAME-service:8080 unless GATEWAY_HOST_<NAME> says HOST:PORT.
# While a name cannot be looked up, the addresses known last stay.
look_up() {
  for file in "$here"/services/*.conf; do
    service=$(basename "$file" .conf)
    upper=$(printf %s "$service" | tr 'a-z-' 'A-Z_')
    eval "target=\${GATEWAY_HOST_$upper:-$service-service:8080} known=\${GATEWAY_TO_$upper:-}"
    addresses=$(getent ahostsv4 "${target%:*}" | awk -v port="${target##*:}" \
      '{ print $1 ":" port }' | sort -u | tr '\n' ' ')
    addresses=${addresses:-$known}
    export "GATEWAY_TO_$upper=$addresses"
    printf '%s=%s;' "$service" "$addresses"
  done
}

# In this shell, not in a substitution: look_up exports.
mkdir -p "$run_dir"
look_up >"$run_dir/seen"
"$here/render.sh" "$run_dir"
nginx -e stderr -c "$run_dir/nginx.conf" -g 'daemon off;' &
nginx=$!
trap 'kill -QUIT $nginx' TERM INT QUIT # QUIT: finish the requests in hand

while kill -0 $nginx 2>/dev/null; do
  sleep 2 &
  wait $! || true
  look_up >"$run_dir/seen.new"
  cmp -s "$run_dir/seen" "$run_dir/seen.new" && continue
  mv "$run_dir/seen.new" "$run_dir/seen"
  echo "services moved: $(cat "$run_dir/seen")" >&2
  "$here/render.sh" "$run_dir"
  kill -HUP $nginx
done
wait $nginx
