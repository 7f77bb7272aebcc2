package route

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the answers of the scripts anew")

// A script is stanzas between blank lines; the graph lives on from one to the
// next. Each has commands, ---- and the expected answer:
//
//	link a b 1      both ends report the link
//	report a b 1    one end does
//	cut a b         both ends take it back
//	retract a b     one end does
//	forget a        the row of a is dropped
//	table a         answers with the table of a
//	cyclic [a b]    answers whether there is a ring without these nodes
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { playFile(t, file) })
	}
}

func playFile(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	g := NewGraph()
	var answers []string
	for stanza := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		commands, _, _ := strings.Cut(stanza+"\n", "----\n")
		var out strings.Builder
		for line := range strings.Lines(commands) {
			play(t, g, &out, strings.Fields(strings.Split(line, "#")[0]))
		}
		answers = append(answers, commands+"----\n"+out.String())
	}
	got := strings.Join(answers, "\n")
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != string(text) {
		t.Errorf("answers differ; -rewrite writes them:\n%s", got)
	}
}

func play(t *testing.T, g *Graph, out *strings.Builder, words []string) {
	if len(words) == 0 {
		return
	}
	args := make([]string, 3) // what a command lacks is empty
	copy(args, words[1:])
	switch words[0] {
	case "link":
		report(t, g, args[0], args[1], args[2])
		report(t, g, args[1], args[0], args[2])
	case "report":
		report(t, g, args[0], args[1], args[2])
	case "cut":
		retract(g, args[0], args[1])
		retract(g, args[1], args[0])
	case "retract":
		retract(g, args[0], args[1])
	case "forget":
		g.Remove(args[0])
	case "table":
		show(out, g.Table(args[0]))
	case "cyclic":
		fmt.Fprintln(out, g.Cyclic(func(name string) bool { return slices.Contains(words[1:], name) }))
	default:
		t.Fatalf("unknown command %q", words)
	}
}

func report(t *testing.T, g *Graph, from, to, cost string) {
	c, err := strconv.ParseFloat(cost, 64)
	if err != nil {
		t.Fatal(err)
	}
	row := rowOf(g, from)
	row[to] = c
	g.Set(from, row)
}

func retract(g *Graph, from, to string) {
	row := rowOf(g, from)
	delete(row, to)
	g.Set(from, row)
}

func rowOf(g *Graph, name string) map[string]float64 {
	if n, ok := g.nodes[name]; ok {
		return maps.Clone(n.row)
	}
	return map[string]float64{}
}

func show(out *strings.Builder, t Table) {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(out, "%s via %s cost %v\n", name, t[name].Via, t[name].Cost)
	}
}
