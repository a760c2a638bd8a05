# What the containers may not do, and who may not reach whom. Sourced by run.sh.

for_all() { # for_all FORMAT EXPECTED: of docker inspect, for every container
  local id got
  for id in $(containers); do
    got=$(docker inspect --format "$1" "$id")
    [[ $got == "$2" ]] || { echo "$(docker inspect --format '{{.Name}}' "$id"): $got"; return 1; }
  done
}
only_one_publishes() { # only_one_publishes SERVICE
  local id ports
  for id in $(containers); do
    ports=$(docker inspect --format '{{json .HostConfig.PortBindings}}' "$id")
    if [[ $id == "$(container "$1")" ]]; then
      [[ $ports == *8080* ]] || { echo "$1 publishes $ports"; return 1; }
    elif [[ $ports != '{}' && $ports != null ]]; then
      echo "$(docker inspect --format '{{.Name}}' "$id") publishes $ports"
      return 1
    fi
  done
}
nobody_is_root() {
  local id pid uid
  for id in $(containers); do
    # The first process is Docker's init; what it runs has the same user.
    pid=$(docker inspect --format '{{.State.Pid}}' "$id")
    uid=$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")
    ((uid != 0)) || { echo "$(docker inspect --format '{{.Name}}' "$id") runs as root"; return 1; }
  done
}
no_capabilities() {
  local id pid
  for id in $(containers); do
    pid=$(docker inspect --format '{{.State.Pid}}' "$id")
    grep -E '^Cap(Eff|Prm|Bnd):' "/proc/$pid/status" | grep -v '0000000000000000$' && return 1
  done
  return 0
}
root_is_read_only() { # root_is_read_only SERVICE…: of those that have `touch`
  local service
  for service in "$@"; do
    docker exec "$(container $service)" touch /here 2>/dev/null && { echo "$service"; return 1; }
  done
  return 0
}
no_shell_in_the_host() { # no_shell_in_the_host SERVICE IMAGE
  ! docker exec "$(container "$1")" sh -c true 2>/dev/null &&
    ! docker run --rm --entrypoint /bin/sh "$2" -c true 2>/dev/null
}
nothing_is_setuid() { # nothing_is_setuid IMAGE
  docker create --name cleave-test-look "$1" >/dev/null || return 1
  docker export cleave-test-look | tar -tv | grep -E '^-..[sS]|^-.....[sS]' >"$work/setuid"
  docker rm cleave-test-look >/dev/null
  [[ ! -s $work/setuid ]]
}

# --- routes ---

