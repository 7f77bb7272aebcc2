#!/bin/sh
set -e
root=${DPKG_ROOT:-}
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers ${root:+--root="$root"} receptor.conf
fi
group=$(sed -n 's/^receptor:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/group" 2>/dev/null || true)
if [ -n "$group" ]; then
	chgrp "$group" "$root/etc/receptor/receptor.conf"
fi
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
