#!/bin/bash
# Stands in for pgweb: a page on port 8081 that asks its database anew at each request. See webgui-answer.sh.
set -u
: "${PGWEB_DATABASE_URL:=${DATABASE_URL:?the URL of the database}}"
export PGWEB_DATABASE_URL
busybox nc -ll -p 8081 -e /usr/local/bin/webgui-answer.sh &
# The first process of a container takes no signal that it does not ask for.
trap 'kill $!; exit 0' TERM INT
echo 'listening on 0.0.0.0:8081'
wait $!
