#!/bin/bash
# For the container's health check: does the gateway answer at all? Its own 404 will do, for a
# service that is down is not the gateway's illness. bash, because no image of nginx must have curl.
exec 3<>/dev/tcp/127.0.0.1/8080 || exit 1
printf 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r -t 2 version status _ <&3
[[ $version == HTTP/1.1 && $status == 404 ]]
