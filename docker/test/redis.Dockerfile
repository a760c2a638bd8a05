# A stand-in for the official redis image, from Debian's package; see postgres.Dockerfile.
ARG BASE=debian:trixie-slim
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-server \
 && install -d -o redis -g redis /data \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /data
