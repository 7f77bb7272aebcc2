package pod

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const podText = `
apiVersion: v1
kind: Pod
metadata:
  name: automation-job-7
  namespace: podns
  labels: {app: x}
spec:
  restartPolicy: Always
  containers:
  - name: side
    image: s
  - name: worker
    image: w
    args: [ansible-runner, worker]
`

func TestPodOfImage(t *testing.T) {
	p, base, err := Build(Want{
		WorkType: "KubeA", NodeID: "kk", UnitID: "BAm5F0eg", Image: "img", Command: "cmd -x", Params: "p1 'p 2'", Namespace: "myns",
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Spec.Containers[0].TerminationMessagePolicy = ""
	spec, err := json.Marshal(p.Spec)
	const want = `{"containers":[{"name":"worker","image":"img","command":["cmd","-x"],"args":["p1","p 2"],"resources":{},"stdin":true,"stdinOnce":true}],"restartPolicy":"Never"}`
	if err != nil || string(spec) != want {
		t.Errorf("got  %s\nwant %s", spec, want)
	}
	if base != "kubea-" || p.Namespace != "myns" || p.Labels[LabelNode] != "kk" || p.Labels[LabelUnit] != "BAm5F0eg" || p.Annotations[LabelNode] != "kk" {
		t.Errorf("%s %+v", base, p.ObjectMeta)
	}
}

func TestPodOfText(t *testing.T) {
	p, base, err := Build(Want{WorkType: "k", NodeID: "n", UnitID: "u", Text: podText, Namespace: "other", Env: map[string]string{"A": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if base != "automation-job-7-" || p.Name != "" || p.Namespace != "podns" || p.Labels["app"] != "x" || p.Labels[LabelUnit] != "u" {
		t.Errorf("%s %+v", base, p.ObjectMeta)
	}
	side, worker := p.Spec.Containers[0], p.Spec.Containers[1]
	if p.Spec.RestartPolicy != "Never" || side.Stdin || !worker.Stdin || !worker.StdinOnce || len(side.Env) != 0 || worker.Env[0].Value != "b" {
		t.Errorf("%+v", p.Spec)
	}
}

func TestPodsThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		"apiVersion: v1\nkind: Pod\nspec: {containers: [{name: x}]}": "at least one container must be named worker",
		"apiVersion: v1\nkind: Job":                                  "pod definition is a \"Job\"",
		"a: [":                                                       "pod definition can't be read",
	} {
		if _, _, err := Build(Want{Text: text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, _, err := Build(Want{Image: "i", Params: "'open"}); err == nil || !strings.Contains(err.Error(), "params of the pod") {
		t.Error(err)
	}
	if _, _, err := Build(Want{Image: "i", CheckInput: true}); err == nil || !strings.Contains(err.Error(), "checkinput needs the command") {
		t.Error(err)
	}
}

// The script is run by a real shell: it starts the command with all of its input, or
// not at all.
func TestInputIsCounted(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no sh")
	}
	for input, want := range map[string]int{"0123456789": 0, "01234567": ExitInput, "": ExitInput, "0123456789more": 0} {
		p, _, err := Build(Want{WorkType: "k", Image: "i", Command: "cat -", Params: "-u", CheckInput: true, InputSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		words := slices.Concat(p.Spec.Containers[0].Command, p.Spec.Containers[0].Args)
		words[2] = strings.ReplaceAll(words[2], "/dev/termination-log", "&2")
		var out, complaint bytes.Buffer
		cmd := exec.Command("sh", words[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &complaint
		err = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Errorf("%q: exit code %d, %v, %s", input, code, err, &complaint)
		}
		if want == 0 && out.String() != "0123456789" || want != 0 && (out.Len() > 0 || !strings.Contains(complaint.String(), "of 10 bytes")) {
			t.Errorf("%q: output %q, %s", input, &out, &complaint)
		}
	}
}

func TestNames(t *testing.T) {
	name, err := Name(strings.Repeat("x", 80)+"-", bytes.NewReader([]byte{0, 1, 2, 3, 255}))
	if want := strings.Repeat("x", 58) + "bcdfq"; err != nil || name != want {
		t.Errorf("%s, %v, want %s", name, err, want)
	}
}

func TestLabelsOfNodes(t *testing.T) {
	seen := map[string]string{}
	for _, id := range []string{
		"foo", "foo.bar-1_2", "-foo", "foo-", "a b", "a_b", "a/b", "", "äöü", "...", strings.Repeat("x", 63), strings.Repeat("x", 64), strings.Repeat("x", 65),
	} {
		value := LabelValue(id)
		if len(value) > maxLabel || !alnum(rune(value[0])) || !alnum(rune(value[len(value)-1])) {
			t.Errorf("%q: %q is no label", id, value)
		}
		if other, ok := seen[value]; ok {
			t.Errorf("%q and %q have the same label", id, other)
		}
		seen[value] = id
	}
	if LabelValue("foo.bar-1_2") != "foo.bar-1_2" {
		t.Error("a name that fits was changed")
	}
}
