#!/bin/sh
# collect.sh BUILD_DIRECTORY IMAGE_DIRECTORY: lays out the root of the runtime image.
set -eu

build=$1
image=$2
mkdir -p "$image/usr/bin" "$image/usr/lib/cleave/modules" "$image/usr/share/cleave" "$image/etc" \
  "$image/tmp"
chmod 1777 "$image/tmp"

install -m 755 -s "$build/bin/cleave" "$image/usr/bin/cleave"
for module in "$build"/modules/*.so; do
  install -m 644 -s "$module" "$image/usr/lib/cleave/modules/"
done
cp -R sql "$image/usr/share/cleave/sql"
chmod -R u=rwX,go=rX "$image/usr/share/cleave"

# Each library that they are linked with, and the loader, under the path where it will be looked
# for; -L, since most are links.
for file in "$image/usr/bin/cleave" "$image"/usr/lib/cleave/modules/*.so; do
  ldd "$file"
done | grep -o '/[^ ]*' | grep -v "^$image" | sort -u | while read -r library; do
  install -D -m 755 "$(readlink -f "$library")" "$image$library"
done

# Names of users for libpq, of hosts through DNS for the resolver.
printf 'root:x:0:0::/:\ncleave:x:10001:10001::/:\n' >"$image/etc/passwd"
printf 'root:x:0:\ncleave:x:10001:\n' >"$image/etc/group"
printf 'hosts: files dns\n' >"$image/etc/nsswitch.conf"
