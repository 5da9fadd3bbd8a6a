#!/bin/sh
# From nothing to a connected tenant, in the laboratory, with public commands only; prints how long it took.
#
#   sh examples/first_tenant.sh [DIR]
#
# COUNTERFOIL is the command (default: counterfoil, else that of the .venv beside this folder). DIR keeps everything (default: a new folder in /tmp).
# In a real tenant step 1 and the file of step 3 are not there, and what `by_hand` does is done by its administrator.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
counterfoil=${COUNTERFOIL:-counterfoil}
if [ -z "${COUNTERFOIL:-}" ] && ! command -v counterfoil > /dev/null; then
  counterfoil="$here/.venv/bin/counterfoil"
  [ -x "$counterfoil" ] || { echo "there is no command counterfoil: run make setup, then . .venv/bin/activate" >&2; exit 2; }
fi
dir=${1:-$(mktemp -d)}
began=$(date +%s)
mkdir -p "$dir" && chmod 700 "$dir"
export COUNTERFOIL_DATA="$dir/data"
mkdir -m 700 "$COUNTERFOIL_DATA"
unset CURL_CA_BUNDLE

say() { printf '\n== %s\n' "$*"; }
field() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }
started() { # wait until a command in the background has said in JSON that it is ready, or has ended
  for _ in $(seq 1 300); do [ -s "$1" ] && return; kill -0 "$2" 2> /dev/null || break; sleep 0.1; done
  echo "it did not start: $1" >&2; exit 1
}
lab=''; signer=''
trap 'kill $signer $lab 2>/dev/null || true; wait' EXIT

say "1. a laboratory Microsoft 365"
$counterfoil lab --json --data "$dir" > "$dir/lab.json" & lab=$!
started "$dir/lab.json" $lab
ca=$(field "$dir/lab.json" ca); admin=$(field "$dir/lab.json" admin); login=$(field "$dir/lab.json" login)
by_hand() { curl -sS --fail --cacert "$ca" "$admin/lab/$1" -d "$2"; }
by_hand add_tenant '{"name":"contoso","domains":["contoso.example"]}' > "$dir/tenant.json"
by_hand add_mailbox '{"tenant":"contoso.example","address":"heartbeat@contoso.example"}' > /dev/null
by_hand add_mailbox '{"tenant":"contoso.example","address":"alice@contoso.example"}' > /dev/null

say "2. the signer, the only process that can use a private key"
$counterfoil signer --json --authority "${login#https://}" > "$dir/signer.json" & signer=$!
started "$dir/signer.json" $signer

say "3. where Microsoft 365 is (here, in the laboratory), our certificate, and the tenant: its domain, and who takes its mail"
cat > "$dir/counterfoil.toml" <<TOML
[microsoft365]
login = "$login"
graph = "$(field "$dir/lab.json" graph)"
management = "$(field "$dir/lab.json" manage)"
ca = "$ca"
[gateway]
hostname = "gw.counterfoil.example"
tls_certificate = "$dir/gw.pem"
tls_key = "$dir/gw-key.pem"
next_hop_ca = "$ca"
TOML
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -CA "$ca" -CAkey "$(dirname "$ca")/ca-key.pem" \
  -subj /CN=gw.counterfoil.example -addext subjectAltName=DNS:gw.counterfoil.example \
  -keyout "$dir/gw-key.pem" -out "$dir/gw.pem" 2> /dev/null
export COUNTERFOIL_CONFIG="$dir/counterfoil.toml"
$counterfoil tenant add contoso --domain contoso.example --next-hop "localhost:$(field "$dir/lab.json" smtp)"

say "4. what the tenant's administrator is asked to allow"
$counterfoil connection plan contoso --product scan-internal --product watch --gateway gw.counterfoil.example
$counterfoil connection plan contoso --product scan-internal --product watch --gateway gw.counterfoil.example \
  --html > "$dir/plan.html"

say "5. the administrator registers the application, consents, and closes the back door"
by_hand add_application '{"tenant":"contoso.example","name":"Counterfoil","roles":
  ["Mail.Read","AuditLog.Read.All","ActivityFeed.Read","Application.Read.All"]}' > "$dir/application.json"
by_hand add_connector '{"tenant":"contoso.example","name":"Counterfoil","certificate_name":"gw.counterfoil.example"}' \
  > /dev/null

say "6. the connection, with a key of its own that never leaves the signer"
$counterfoil connection import contoso --json \
  --tenant-id "$(field "$dir/application.json" tenant)" --app "$(field "$dir/application.json" app_id)" \
  --object-id "$(field "$dir/application.json" object_id)" \
  --principal "$(field "$dir/application.json" service_principal)" \
  --role Mail.Read --role AuditLog.Read.All --role ActivityFeed.Read --role Application.Read.All > "$dir/import.json"
python3 - "$dir" > "$dir/key.json" <<'PYTHON'
import json, pathlib, sys
at = pathlib.Path(sys.argv[1])
read = lambda name: json.loads((at / name).read_text())
print(json.dumps({"app_id": read("application.json")["app_id"], "certificate_pem": read("import.json")["certificate"]}))
PYTHON

say "7. the administrator uploads its certificate"
by_hand admin_add_key "@$dir/key.json" > /dev/null

say "8. does it work, and is it neither more nor less than planned?"
$counterfoil connection test contoso --product scan-internal --product watch
$counterfoil connection list

say "9. the tenant's own logs, and what the doctor says; it tries the back door with one real message"
$counterfoil connection pull contoso
$counterfoil doctor

say "connected in $(($(date +%s) - began)) seconds; everything is in $dir"
