package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// mutant is one small mistake: the bytes from start to end of a file are replaced.
type mutant struct {
	File   string `json:"file"` // as the module's root sees it
	Line   int    `json:"line"`
	Func   string `json:"func,omitempty"` // that it stands in
	Change string `json:"change"`         // for a reader

	path       string // absolute
	start, end int
	text       string
	body       *body // that it stands in; nil: in none
}

// apply gives the file with the mistake.
func (m mutant) apply(source []byte) []byte {
	return slices.Concat(source[:m.start], []byte(m.text), source[m.end:])
}

// finder lists a file's mutants, in the order of the source.
type finder struct {
	fset    *token.FileSet
	source  []byte
	name    string // as it is shown
	path    string
	inFunc  string
	body    *body
	results *ast.FieldList // of the function that a return belongs to
	found   []mutant
}

// mutants are all possible mistakes of one file.
func mutants(name, path string, source []byte) ([]mutant, error) {
	f := &finder{fset: token.NewFileSet(), source: source, name: name, path: path}
	tree, err := parser.ParseFile(f.fset, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			f.inFunc, f.body, f.results = "", nil, nil
			f.walk(d)
			continue
		}
		if fn.Body != nil {
			f.inFunc, f.body, f.results = funcName(fn), f.bodyOf(fn), fn.Type.Results
			f.walk(fn.Body)
		}
	}
	return f.found, nil
}

func (f *finder) bodyOf(fn *ast.FuncDecl) *body {
	b := &body{open: f.fset.Position(fn.Body.Lbrace).Offset + 1, shut: f.fset.Position(fn.Body.Rbrace).Offset}
	if r := fn.Type.Results; r != nil && len(r.List) > 0 {
		b.results = f.text(r)
	}
	return b
}

func funcName(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	t := fn.Recv.List[0].Type
	if p, ok := t.(*ast.StarExpr); ok {
		t = p.X
	}
	if i, ok := t.(*ast.IndexExpr); ok {
		t = i.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name + "." + fn.Name.Name
	}
	return fn.Name.Name
}

// walk visits a tree. A part that was dealt with as a whole is not gone into again.
func (f *finder) walk(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.FuncLit: // its returns are its own
			outer := f.results
			f.results = n.Type.Results
			f.walk(n.Body)
			f.results = outer
			return false
		case *ast.IfStmt:
			f.negate(n.Cond)
		case *ast.ForStmt:
			f.negate(n.Cond)
		case *ast.SwitchStmt:
			f.cases(n)
		case *ast.BlockStmt:
			f.drop(n.List)
		case *ast.CaseClause:
			f.drop(n.Body)
		case *ast.CommClause:
			f.drop(n.Body)
		case *ast.ReturnStmt:
			f.returned(n)
		case *ast.BinaryExpr:
			return f.binary(n)
		case *ast.BasicLit:
			f.number(n)
		case *ast.SelectorExpr:
			return f.unit(n)
		}
		return true
	})
}

func (f *finder) text(n ast.Node) string {
	start, end := f.offsets(n)
	return string(f.source[start:end])
}

func (f *finder) offsets(n ast.Node) (start, end int) {
	return f.fset.Position(n.Pos()).Offset, f.fset.Position(n.End()).Offset
}

// add lists one mistake in the place of n.
func (f *finder) add(n ast.Node, text, change string) {
	start, end := f.offsets(n)
	f.addAt(start, end, text, change)
}

func (f *finder) addAt(start, end int, text, change string) {
	line := 1 + bytes.Count(f.source[:start], []byte("\n"))
	f.found = append(f.found, mutant{f.name, line, f.inFunc, change, f.path, start, end, text, f.body})
}

// replace is add with a change that shows both texts.
func (f *finder) replace(n ast.Node, text string) {
	f.add(n, text, fmt.Sprintf("%s → %s", short(f.text(n)), short(text)))
}

// short is a text on one line that is not too long for it.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 90 {
		s = string(r[:89]) + "…"
	}
	return s
}

func (f *finder) negate(cond ast.Expr) {
	if cond != nil {
		f.replace(cond, "!("+f.text(cond)+")")
	}
}

// cases negates the conditions of a switch that has no tag.
func (f *finder) cases(n *ast.SwitchStmt) {
	if n.Tag != nil {
		return
	}
	for _, s := range n.Body.List {
		for _, cond := range s.(*ast.CaseClause).List {
			f.negate(cond)
		}
	}
}

