package pod

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/shlex"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Worker is the name of the container that does the work.
const Worker = "worker"

// Labels of every pod, by which a node finds its own. The annotations have the
// exact texts: a label can't hold every node ID.
const (
	LabelNode = "receptor/node"
	LabelUnit = "receptor/unit"
)

// Want describes the pod of a unit.
type Want struct {
	WorkType, NodeID, UnitID string
	Image, Command, Params   string
	Text                     string // a pod definition, YAML or JSON, instead of the three before
	Namespace                string // unless Text has one
	CheckInput               bool   // have the pod count its input before the command starts
	InputSize                int64
	Env                      map[string]string // for the worker
}

// Build makes the pod, still without a name, and what its name begins with.
func Build(w Want) (*corev1.Pod, string, error) {
	p, err := w.pod()
	if err != nil {
		return nil, "", err
	}
	i := slices.IndexFunc(p.Spec.Containers, func(c corev1.Container) bool { return c.Name == Worker })
	if i < 0 {
		return nil, "", errors.New("at least one container must be named worker")
	}
	c := &p.Spec.Containers[i]
	c.Stdin, c.StdinOnce = true, true
	for _, name := range slices.Sorted(maps.Keys(w.Env)) {
		c.Env = slices.DeleteFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == name })
		c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: w.Env[name]})
	}
	if w.CheckInput {
		if err := checkInput(c, w.InputSize); err != nil {
			return nil, "", err
		}
	}
	p.Spec.RestartPolicy = corev1.RestartPolicyNever
	base := p.Name
	if base == "" {
		base = strings.ToLower(w.WorkType)
	}
	p.Name, p.GenerateName = "", ""
	if p.Namespace == "" {
		p.Namespace = w.Namespace
	}
	if p.Labels == nil {
		p.Labels = map[string]string{}
	}
	p.Labels[LabelNode], p.Labels[LabelUnit] = LabelValue(w.NodeID), w.UnitID
	if p.Annotations == nil {
		p.Annotations = map[string]string{}
	}
	p.Annotations[LabelNode] = w.NodeID
	return p, base + "-", nil
}

func (w Want) pod() (*corev1.Pod, error) {
	if w.Text != "" {
		return parse(w.Text)
	}
	command, err := split("command", w.Command)
	if err != nil {
		return nil, err
	}
	args, err := split("params", w.Params)
	if err != nil {
		return nil, err
	}
	return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: Worker, Image: w.Image, Command: command, Args: args,
		// The end of a failed command's output becomes part of the reason.
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}}}}, nil
}

func split(what, text string) ([]string, error) {
	words, err := shlex.Split(text)
	if err != nil {
		return nil, fmt.Errorf("%s of the pod: %w", what, err)
	}
	if len(words) == 0 {
		return nil, nil
	}
	return words, nil
}

// parse takes metadata and spec of a definition, and nothing else.
func parse(text string) (*corev1.Pod, error) {
	var given corev1.Pod
	if err := yaml.Unmarshal([]byte(text), &given); err != nil {
		return nil, fmt.Errorf("pod definition can't be read: %w", err)
	}
	if given.Kind != "Pod" || given.APIVersion != "v1" {
		return nil, fmt.Errorf("pod definition is a %q of version %q: a Pod of v1 is wanted", given.Kind, given.APIVersion)
	}
	p := &corev1.Pod{Spec: given.Spec}
	p.ObjectMeta = metav1.ObjectMeta{
		Name: given.Name, Namespace: given.Namespace, Labels: given.Labels, Annotations: given.Annotations,
		Finalizers: given.Finalizers, OwnerReferences: given.OwnerReferences,
	}
	return p, nil
}

// ExitInput is the exit code of a worker that got only a part of its input.
const ExitInput = 125

// checkScript takes the whole input, counts it, and starts the command only then. Its
// arguments are the size and the command.
const checkScript = `n=$1
shift
for d in "${TMPDIR:-/tmp}" /var/tmp /dev/shm; do
	f=$(mktemp "$d/input.XXXXXX" 2>/dev/null) && break
done
head -c "$n" >"$f" || exit 125
got=$(wc -c <"$f")
if [ "$got" -ne "$n" ]; then
	echo "only" $got "of $n bytes of the input arrived; the command was not started" >/dev/termination-log
	exit 125
fi
exec 3<"$f"
rm -f "$f"
exec "$@" <&3 3<&-`

// checkInput has a shell count the input: some container runtimes lose the end of it
// and close it as if all were well.
func checkInput(c *corev1.Container, size int64) error {
	if len(c.Command) == 0 {
		return errors.New("checkinput needs the command of the pod's worker: the one of the image is not known here")
	}
	words := []string{"/bin/sh", "-c", checkScript, "receptor", strconv.FormatInt(size, 10)}
	c.Command, c.Args = slices.Concat(words, c.Command, c.Args), nil
	c.TerminationMessagePath = ""
	return nil
}

const (
	maxName     = 63 // a pod's name is its host name, too
	nameSuffix  = 5
	nameLetters = "bcdfghjklmnpqrstvwxz2456789" // no words
)

// Name is a new name that begins with base.
func Name(base string, random io.Reader) (string, error) {
	var seed [nameSuffix]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return "", err
	}
	for i, b := range seed {
		seed[i] = nameLetters[int(b)%len(nameLetters)]
	}
	return base[:min(len(base), maxName-nameSuffix)] + string(seed[:]), nil
}
