# What the parts of docker-test share. Sourced by run.sh.

passed=0 failed=0

say() { printf -- '--- %s\n' "$*"; }

# check "sentence" COMMAND…: true when the command succeeds. Its output is shown when it does not.
check() {
  local sentence=$1
  shift
  if "$@" >"$work/check.log" 2>&1; then
    printf 'ok    %s\n' "$sentence"
    ((++passed))
  else
    printf 'FAIL  %s\n' "$sentence"
    tail -n 40 "$work/check.log" | sed 's/^/      /'
    ((++failed))
  fi
}
refused() { ! "$@"; }

# until_true SECONDS COMMAND…
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}

# --- compose ---

compose_split() { "${compose[@]}" -f docker-compose.yml "$@"; }
compose_fused() { "${compose[@]}" -f docker/compose.fused.yml "$@"; }

container() { # container SERVICE [NUMBER]
  docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" \
    --filter "label=com.docker.compose.service=$1" \
    --filter "label=com.docker.compose.container-number=${2:-1}"
}
containers() {
  docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"
}
health() { docker inspect --format '{{.State.Health.Status}}' "$(container "$1")"; }
is_healthy() { [[ $(health "$1") == healthy ]]; }
all_healthy() {
  local service
  for service in "$@"; do is_healthy "$service" || return 1; done
}
address_in() { # address_in SERVICE NETWORK
  docker inspect --format \
    "{{(index .NetworkSettings.Networks \"${COMPOSE_PROJECT_NAME}_$2\").IPAddress}}" \
    "$(container "$1")"
}
# The process itself: `docker kill` would count as an order to stay down.
kill_hard() { kill -9 "$(docker inspect --format '{{.State.Pid}}' "$(container "$1")")"; }

# --- HTTP ---

status_of() { # status_of METHOD PATH [BODY]
  curl -s -o "$work/body" -w '%{http_code}' --max-time 10 -X "$1" "$base$2" \
    ${3:+-H 'Content-Type: application/json' --data "$3"}
}
gives() { # gives STATUS METHOD PATH [BODY]
  local got
  got=$(status_of "${@:2}")
  [[ $got == "$1" ]] || { echo "$2 $3 gave $got: $(cat "$work/body")"; return 1; }
}
member() { grep -o "\"$1\":[0-9]*" "$work/body" | head -1 | cut -d: -f2; }

# Only what is new each time, so that the test may run on data that it finds.
make_rows() {
  gives 201 POST /users "{\"name\":\"Ada\",\"email\":\"ada-$RANDOM-$RANDOM@example.com\"}" || return 1
  user=$(member id)
  gives 201 POST /products '{"name":"Lamp","price_cents":1999}' || return 1
  product=$(member id)
  gives 201 POST /orders "{\"user_id\":$user,\"product_id\":$product,\"quantity\":2}" || return 1
  order=$(member id)
}
rows_are_there() {
  gives 200 GET "/users/$user" && gives 200 GET "/products/$product" &&
    gives 200 GET "/orders/$order" && [[ $(member total_cents) == 3998 ]]
}
all_serve() { gives 200 GET /users && gives 200 GET /products && gives 200 GET /orders; }

choose_port() {
  local port
  for port in ${CLEAVE_PORT:-8080} 18080 28080; do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      export CLEAVE_PORT=$port
      [[ $port == 8080 ]] || say "port 8080 is taken; the test publishes $port"
      return
    fi
  done
  say "ports 8080, 18080 and 28080 are all taken"
  exit 1
}
