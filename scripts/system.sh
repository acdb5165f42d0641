#!/usr/bin/env bash
# Programs from the system's own packages: installed where we may, named where we may not.
set -euo pipefail

missing=()
command -v rsync > /dev/null || missing+=(rsync)
command -v docker-registry > /dev/null || missing+=(docker-registry)
command -v chromium > /dev/null || command -v chromium-browser > /dev/null || missing+=(chromium)
command -v openssl > /dev/null || missing+=(openssl)
# Debian keeps the server's programs off PATH.
compgen -G "/usr/lib/postgresql/*/bin/initdb" > /dev/null || missing+=(postgresql)
command -v java > /dev/null || missing+=(default-jre-headless)
command -v promtool > /dev/null || missing+=(prometheus)
command -v prometheus-pushgateway > /dev/null || missing+=(prometheus-pushgateway)
command -v prometheus-node-exporter > /dev/null || missing+=(prometheus-node-exporter)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
else
  echo "missing: ${missing[*]}. On Debian: apt-get install ${missing[*]}" >&2
  exit 1
fi
