#!/usr/bin/env bash
# Sends the service requests that its OpenAPI document allows, and some that it does not: no response may be a 5xx, and
# every response must match the document.
#
#     cargo run -- demo --no-serve    trains a model
#     scripts/schemathesis.sh [EXAMPLES PER OPERATION AND PHASE=200]
set -euo pipefail
cd "$(dirname "$0")/.."
venv=target/schemathesis-venv
[ -x $venv/bin/schemathesis ] || { python3 -m venv --clear $venv && $venv/bin/pip install --quiet schemathesis==4.32.5; }
cargo build --workspace --quiet

folder=$(mktemp -d)
trap 'kill "$service" 2>/dev/null; rm -rf "$folder"' EXIT
cat >"$folder/trolley.toml" <<END
models = "$PWD/trolley-demo/models"
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
state = "sqlite:$folder/state.sqlite"
# Under this load the service would shed requests, which other tests cover.
admission_microseconds = 0
END
cat >"$folder/schemathesis.toml" <<END
[parameters]
market = "us"
END
target/debug/trolley serve --config "$folder/trolley.toml" 2>"$folder/log" &
service=$!
until address=$(sed -n 's/.*listening.* api=\([0-9.:]*\).*/\1/p' "$folder/log") && [ -n "$address" ]; do
    kill -0 $service || { cat "$folder/log"; exit 1; }
    sleep 0.1
done
memory() { awk '/VmRSS/ { print $2 }' /proc/$service/status; }
before=$(memory)
# In that folder, because schemathesis leaves files where it runs.
venv=$PWD/$venv
cd "$folder"
$venv/bin/schemathesis --config-file "$folder/schemathesis.toml" run "http://$address/openapi.json" \
    --max-examples "${1:-200}" --seed 1 --generation-database none --continue-on-failure \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
echo "memory: $before kB before, $(memory) kB after"