# A client in the network of a container, since the container itself has no tools.
inside() { # inside SERVICE COMMAND…
  docker run --rm --network "container:$(container "$1")" --entrypoint timeout \
    "${POSTGRES_IMAGE:-postgres:17}" 3 "${@:2}"
}
reaches() { # reaches SERVICE ADDRESS PORT
  inside "$1" bash -c "exec 3<>/dev/tcp/$2/$3"
}
# Only where a client runs at all does its failure say something.
no_route() { inside "$1" true && ! reaches "$@"; }
no_name() { inside "$1" true && ! inside "$1" getent hosts "$2"; }
only_edge_leads_out() {
  local network
  for network in $(docker network ls -q \
    --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"); do
    docker network inspect --format '{{.Name}} {{.Internal}}' "$network"
  done | grep -v ' true$' >"$work/open"
  cat "$work/open"
  [[ $(<"$work/open") == "${COMPOSE_PROJECT_NAME}_edge false" ]]
}

test_routes() {
  check "order-service reaches its own database" reaches order-service db-orders 5432
  check "order-service does not reach the users' database" \
    no_route order-service "$(address_in db-users users-db)" 5432
  check "nor does it know its name" no_name order-service db-users
  check "order-service does not reach Redis" \
    no_route order-service "$(address_in redis cache)" 6379
  check "user-service does not reach the products' database" \
    no_route user-service "$(address_in db-products products-db)" 5432
  check "the gateway reaches no database" \
    no_route api-gateway "$(address_in db-orders orders-db)" 5432
  check "the admin listener cannot be reached from another container" \
    no_route api-gateway "$(address_in user-service services)" 8081
  check "no network but edge leads out of Docker" only_edge_leads_out
  # An address beyond its networks where somebody does listen.
  local edge
  edge=$(address_in api-gateway edge)
  check "the gateway listens on the edge" reaches api-gateway "$edge" 8080
  local service
  for service in "${hosts[@]}" "${backends[@]}"; do
    check "$service reaches nothing beyond its own networks" no_route "$service" "$edge" 8080
  done
}

# --- roles ---

psql_in() { docker exec -i "$(container "$1")" psql -h /tmp -U postgres -X -A -t "${@:2}"; }
# The connection string of a role, sent from the place of the service that has it.
as_role() { # as_role SERVICE DATABASE_CONTAINER app|owner SQL [DATABASE]
  local url
  url=$(docker exec "$(container "$2")" cat "/run/cleave/database/$3-url")
  [[ -n ${5:-} ]] && url=${url%/*}/$5
  inside "$1" psql -X -A -t -v ON_ERROR_STOP=1 -c "$4" "$url"
}
denied() { # denied "words" COMMAND…
  local words=$1 output
  shift
  output=$("$@" 2>&1) && { echo "it was allowed: $output"; return 1; }
  [[ $output == *"$words"* ]] || { echo "$output"; return 1; }
}
# The wall behind the wall: the orders' role, made on the users' server for this check.
order_role_at_users() {
  local output status=0 privilege
  psql_in db-users -q -c "CREATE ROLE order_app LOGIN PASSWORD 'x'" || return 1
  output=$(inside user-service psql -X -c 'SELECT 1' "postgresql://order_app:x@db-users/user" 2>&1) ||
    status=$?
  privilege=$(psql_in db-users -c "SELECT has_database_privilege('order_app', 'user', 'CONNECT')")
  psql_in db-users -q -c 'DROP ROLE order_app'
  echo "$output; may connect: $privilege"
  [[ $status != 0 && $output == *pg_hba.conf* && $privilege == f ]]
}

test_roles() {
  check "the runtime role reads and writes rows" \
    as_role user-service db-users app 'SELECT count(*) FROM users'
  check "it makes no table" denied 'permission denied' \
    as_role user-service db-users app 'CREATE TABLE mine (a int)'
  check "it drops none" denied 'must be owner' as_role user-service db-users app 'DROP TABLE users'
  check "it reads no file" denied 'permission denied' \
    as_role user-service db-users app "SELECT pg_read_file('/etc/passwd')"
  check "it runs no program" denied 'permission denied' \
    as_role user-service db-users app "COPY users TO PROGRAM 'cat'"
  check "it does not become the owner" denied 'permission denied' \
    as_role user-service db-users app 'SET ROLE user_owner'
  check "it does not enter another database of its server" denied 'pg_hba.conf' \
    as_role user-service db-users app 'SELECT 1' postgres
  check "the orders' role would not enter the users' database" order_role_at_users
}

redis_as_product() {
  docker exec "$(container redis)" sh -c \
    'redis-cli --no-auth-warning -u "$(sed "s/@redis/@127.0.0.1/" /run/cleave/redis/url)" "$@"' \
    sh "$@"
}
redis_denies() { redis_as_product "$@" | grep -q NOPERM; }

test_redis_roles() {
  check "the products' Redis user reads its keys" redis_as_product GET cleave:v1:product:1
  check "it may not FLUSHALL" redis_denies FLUSHALL
  check "it may not list keys" redis_denies KEYS '*'
  check "it may not CONFIG" redis_denies CONFIG GET dir
  check "it has no key of others" redis_denies GET cleave:v1:user:1
}

# --- secrets ---

no_secret_shows() { # no_secret_shows IMAGE
  local secrets=() file secret id
  for id in db-users:database/app-url db-orders:database/owner-url redis:redis/url \
    db-users:peers/token; do
    file=$(docker exec "$(container "${id%%:*}")" cat "/run/cleave/${id#*:}") || return 1
    secret=${file#*//*:}
    secrets+=("${secret%@*}")
  done
  ((${#secrets[@]} == 4)) || return 1
  for id in $(containers); do
    docker inspect "$id"
    docker logs "$id" 2>&1
    docker top "$id" 2>/dev/null
    tr '\0' '\n' <"/proc/$(docker inspect --format '{{.State.Pid}}' "$id")/environ"
  done >"$work/seen"
  docker history --no-trunc "$1" >>"$work/seen"
  for secret in "${secrets[@]}"; do
    ((${#secret} >= 32)) || { echo "too short to be a secret"; return 1; }
    if grep -qF -- "$secret" "$work/seen"; then echo "a secret shows"; return 1; fi
  done
}

# What holds in both forms: who publishes the port, a service that runs the host, and its image.
test_containers() { # test_containers PUBLISHER HOST IMAGE SERVICE_WITH_TOUCH…
  check "every root is read-only" for_all '{{.HostConfig.ReadonlyRootfs}}' true
  check "and really is" root_is_read_only "${@:4}"
  check "every capability is dropped" no_capabilities
  check "no new privileges" for_all '{{.HostConfig.SecurityOpt}}' '[no-new-privileges:true]'
  check "at most 100 processes each" for_all '{{.HostConfig.PidsLimit}}' 100
  check "at most 256 MiB each" for_all '{{.HostConfig.Memory}}' 268435456
  check "nobody is privileged" for_all '{{.HostConfig.Privileged}}' false
  check "nobody is root" nobody_is_root
  check "only $1 publishes a port" only_one_publishes "$1"
  check "the host's image has no shell" no_shell_in_the_host "$2" "$3"
  check "nor anything setuid" nothing_is_setuid "$3"
  check "no secret in inspect, history, logs, ps or environment" no_secret_shows "$3"
}

test_hardening() {
  say "split: hardening"
  test_containers api-gateway user-service cleave-host:user api-gateway "${backends[@]}"
  test_routes
  test_roles
  test_redis_roles
  local path
  for path in /internal/user/users /metrics /admin /livez /readyz; do
    check "$path is not reachable from outside" gives 404 GET "$path"
  done
}
