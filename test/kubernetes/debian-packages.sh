#!/usr/bin/env bash
# Installs what test/kubernetes and test/e2e run and Debian has, unless it is there: debian-packages.sh
set -euo pipefail

declare -A package=(
	[ip]=iproute2 [nft]=nftables [conntrack]=conntrack [socat]=socat [runc]=runc [containerd]=containerd [ctr]=containerd
	[/usr/lib/cni/ptp]=containernetworking-plugins [/usr/lib/cni/host-local]=containernetworking-plugins
)
missing=()
for command in "${!package[@]}"; do
	command -v "$command" >/dev/null || missing+=("${package[$command]}")
done
[ ${#missing[@]} = 0 ] && exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

echo "installing Debian's ${missing[*]}"
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; }; then
	echo "make e2e needs ${missing[*]}, which could not be installed"
	echo "  try: apt-get install ${missing[*]}"
	exit 1
fi >&2
