# A rolling restart: two of each service, every container restarted in turn under a constant load.
# Sourced by run.sh. CLEAVE_ROLLING is the number of requests: 30000 by default, at 500 a second, as
# a slow machine does not get round in half of that;
# `CLEAVE_ROLLING=100000 ./dev docker-test` goes round until that many have been sent.

scale_all() { # scale_all NUMBER
  compose_split up -d --no-recreate --scale "user-service=$1" --scale "product-service=$1" \
    --scale "order-service=$1"
}

restart_one() { # restart_one SERVICE NUMBER: returns once it is healthy and the gateway knows it
  local id
  id=$(container "$1" "$2")
  docker restart --time 20 "$id" >/dev/null || return 1
  until_true 30 is_container_healthy "$id" && until_true 15 eval '[[ $(upstream_count) == 6 ]]'
}
is_container_healthy() {
  [[ $(docker inspect --format '{{.State.Health.Status}}' "$1") == healthy ]]
}

roll_under_load() {
  local service number load rounds=0
  python3 lab/bench/load.py "$base" --rate 500 --count "${CLEAVE_ROLLING:-30000}" \
    --user "$user" --product "$product" --ledger "$work/ledger" >"$work/load.log" 2>&1 &
  load=$!
  while kill -0 $load 2>/dev/null; do
    for service in "${hosts[@]}"; do
      for number in 1 2; do
        kill -0 $load 2>/dev/null || break 3
        restart_one "$service" $number || { kill $load; return 1; }
      done
    done
    ((++rounds))
  done
  wait $load
  local status=$?
  cat "$work/load.log"
  echo "$rounds whole rounds"
  ((status == 0 && rounds > 0)) || { tell_of_gateway; return 1; }
}

# Why a client was refused: whether the gateway was there all the time, what it said, and whether the
# engine's own process that publishes its port lives.
tell_of_gateway() {
  local id
  id=$(container api-gateway)
  pgrep -fa "docker-proxy.*-host-port $CLEAVE_PORT" || echo "nobody publishes port $CLEAVE_PORT"
  docker inspect --format '{{json .State}} restarts: {{.RestartCount}}' "$id"
  docker logs --tail 5000 "$id" 2>&1 | grep -v '"request_id"' | tail -n 20
}

# The load of 100,000 once kept 5,000 connections open that it would not use again. The engine's port
# proxy ran out of files, which ends it, and the last requests found nobody at the port.
few_connections() {
  python3 - "$work/load.log" <<'END'
import json, sys
load = json.loads(open(sys.argv[1]).readlines()[-1])
sys.exit(load["connections"] > 2 * load["in_flight"] + 10)
END
}

# Each order that was acknowledged is there, once, and no other; one whose answer was lost may be
# there, once. Every other order has no key, and only its quantity tells it apart.
ledger_balances() {
  psql_in db-orders -d order -c "SELECT quantity, count(*) FROM orders
    WHERE user_id = $user AND id <> $order GROUP BY quantity" >"$work/stored"
  awk -F '[ |]' '
    NR == FNR { if ($1 != "-") told[$1] = $2; next }
    {
      stored[$1] = 1
      doubled += $2 - 1
      if (told[$1] != 201 && told[$1] !~ /^5|^[A-Za-z]/) ++phantom
    }
    END {
      for (quantity in told) if (told[quantity] == 201) { ++orders; lost += !(quantity in stored) }
      printf "%d orders: %d lost, %d doubled, %d of nobody\n", orders, lost, doubled, phantom
      exit !(orders > 0 && lost + doubled + phantom == 0)
    }' "$work/ledger" "$work/stored"
}

test_rolling() {
  say "split: rolling restart at 500 requests a second, two of each service"
  check "two of each service come up" scale_all 2
  check "the gateway finds all six" until_true 30 eval '[[ $(upstream_count) == 6 ]]'
  check "rows of its own" make_rows
  check "every container is restarted, and no request fails" roll_under_load
  cat "$work/load.log"
  check "the load kept no more connections than it used" few_connections
  check "the ledger and the table of orders agree" ledger_balances
  check "back to one of each" scale_all 1
  check "and all is served" until_true 15 all_serve
}
