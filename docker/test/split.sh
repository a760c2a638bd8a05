# The split system: it comes up, answers, survives kills, scales, keeps its data. Sourced by run.sh.

hosts=(user-service product-service order-service)
backends=(redis db-users db-products db-orders)
everything=(api-gateway "${hosts[@]}" "${backends[@]}")

up_split() {
  compose_split up -d "$@" && until_true 60 all_healthy "${everything[@]}"
}
# `up` must be quick once the images are there.
up_within() {
  local began=$SECONDS
  up_split || return 1
  echo "all healthy after $((SECONDS - began)) s"
  ((SECONDS - began <= $1))
}

services_are() {
  diff <(compose_split config --services | sort) \
    <(printf '%s\n' "${everything[@]}" | sort)
}
image_is_small() {
  local bytes
  bytes=$(docker image inspect --format '{{.Size}}' cleave-host:user)
  echo "$((bytes / 1024 / 1024)) MiB"
  ((bytes < 120 * 1024 * 1024))
}
conforms() { CLEAVE_TEST_URL=$base timeout 300 "$suite" "$@"; }
# How bytes are framed is nginx' to judge there, and tests/gateway is its suite; the process behind
# the gateway cannot be asked how it is.
conforms_through_gateway() {
  conforms --source-file-exclude='*framing_test.cpp,*process_test.cpp' \
    --test-case-exclude='a malformed target*,a body beyond*,methods that nobody*,Server-Timing names*'
}

test_split() {
  say "split: docker-compose.yml"
  compose_split down --volumes --remove-orphans >/dev/null 2>&1
  local file
  for file in docker-compose.yml docker/compose.fused.yml; do
    check "every Compose that is installed takes $file" all_compose_take "$file"
  done
  check "the services are those of the exercise, and no others" services_are
  check "the image of the host builds" timeout 1800 "${compose[@]}" -f docker-compose.yml build
  check "it is under 120 MiB" image_is_small
  check "up brings all containers up, healthy" up_split
  check "users, products and orders can be read" all_serve
  check "they can be written, and an order asks both other services" make_rows
  check "an order of a user that does not exist is refused" \
    gives 422 POST /orders "{\"user_id\":999999999,\"product_id\":$product}"
  check "a product comes from the cache the second time" cached
  check "the conformance suite passes through the gateway" conforms_through_gateway
}
cached() {
  curl -s -o /dev/null "$base/products/$product"
  curl -s -D - -o /dev/null "$base/products/$product" | grep -i '^X-Cache: hit'
}

# --- faults ---

comes_back() { until_true 30 is_healthy "$1" && until_true 10 all_serve; }

while_one_is_down() { # which others answer, with 200, right after the kill
  local path
  for path in "$@"; do gives 200 GET "$path" || return 1; done
}

test_kill() { # test_kill SERVICE PATH…: the paths that do not need it
  local service=$1
  shift
  kill_hard "$service"
  (($# > 0)) && check "$service killed: $* go on" while_one_is_down "$@"
  check "$service killed: it comes back, and all is served" comes_back "$service"
}

upstream_count() { # how many addresses the gateway knows of the product service
  docker exec "$(container api-gateway)" grep -c 'server [0-9]' /tmp/gateway/upstreams.conf
}
balanced() {
  local number served
  for number in {1..60}; do curl -s -o /dev/null "$base/products"; done
  for number in 1 2 3; do
    served=$(docker logs "$(container api-gateway)" --tail 60 2>/dev/null |
      grep -c "\"upstream\":\"$(docker inspect --format \
        "{{(index .NetworkSettings.Networks \"${COMPOSE_PROJECT_NAME}_services\").IPAddress}}" \
        "$(container product-service $number)"):")
    echo "replica $number served $served of 60"
    ((served >= 10)) || return 1
  done
}

# A service that comes back under another address, while a stranger has the one that it left. Docker
# gives out the lowest free ones, and no chosen one in a network whose range it chose itself.
moves_to_another_address() {
  local old strangers=() id status=0
  old=$(address_in user-service services)
  compose_split stop --timeout 20 user-service || return 1
  for _ in {1..8}; do
    id=$(docker run -d --network "${COMPOSE_PROJECT_NAME}_services" --entrypoint sleep \
      "${POSTGRES_IMAGE:-postgres:17}" 300) || { status=1; break; }
    strangers+=("$id")
    docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$id" |
      grep -qxF "$old" && break
  done
  docker start "$(container user-service)" && until_true 30 is_healthy user-service &&
    until_true 4 gives 200 GET /users || status=1
  echo "it was at $old and is at $(address_in user-service services)"
  [[ $(address_in user-service services) != "$old" ]] || status=1
  ((${#strangers[@]} == 0)) || docker rm -f "${strangers[@]}"
  return $status
}

test_split_faults() {
  say "split: faults and scale"
  test_kill user-service /products /orders
  test_kill product-service /users /orders
  test_kill order-service /users /products
  test_kill redis /users /products /orders
  test_kill db-users /products /orders
  test_kill db-products /users /orders
  test_kill db-orders /users /products
  test_kill api-gateway
  check "user-service moves to another address, and is found within 4 s" moves_to_another_address
  check "after all that, the rows are there" rows_are_there
  check "product-service scales to three" \
    compose_split up -d --no-recreate --scale product-service=3
  check "the gateway finds all three" until_true 15 eval '[[ $(upstream_count) == 5 ]]'
  check "and shares the requests among them" balanced
  check "it scales back to one" compose_split up -d --no-recreate --scale product-service=1
  check "and all is served" until_true 10 all_serve
}

test_split_again() {
  say "split: again"
  check "a second up changes nothing" second_up
  check "down" compose_split down --timeout 20
  check "up again takes at most 15 s" up_within 15
  check "the rows are still there" rows_are_there
  check "and new ones can be written" make_rows
}
second_up() {
  local before after
  before=$(containers | sort)
  compose_split up -d || return 1
  after=$(containers | sort)
  [[ $before == "$after" ]] && all_serve
}
