#!/bin/bash
# cluster.sh DIR COMMAND...   (root)
#
# Starts a Kubernetes of one node from the programs in DIR/bin and the images in DIR/images, in network, process and
# mount namespaces of its own, and runs COMMAND inside with KUBECONFIG set. Everything ends with COMMAND.
#
#   DIR/bin     kube-apiserver kube-controller-manager kube-scheduler kubelet, containerd 2 with its shim and ctr
#   DIR/images  pause.tar (localhost/pause:1) and worker.tar (localhost/worker:1, a busybox)
#   MORE_IMAGE  one more image, a file; or nothing
#   PATH        etcd kubectl runc openssl ip unshare; CNI plugins in /usr/lib/cni
set -eu
if [ "${INSIDE:-}" != 1 ]; then
	WORK=$(mktemp -d /tmp/k8s-test.XXXXXX)
	code=0
	INSIDE=1 WORK=$WORK unshare --mount --net --pid --fork --mount-proc --kill-child bash "$0" "$@" || code=$?
	sleep 0.5 # the kernel takes the last processes down
	find /sys/fs/cgroup/*/k8s.io -depth -type d -exec rmdir {} + 2>/dev/null || true
	rm -rf "$WORK"
	exit $code
fi

FROM=$PWD BIN=$(realpath "$1/bin") IMAGES=$(realpath "$1/images")
shift
export PATH=$BIN:$PATH KUBECONFIG=$WORK/kubeconfig
mount --make-rprivate /
mkdir -p /var/lib/kubelet /run/lock
for dir in /run /var/log /var/lib/kubelet; do mount -t tmpfs tmpfs "$dir"; done
# The kubelet writes four settings of the whole machine: it finds them as it wants them.
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1; do
	file=$WORK/sysctl.$(echo "${setting%%=*}" | tr / .)
	echo "${setting##*=}" >"$file"
	mount --bind "$file" "/proc/sys/${setting%%=*}"
done
cd "$WORK"
ip link set lo up
ip link add knode type bridge
ip addr add 10.94.0.1/24 dev knode
ip link set knode up
openssl genrsa -out sa.key 2048 2>/dev/null
openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
echo 'admintoken,admin,admin,"system:masters"
limitedtoken,limited,limited' >tokens.csv

kubeconfig() { # TOKEN
	cat <<-END
		apiVersion: v1
		kind: Config
		clusters: [{name: k, cluster: {server: "https://127.0.0.1:6443", certificate-authority: $WORK/apicerts/apiserver.crt}}]
		users: [{name: u, user: {token: $1}}]
		contexts: [{name: c, context: {cluster: k, user: u, namespace: default}}]
		current-context: c
	END
}
kubeconfig admintoken >kubeconfig
kubeconfig limitedtoken >kubeconfig-limited

mkdir cni
cat >cni/10-bridge.conflist <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true,
 "isDefaultGateway": true, "ipMasq": false, "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.93.0.0/24"}]],
 "dataDir": "$WORK/cnidata"}}]}
END
cat >containerd.toml <<END
version = 2
root = "$WORK/containerd"
state = "/run/containerd"
[grpc]
  address = "$WORK/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$WORK/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
END
# Log files are small and looked at often: tests want to see them rotate.
cat >kubelet.yaml <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 10.94.0.1
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
containerRuntimeEndpoint: unix://$WORK/containerd.sock
containerLogMaxSize: ${LOG_MAX_SIZE:-8Mi}
containerLogMonitorInterval: 3s
evictionHard: {imagefs.available: "0%", nodefs.available: "0%", memory.available: "1Mi", nodefs.inodesFree: "0%"}
imageGCHighThresholdPercent: 100
oomScoreAdj: 0
readOnlyPort: 0
healthzPort: 0
END

until_true() { # TENTHS COMMAND...
	for _ in $(seq "$1"); do
		if "${@:2}" >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	echo "cluster.sh: never true: ${*:2}" >&2
	tail -n 5 ./*.log >&2
	exit 1
}
node_ready() { kubectl get node node1 | grep -qw Ready && kubectl get serviceaccount default; }

etcd --data-dir etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
	--listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
	--initial-cluster default=http://127.0.0.1:2380 --unsafe-no-fsync >etcd.log 2>&1 &
kube-apiserver --etcd-servers=http://127.0.0.1:2379 --bind-address=127.0.0.1 --advertise-address=10.94.0.1 \
	--endpoint-reconciler-type=none --cert-dir=apicerts --service-account-issuer=https://kubernetes.default.svc \
	--service-account-signing-key-file=sa.key --service-account-key-file=sa.pub --token-auth-file=tokens.csv \
	--authorization-mode=RBAC --service-cluster-ip-range=10.95.0.0/16 \
	--kubelet-preferred-address-types=InternalIP >apiserver.log 2>&1 &
containerd -c containerd.toml >containerd.log 2>&1 &
until_true 900 kubectl get --raw /readyz
until_true 300 ctr -a "$WORK/containerd.sock" version
kube-controller-manager --kubeconfig=kubeconfig --service-account-private-key-file=sa.key \
	--root-ca-file=apicerts/apiserver.crt --leader-elect=false --bind-address=127.0.0.1 >controllers.log 2>&1 &
kube-scheduler --kubeconfig=kubeconfig --leader-elect=false --bind-address=127.0.0.1 >scheduler.log 2>&1 &
for image in "$IMAGES"/*.tar ${MORE_IMAGE:+"$MORE_IMAGE"}; do
	ctr -a "$WORK/containerd.sock" -n k8s.io images import "$image" >>import.log 2>&1
done
kubelet --config=kubelet.yaml --kubeconfig=kubeconfig --root-dir=/var/lib/kubelet --cert-dir="$WORK/pki" \
	--hostname-override=node1 --node-ip=10.94.0.1 >kubelet.log 2>&1 &
until_true 900 node_ready

code=0
(cd "$FROM" && "$@") || code=$?
if [ -n "${KEEP_LOGS:-}" ]; then cp ./*.log "$KEEP_LOGS"; fi
kubectl delete pods -A --all --now --wait=true --timeout=30s >/dev/null 2>&1 || true
exit $code