// swapped are the operators that are taken for one another.
var swapped = map[token.Token]token.Token{
	token.LAND: token.LOR, token.LOR: token.LAND,
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.ADD: token.SUB, token.SUB: token.ADD,
}

// binary swaps an operator. It reports whether the operands are to be looked at.
func (f *finder) binary(n *ast.BinaryExpr) bool {
	if other, ok := swapped[n.Op]; ok {
		at := f.fset.Position(n.OpPos).Offset
		change := fmt.Sprintf("%s → %s in %s", n.Op, other, short(f.text(n)))
		f.addAt(at, at+len(n.Op.String()), other.String(), change)
	}
	if n.Op == token.MUL && (unitOf(n.X) != "" || unitOf(n.Y) != "") {
		f.quantity(n) // 50 * time.Millisecond is one duration
		return false
	}
	return true
}

// unitOf is a duration's unit, like "Second", or "".
func unitOf(e ast.Expr) string {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if p, ok := s.X.(*ast.Ident); !ok || p.Name != "time" {
		return ""
	}
	switch s.Sel.Name {
	case "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour":
		return s.Sel.Name
	}
	return ""
}

// quantity quarters a duration, and makes it none.
func (f *finder) quantity(n ast.Expr) {
	f.replace(n, "("+f.text(n)+" / 4)")
	f.replace(n, "(0 * "+f.text(n)+")")
}

// unit is a duration that has no number, like time.Minute.
func (f *finder) unit(n *ast.SelectorExpr) bool {
	if unitOf(n) != "" {
		f.quantity(n)
		return false
	}
	return true
}

// number changes an integer.
func (f *finder) number(n *ast.BasicLit) {
	if n.Kind != token.INT {
		return
	}
	v, err := strconv.ParseInt(n.Value, 0, 64)
	if err != nil || v == 1<<63-1 {
		return
	}
	f.replace(n, strconv.FormatInt(v+1, 10))
	if v != 0 {
		f.replace(n, "0")
	}
	if v >= 8 {
		f.replace(n, strconv.FormatInt(v/4, 10))
	}
}

// drop has statements not carried out, one at a time. They stay for the compiler, for what they alone use.
func (f *finder) drop(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); !ok || logs(call) {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE || blank(s.Lhs) {
				continue
			}
		case *ast.ReturnStmt:
			if len(s.Results) > 0 {
				continue
			}
		case *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt, *ast.BranchStmt:
		default:
			continue
		}
		f.add(s, "if false { "+f.text(s)+" }", "not done: "+short(f.text(s)))
	}
}

// logs reports whether a call writes a line of the log: a chain that ends as zerolog's do.
func logs(call *ast.CallExpr) bool {
	s, ok := call.Fun.(*ast.SelectorExpr)
	return ok && (s.Sel.Name == "Msg" || s.Sel.Name == "Msgf" || s.Sel.Name == "Send")
}

func blank(list []ast.Expr) bool {
	return !slices.ContainsFunc(list, func(e ast.Expr) bool { id, ok := e.(*ast.Ident); return !ok || id.Name != "_" })
}

// returned changes each result that a return names: nil, nothing, or the opposite.
func (f *finder) returned(n *ast.ReturnStmt) {
	types := flat(f.results)
	if len(types) != len(n.Results) {
		return // a call with several results, or none
	}
	for i, r := range n.Results {
		if other := otherResult(types[i], f.text(r)); other != "" && other != f.text(r) {
			f.replace(r, other)
		}
	}
}

// flat are the types of a function's results, one for each.
func flat(fields *ast.FieldList) (types []ast.Expr) {
	if fields == nil {
		return nil
	}
	for _, field := range fields.List {
		for range max(1, len(field.Names)) {
			types = append(types, field.Type)
		}
	}
	return types
}

// otherResult is what is returned in the place of a result, or "".
func otherResult(t ast.Expr, was string) string {
	switch t := t.(type) {
	case *ast.StarExpr, *ast.MapType, *ast.FuncType, *ast.ChanType, *ast.InterfaceType:
		return "nil"
	case *ast.ArrayType:
		if t.Len == nil {
			return "nil"
		}
	case *ast.Ident:
		switch t.Name {
		case "error", "any":
			return "nil"
		case "bool":
			return map[string]string{"true": "false", "false": "true"}[was] + opposite(was)
		case "string":
			return `""`
		}
	}
	return ""
}

func opposite(was string) string {
	if was == "true" || was == "false" {
		return ""
	}
	return "!(" + was + ")"
}
