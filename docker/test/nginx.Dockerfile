# A stand-in for the official nginx image, from Debian's package; see postgres.Dockerfile.
ARG BASE=debian:trixie-slim
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends nginx-light \
 && useradd --system --no-create-home --shell /usr/sbin/nologin nginx \
 && rm -rf /var/lib/apt/lists/*
STOPSIGNAL SIGQUIT
