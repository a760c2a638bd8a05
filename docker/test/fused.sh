# The monolith in one container, on the databases that the split form has filled. Sourced by run.sh.

test_fused() {
  say "fused: docker/compose.fused.yml"
  check "it waits while the split form has the data" refuses_shared_data
  check "the split form goes down" compose_split down --timeout 20
  check "up brings the monolith up, healthy" up_fused
  check "the rows that the split form wrote are there" rows_are_there
  check "users, products and orders can be written" make_rows
  check "the whole conformance suite passes" conforms
  kill_hard cleave
  check "killed: it comes back" until_true 30 all_serve
  check "the rows are there" rows_are_there
  check "down" compose_fused down --timeout 20
  check "the split form finds what the monolith wrote" split_finds_it
}
up_fused() {
  compose_fused up -d && until_true 60 all_healthy cleave redis db-users db-products db-orders
}
# Two servers on the same files would ruin them: the second one must not start.
refuses_shared_data() {
  local words
  words=$(docker run --rm --user postgres --entrypoint /start/start.sh \
    -v "$CLEAVE_VOLUMES-db-users:/var/lib/postgresql/data" -v "$PWD/docker/postgres:/start:ro" \
    "${POSTGRES_IMAGE:-postgres:17}" user db-users 2>&1) && return 1
  [[ $words == *'another container uses the data'* ]]
}
split_finds_it() { up_split && rows_are_there; }
