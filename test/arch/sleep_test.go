package arch

import (
	"go/ast"
	"regexp"
)

// fakeClock is how a helper says that it is only called where sleeping is free.
var fakeClock = regexp.MustCompile(`(?i)\bbubble\b|fake (clock|time)`)

// sleeps finds tests that let real time pass and hope. Sleeping is fine
//
//	in a bubble                 probe.Bubble(..., func...), synctest.Test(..., func...)
//	between two looks           in a for loop, which polls
//	in a helper for a bubble    its comment says so ("fake clock", "bubble")
func sleeps(s source) []string {
	if !s.isTest() {
		return nil
	}
	var found []string
	for _, decl := range s.tree.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && fakeClock.MatchString(f.Doc.Text()) {
			continue
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ForStmt, *ast.RangeStmt:
				return false
			case *ast.CallExpr:
				if isBubble(n) {
					return false
				}
				if isCall(n, "time", "Sleep") {
					found = append(found, s.at(n.Pos())+": sleeps in real time; poll with a deadline")
				}
			}
			return true
		})
	}
	return found
}

func isBubble(call *ast.CallExpr) bool {
	return isCall(call, "probe", "Bubble") || isCall(call, "synctest", "Test") || isName(call.Fun, "Bubble")
}

func isCall(call *ast.CallExpr, pkg, name string) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && isName(sel.X, pkg) && sel.Sel.Name == name
}
