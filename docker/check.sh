#!/usr/bin/env bash
# Builds the image, starts the four-member alliance, waits until every member reports finality, and removes it all again.
#   docker/check.sh            needs a Docker engine and docker-compose 1.29 or docker compose v2
#   DOCKER_BUILD_ARGS="--network host" docker/check.sh    extra arguments of docker build
set -euo pipefail
cd "$(dirname "$0")/.."

if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
compose+=(--project-name consilium-check --file docker/compose.yml)
trap '"${compose[@]}" down --volumes >/dev/null 2>&1' EXIT

# shellcheck disable=SC2086 # the arguments are words on purpose
docker build ${DOCKER_BUILD_ARGS:-} --build-arg NODE_IMAGE="${NODE_IMAGE:-node:24-bookworm-slim}" -f docker/Dockerfile -t consilium .
"${compose[@]}" up --no-build --detach

height() { curl --silent --max-time 3 "http://127.0.0.1:$1/v1/status" | sed -n 's/.*"finalizedHeight":\([0-9]*\).*"private".*/\1/p'; }
deadline=$((SECONDS + 180))
for port in 9001 9003 9005 9007; do
  until [ "$(height "$port")" -ge 2 ] 2>/dev/null; do
    if [ "$SECONDS" -gt "$deadline" ]; then
      echo "no finality on port $port within three minutes; logs follow" >&2
      "${compose[@]}" logs --tail 20 >&2
      exit 1
    fi
    sleep 1
  done
  echo "port $port: height $(height "$port") is final"
done
