# The monolith in one container, on the databases that the split form has filled. Sourced by run.sh.

test_fused() {
  say "fused: docker/compose.fused.yml"
  check "a second system on the same data is refused, and the log says the remedy" second_is_refused
  check "the split form goes down" compose_split down --timeout 20
  check "up brings the monolith up, healthy" up_fused
  check "the rows that the split form wrote are there" rows_are_there
  check "users, products and orders can be written" make_rows
  test_containers cleave cleave cleave-host:fused "${backends[@]}"
  check "the whole conformance suite passes" conforms
  kill_hard cleave
  check "killed: it comes back" until_true 30 all_serve
  check "the rows are there" rows_are_there
  check "down" compose_fused down --timeout 20
  check "the split form finds what the monolith wrote" split_finds_it
}
up_fused() {
  compose_fused up -d --build && until_true 60 all_healthy cleave redis db-users db-products db-orders
}
# Two servers on the same files would ruin them. Under another project's name Compose would start
# both, in either form: the database must not, and `logs` must say why (docker/README.md).
second_is_refused() {
  local file second status=0
  for file in docker-compose.yml docker/compose.fused.yml; do
    second=("${compose[@]}" -p cleave-test-second -f "$file")
    "${second[@]}" up -d --no-deps db-users || status=1
    until_true 15 second_says_why || { "${second[@]}" logs db-users; status=1; }
    "${second[@]}" down --timeout 5
  done
  # Not `down --volumes`: the data is the first one's.
  docker volume ls -q --filter label=com.docker.compose.project=cleave-test-second |
    xargs -r docker volume rm
  ((status == 0)) && rows_are_there
}
second_says_why() {
  "${second[@]}" logs db-users 2>&1 |
    grep 'another container uses the data of user: stop that one first'
}
split_finds_it() { up_split && rows_are_there; }
