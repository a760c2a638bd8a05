# The Docker Engine and Compose: those that are there, or an engine of our own. Sourced by run.sh.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/cleave-docker
((EUID == 0)) && cache=/var/cache/cleave-docker
engine_pid=

cannot() {
  printf '\n!!! The Docker tests did NOT run: %s\n\n' "$*" >&2
  return 1
}

find_engine() {
  if docker info >/dev/null 2>&1; then
    say "using the Docker Engine that runs"
    return
  fi
  ((EUID == 0)) || { cannot "no engine runs, and only root can start one"; return; }
  command -v dockerd >/dev/null || { cannot "dockerd is missing: apt-get install docker.io"; return; }
  say "starting a Docker Engine with its data in $cache"
  mkdir -p "$cache"
  exec 8>"$cache/lock"
  flock -n 8 || { cannot "another docker-test uses $cache"; return; }
  remember_network
  # A socket and state of its own: an engine of the system would not notice it.
  dockerd --host "unix://$work/docker.sock" --data-root "$cache/data" --exec-root "$work/exec" \
    --pidfile "$work/docker.pid" >"$work/dockerd.log" 2>&1 8>&- &
  engine_pid=$!
  export DOCKER_HOST=unix://$work/docker.sock
  until_true 30 engine_answers && docker info >/dev/null 2>&1 && return
  tail -n 5 "$work/dockerd.log" >&2
  cannot "dockerd does not start on this machine; the lines above say why"
}
engine_answers() {
  kill -0 "$engine_pid" 2>/dev/null || return 0  # it ended: no need to wait
  docker info >/dev/null 2>&1
}

# 1: something of it is left.
stop_engine() {
  [[ -n $engine_pid ]] || return 0
  # Each change of the sources leaves 1.6 GB of build steps; those of the day stay, to be used again.
  docker image prune --force --filter until=24h >/dev/null 2>&1
  kill "$engine_pid"
  wait "$engine_pid" 2>/dev/null
  umount "$work"/exec/netns/* 2>/dev/null  # it leaves its own network's name mounted
  restore_network
}

# An engine leaves its bridge, its packet filter rules and IP forwarding behind when it ends. The rules
# alone make every packet of the machine pass connection tracking, those on loopback too: measured, 4 %
# of all work and a tenth of the requests that a host answers on 1,000 connections.
remember_network() {
  local command
  for command in iptables ip6tables; do
    "$command-save" >"$work/$command.rules" 2>/dev/null
  done
  forwarding=$(sysctl -n net.ipv4.ip_forward)
  bridge_before=
  [[ -e /sys/class/net/docker0 ]] && bridge_before=1
}

# 1: rules are left that were not there before.
restore_network() {
  local command table
  for command in iptables ip6tables; do
    for table in filter nat mangle raw; do
      grep -q "^\*$table" "$work/$command.rules" && continue  # below
      "$command" -t "$table" -F
      "$command" -t "$table" -P FORWARD ACCEPT  # the engine's is DROP; nat has none
      "$command" -t "$table" -X  # of nf_tables the chains that are hooked in, too
    done 2>/dev/null
    [[ -s $work/$command.rules ]] && "$command-restore" <"$work/$command.rules"
  done
  [[ -n $bridge_before ]] || ip link delete docker0 2>/dev/null
  sysctl -qw "net.ipv4.ip_forward=$forwarding"
  cmp -s <(grep '^-' "$work/iptables.rules") <(iptables-save 2>/dev/null | grep '^-')
}

# Each Compose that is here must understand the files; one of them runs the rest.
all_compose_take() { # all_compose_take FILE
  local status=0
  if docker compose version >/dev/null 2>&1; then docker compose -f "$1" config -q || status=1; fi
  if command -v docker-compose >/dev/null; then docker-compose -f "$1" config -q || status=1; fi
  return $status
}

find_compose() {
  if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
  elif command -v docker-compose >/dev/null; then
    compose=(docker-compose)
  else
    cannot "Compose is missing: apt-get install docker-compose"
    return
  fi
  # Newer clients want BuildKit's plugin for `docker build`; the Dockerfile needs neither.
  docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
  say "$("${compose[@]}" version 2>/dev/null | head -1)"
}
