package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The README shows commands for many machines and occasions. Those of receptorctl
// run against the node of its file and a neighbour, certificates are made, what
// would start other nodes is checked, and make says what it would do.
func TestReadme(t *testing.T) {
	for _, tool := range []string{"bash", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not on this machine")
		}
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := parse(withFreePorts(t, readme(string(text))))
	if err != nil {
		t.Fatal(err)
	}
	p.files["README.md"] = string(text)
	if len(p.commands) < 30 {
		t.Fatalf("only %d commands", len(p.commands))
	}
	p.commands[0].files = append(p.commands[0].files, "README.md")
	for i := range p.commands {
		p.commands[i].text = prepared(t, p.commands[i].text, root)
	}
	p.commands = append(p.commands, families(string(text))...)
	perform(t, p, "README.md", programs(t))
}

var family = regexp.MustCompile(`(?m)^[├└]── (\w+) `)

// families look for each family of the picture in the tree of the node, and for any
// other one.
func families(text string) []command {
	drawn := family.FindAllStringSubmatch(text, -1)
	list := []command{{text: fmt.Sprintf(`[ "$(receptorctl tree | grep -c '^[├└]── ')" = %d ]`, len(drawn))}}
	for _, m := range drawn {
		list = append(list, command{text: "receptorctl tree | grep '^[├└]── " + m[1] + " '"})
	}
	return list
}

// The README's picture is held against a running node; the others show the same
// families, in the same order.
func TestPicturesShowAllFamilies(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var want []string
	for _, m := range family.FindAllStringSubmatch(read("README.md"), -1) {
		want = append(want, m[1])
	}
	row := regexp.MustCompile(`(?m)^ +router +links .*$`).FindString(read("docs/architecture.md"))
	if got := strings.Fields(row); !slices.Equal(got, want) {
		t.Errorf("docs/architecture.md shows %q, README.md %q", got, want)
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^//\t[├└]── (\w+) `).FindAllStringSubmatch(read("actors/node/doc.go"), -1) {
		got = append(got, m[1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("actors/node/doc.go shows %q, README.md %q", got, want)
	}
}

// nodes are started before the first question to them.
const nodes = "receptor --config foo.yml --debug http=./page.sock --tcp-listener bindaddr=127.0.0.1 port=27399 &\n" +
	"receptor --node id=bar datadir=./data --tcp-peer 127.0.0.1:27399 --control-service --work-command worktype=sha256sum command=sha256sum &\n"

// readme gives the text what a page needs: a name for the file, a place of the
// test's own for the node, and the nodes.
func readme(text string) string {
	text = strings.Replace(text, "```yaml\n", "```yaml foo.yml\n", 1)
	text = strings.ReplaceAll(text, "/tmp/foo.sock", "./foo.sock")
	text = strings.Replace(text, "    id: foo\n", "    id: foo\n    datadir: ./data\n", 1)
	text = strings.Replace(text, "export RECEPTORCTL_SOCKET=", nodes+"export RECEPTORCTL_SOCKET=", 1)
	return strings.Replace(text, "```\nnode  ", "```text\nnode  ", 1)
}

var comment = regexp.MustCompile(`\s+#\s.*$`)

// prepared is a command as the test can run it.
func prepared(t *testing.T, text, root string) string {
	t.Helper()
	text = strings.ReplaceAll(comment.ReplaceAllString(text, ""), "bin/receptor", "receptor")
	_, target, makes := strings.Cut(" "+text, " make")
	switch {
	case makes:
		return fmt.Sprintf("make --dry-run --directory %s %s", quote(root), target)
	case strings.HasSuffix(text, " &"), strings.HasPrefix(text, "export "):
		return text
	case strings.HasPrefix(text, "source "), strings.HasPrefix(text, "receptorctl "):
		return strings.ReplaceAll(text, "UNIT", `"$(receptorctl work list -q | head -n 1)"`)
	case strings.HasPrefix(text, "receptor --cert-"):
		return "yes | " + text + " force=true" // it asks before it signs; a second try is one
	case strings.HasPrefix(text, "receptor "):
		return text + " --check"
	}
	t.Errorf("what is to be done with %q?", text)
	return "false"
}
