# Base images: the official ones, or stand-ins from Debian's packages. Sourced by run.sh.

official_images_are_there() {
  local image
  for image in debian:trixie-slim postgres:17 redis:8 nginx:stable; do
    docker image inspect "$image" >/dev/null 2>&1 ||
      timeout 120 docker pull -q "$image" >/dev/null 2>&1 || return 1
  done
}

find_images() {
  if official_images_are_there; then
    say "using the official images"
    return
  fi
  say "no registry can be reached: stand-ins for the official images, from Debian's packages"
  export DEBIAN_IMAGE=cleave-standin/debian POSTGRES_IMAGE=cleave-standin/postgres
  export REDIS_IMAGE=cleave-standin/redis NGINX_IMAGE=cleave-standin/nginx
  make_debian || { cannot "no Debian image can be made"; return; }
  local name
  for name in postgres redis nginx; do
    docker build -q -f "docker/test/$name.Dockerfile" --build-arg "BASE=$DEBIAN_IMAGE" \
      -t "cleave-standin/$name" docker/test >"$work/build.log" 2>&1 ||
      { tail -n 20 "$work/build.log" >&2; cannot "the stand-in for $name cannot be built"; return; }
  done
}

make_debian() {
  docker image inspect "$DEBIAN_IMAGE" >/dev/null 2>&1 && return
  command -v debootstrap >/dev/null || { echo "apt-get install debootstrap" >&2; return 1; }
  say "making an image of Debian 13 with debootstrap"
  debootstrap --variant=minbase trixie "$work/debian" >"$work/debootstrap.log" 2>&1 ||
    { tail -n 5 "$work/debootstrap.log" >&2; return 1; }
  rm -rf "$work"/debian/var/cache/apt/archives/*.deb
  tar -C "$work/debian" -c . | docker import - "$DEBIAN_IMAGE" >/dev/null
  rm -rf "$work/debian"
}
