package arch

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// stateless actors have nothing to say of themselves: their children are in the tree.
// The guard answers for others.
var stateless = []string{
	"actors/node.root", "actors/links.links", "actors/services.services", "actors/control.control",
	"actors/inspect.desk", "actors/inspect/web.family", "actors/supervise.guarded",
}

// Every actor with a state describes it to people.
func TestActorsDescribeThemselves(t *testing.T) {
	all, err := readSources(root)
	if err != nil {
		t.Fatal(err)
	}
	receives, describes := methods(all, "Receive"), methods(all, "Describe")
	if len(receives) < 20 {
		t.Fatalf("only %d actors found", len(receives))
	}
	for _, a := range receives {
		if slices.Contains(describes, a) == slices.Contains(stateless, a) {
			t.Errorf("%s: describes itself %v, is listed as stateless %v", a, slices.Contains(describes, a), slices.Contains(stateless, a))
		}
	}
}

func takesContext(f *ast.FuncDecl) bool {
	if len(f.Type.Params.List) != 1 {
		return false
	}
	s, ok := f.Type.Params.List[0].Type.(*ast.SelectorExpr)
	return ok && isName(s.X, "actor") && s.Sel.Name == "Context"
}

// methods are the types below actors that have one, as package.type.
func methods(all []source, name string) []string {
	var types []string
	for _, s := range all {
		if s.isTest() || !strings.HasPrefix(s.path, "actors/") {
			continue
		}
		for _, d := range s.tree.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != name || name == "Receive" && !takesContext(f) {
				continue
			}
			if p, ok := f.Recv.List[0].Type.(*ast.StarExpr); ok {
				if id, ok := p.X.(*ast.Ident); ok {
					types = append(types, path.Dir(s.path)+"."+id.Name)
				}
			}
		}
	}
	return types
}
