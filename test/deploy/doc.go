// Package deploy tries what is under deploy for real: containers with podman,
// packages with dpkg and rpm, units with systemd-analyze, and every configuration
// that is shipped. "make test-deploy" makes what the tests take: in the folder
// RECEPTOR_DEPLOY the programs (bin), the root folder of the container image
// (bin/image) and the packages (dist). What a machine can't do is skipped, and said.
package deploy
