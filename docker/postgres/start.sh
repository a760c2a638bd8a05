#!/bin/sh
# The database of one module: a cluster, one database, two roles. Runs as the image's user postgres.
#
# start.sh MODULE HOST: HOST is the name under which the module's service reaches this container.
# The passwords are made here and handed to the service through a volume in memory that only the two
# share (docs/decisions/0011-secrets.md); they are kept when only this container restarts. What the
# roles must be is said in sql/README.md: <module>_owner applies migrations, <module>_app is what
# the module runs as.
set -eu

module=$1
host=$2
secrets=/run/cleave/database
peers=/run/cleave/peers
export PGDATA=/var/lib/postgresql/data/cluster

# Two servers on one cluster would ruin it, and in two containers they do not see each other: the
# split and the fused form share this volume. The lock lasts as long as the server.
exec 9>/var/lib/postgresql/data/lock
flock -n 9 || {
  echo "another container uses the data of $module: stop that one first" >&2
  exit 1
}

password() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

# The password in a connection string that was handed over before, or a new one.
kept_or_new() {
  kept=$(sed -n 's|.*:\([^:@]*\)@.*|\1|p' "$secrets/$1" 2>/dev/null || true)
  printf %s "${kept:-$(password)}"
}

# Written aside and renamed: a reader sees all of it or nothing. The service's group may read it.
hand_over() {
  umask 0337
  printf 'postgresql://%s:%s@%s/%s\n' "$2" "$3" "$host" "$module" >"$secrets/$1.new"
  chgrp 10001 "$secrets/$1.new"
  mv -f "$secrets/$1.new" "$secrets/$1"
  umask 0077
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  rm -rf "$PGDATA.new"  # what a killed first start left
  initdb --pgdata="$PGDATA.new" --username=postgres --auth=reject --encoding=UTF8 \
    --locale=C.UTF-8 --data-checksums >/dev/null
  mv "$PGDATA.new" "$PGDATA"
fi

# Who may come in at all: the superuser from inside this container, the two roles to their database
# with a password, nobody else anywhere.
cat >"$PGDATA/pg_hba.conf" <<END
local all     postgres                     peer
host  $module ${module}_owner samenet      scram-sha-256
host  $module ${module}_app   samenet      scram-sha-256
host  all     all             all          reject
END

owner_password=$(kept_or_new owner-url)
app_password=$(kept_or_new app-url)

# A server for this script alone: no network, a socket where the health check does not look. The
# passwords go through standard input, where no list of processes shows them.
first=$(mktemp -d)
pg_ctl --pgdata="$PGDATA" --wait --silent \
  --options="-c listen_addresses='' -c unix_socket_directories=$first" start 9>&-
{
  printf "\\set module '%s'\n\\set owner '%s_owner'\n\\set app '%s_app'\n" \
    "$module" "$module" "$module"
  printf "\\set owner_password '%s'\n\\set app_password '%s'\n" "$owner_password" "$app_password"
  cat "$(dirname "$0")/roles.sql"
} | psql --quiet --no-psqlrc --tuples-only --set=ON_ERROR_STOP=1 --host="$first" \
  --username=postgres postgres
pg_ctl --pgdata="$PGDATA" --wait --silent --mode=fast stop

hand_over owner-url "${module}_owner" "$owner_password"
hand_over app-url "${module}_app" "$app_password"

# The secret of the services among each other. Whichever database is first makes it: ln is atomic.
if [ -d "$peers" ]; then
  umask 0337
  password >"$peers/token.$module"
  chgrp 10001 "$peers/token.$module"
  ln "$peers/token.$module" "$peers/token" 2>/dev/null || true
  rm -f "$peers/token.$module"
  umask 0077
fi

exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp \
  -c max_connections=40 -c shared_buffers=64MB \
  -c tcp_keepalives_idle=30 -c client_connection_check_interval=1s
