package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// source is one file of this module that somebody wrote.
type source struct {
	path  string // from the root of the module
	lines int
	set   *token.FileSet
	tree  *ast.File
}

// readSources parses every Go file of this module but generated ones.
func readSources(root string) ([]source, error) {
	var all []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipFolder(root, path, d)
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".pb.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), string(text))
		all = append(all, s)
		return err
	})
	return all, err
}

// skipFolder leaves out hidden folders, built things and modules of their own.
func skipFolder(root, path string, d fs.DirEntry) error {
	if path == root {
		return nil
	}
	if strings.HasPrefix(d.Name(), ".") || d.Name() == "bin" || d.Name() == "dist" || d.Name() == "testdata" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

func parse(path, text string) (source, error) {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, path, text, parser.ParseComments)
	if err != nil {
		return source{}, fmt.Errorf("parse: %w", err)
	}
	return source{path: path, lines: strings.Count(text, "\n"), set: set, tree: tree}, nil
}

func (s source) at(pos token.Pos) string { return s.set.Position(pos).String() }

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// maxLines is where a file probably tells two stories.
const maxLines = 400

func tooLong(s source) []string {
	if s.lines > maxLines {
		return []string{fmt.Sprintf("%s has %d lines, more than %d", s.path, s.lines, maxLines)}
	}
	return nil
}

var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)

// notes finds comments that put work off.
func notes(s source) []string {
	var found []string
	for _, group := range s.tree.Comments {
		for _, c := range group.List {
			if word := unfinished.FindString(c.Text); word != "" {
				found = append(found, fmt.Sprintf("%s: %s", s.at(c.Pos()), word))
			}
		}
	}
	return found
}

// clock are the functions of package time that read or wait for the clock.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// worldly finds the clock and goroutines in pure code.
func worldly(s source) []string {
	if s.isTest() || !slices.Contains(pure, filepath.ToSlash(filepath.Dir(s.path))) {
		return nil
	}
	var found []string
	ast.Inspect(s.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, s.at(n.Pos())+": starts a goroutine in pure code")
		case *ast.SelectorExpr:
			if isName(n.X, "time") && slices.Contains(clock, n.Sel.Name) {
				found = append(found, s.at(n.Pos())+": time."+n.Sel.Name+" in pure code")
			}
		}
		return true
	})
	return found
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
