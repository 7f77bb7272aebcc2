#!/bin/sh
set -e
# "upgrade" (deb) and 1 (rpm) come before the next version, not before the end.
case "${1:-}" in
upgrade | 1) exit 0 ;;
esac
if [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then
	systemctl disable --now receptor.service 2>/dev/null || true # it may not be enabled
fi
