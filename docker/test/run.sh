#!/usr/bin/env bash
# ./dev docker-test: both forms of the system in real containers, as a person starts them.
#
# run.sh CONFORMANCE_PROGRAM: the suite that is sent through the published port. Starts a Docker
# Engine when none runs, makes stand-ins for the official images where no registry is reachable, and
# removes its containers, networks and volumes at the end. One line a check; exit 1 when one fails,
# 3 when Docker cannot run here.
set -uo pipefail

suite=${1:?usage: run.sh CONFORMANCE_PROGRAM}
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
work=$(mktemp -d)
# Names of their own: a system that somebody runs on this engine is not touched.
export COMPOSE_PROJECT_NAME=cleave-test CLEAVE_VOLUMES=cleave-test
# "a" is the Host that the conformance suite sends where it writes requests by hand.
export GATEWAY_NAMES='localhost 127.0.0.1 [::1] api-gateway a'

source docker/test/lib.sh
source docker/test/engine.sh
source docker/test/images.sh
source docker/test/split.sh
source docker/test/rolling.sh
source docker/test/hardening.sh
source docker/test/fused.sh

finish() {
  [[ -n ${compose_ready:-} ]] && {
    compose_split down --volumes --remove-orphans --timeout 5
    compose_fused down --volumes --remove-orphans --timeout 5
    "${compose[@]}" -p cleave-test-second -f docker-compose.yml down --timeout 5
  } >"$work/down.log" 2>&1
  local left=0
  stop_engine || left=1
  rm -rf "$work"
  ((left)) && say "FAIL  rules of the engine's packet filter are still there: see iptables-save" && exit 1
}
trap finish EXIT
trap 'exit 130' INT TERM

find_engine || exit 3
find_compose || exit 3
find_images || exit 3
compose_ready=1
choose_port
base=http://127.0.0.1:$CLEAVE_PORT

test_split
test_hardening
test_split_faults
test_rolling
test_split_again
test_fused

echo "$passed passed, $failed failed"
((failed == 0))
