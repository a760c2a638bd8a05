#!/bin/sh
# The products' cache: nothing is kept on disk, one user, its own keys only. Runs as user redis.
#
# The password is made here and handed to the product service through a volume in memory
# (docs/decisions/0011-secrets.md). It is kept when only this container restarts.
set -eu

secrets=/run/cleave/redis
password=$(sed -n 's|.*:\([^:@]*\)@.*|\1|p' "$secrets/url" 2>/dev/null || true)
[ -n "$password" ] || password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')

umask 0077
# What src/redis sends, and no more: no KEYS, no FLUSHALL, no CONFIG. `default` may only say PING,
# for the health check.
cat >/tmp/users.acl <<END
user default on nopass resetkeys resetchannels -@all +ping
user product on >$password resetchannels &__redis__:invalidate resetkeys ~cleave:v1:product:* -@all +ping +get +getrange +set +eval +evalsha +script|load +client|id +client|tracking +subscribe
END

umask 0337
printf 'redis://product:%s@redis:6379\n' "$password" >"$secrets/url.new"
chgrp 10001 "$secrets/url.new"
mv -f "$secrets/url.new" "$secrets/url"
umask 0077

# allkeys-lru: a full cache forgets, it does not refuse. Protected mode is for servers without
# passwords: it would refuse every other container.
exec redis-server --protected-mode no --aclfile /tmp/users.acl --save '' --appendonly no --dir /tmp \
  --maxmemory 64mb --maxmemory-policy allkeys-lru
