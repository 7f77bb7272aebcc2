# Where receptorctl finds the node of this machine.
: "${RECEPTORCTL_SOCKET:=/run/receptor/receptor.sock}"
export RECEPTORCTL_SOCKET
