#!/bin/bash
# Answers one HTTP request on stdin. / and /api/connection need the database: 200, or 503 with the words of psql.
# /api/info answers without it, as pgweb's does. PGCONNECT_TIMEOUT is in seconds; pgweb itself waits for 30.
set -u
IFS=' ' read -r _ path _
while IFS= read -r header && [ "${header%$'\r'}" ]; do :; done

status='200 OK'
case ${path%%\?*} in
  /api/info) body='stand-in for pgweb' ;;
  / | /api/connection)
    body=$(PGCONNECT_TIMEOUT=${PGCONNECT_TIMEOUT:-5} psql -X -At "$PGWEB_DATABASE_URL" 2>&1 <<<"select current_database(), current_user, (select system_identifier from pg_control_system())") ||
      status='503 Service Unavailable'
    ;;
  *) status='404 Not Found' body='not found' ;;
esac
echo "$path ${status%% *} $body" >&2
body+=$'\n'
printf 'HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %s\r\nConnection: close\r\n\r\n%s' "$status" "$(printf %s "$body" | wc -c)" "$body"
