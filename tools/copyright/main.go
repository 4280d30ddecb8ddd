// Command copyright prints a package's debian/copyright (DEP-5): the project's own licence, Go's, and that of every
// module that is linked into a program, as it stands in the module's own folder.
//
//	copyright -root .. ./cmd/kioskd
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// module is what Go says of one.
type module struct {
	Path, Version, Dir string
	Main               bool
}

func main() {
	root := flag.String("root", ".", "the `FOLDER` of the module that the program is in")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "copyright: name one program, such as ./cmd/kioskd")
		os.Exit(2)
	}
	out := bufio.NewWriter(os.Stdout)
	err := write(out, *root, flag.Arg(0))
	if err := cmp.Or(err, out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "copyright:", err)
		os.Exit(1)
	}
}

func write(w io.Writer, root, program string) error {
	modules, goRoot, err := linked(root, program)
	if err != nil {
		return err
	}
	fmt.Fprint(w, `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: kioskd
Comment: The program holds all that is named here. A module is named by its
 path, its sources are at https://pkg.go.dev/PATH@VERSION.

Files: *
Copyright: the authors of kioskd
License: Apache-2.0
`)
	if err := paragraph(w, module{Path: "Go", Version: "its runtime and library", Dir: goRoot}); err != nil {
		return err
	}
	for _, m := range modules {
		if err := paragraph(w, m); err != nil {
			return err
		}
	}
	_, err = fmt.Fprint(w, "\nLicense: Apache-2.0\n On Debian its text is in /usr/share/common-licenses/Apache-2.0.\n")
	return err
}

// linked is every module that gets into a program, sorted, and where Go itself is.
func linked(root, program string) (modules []module, goRoot string, err error) {
	list := exec.Command("go", "list", "-deps", "-json=Module", program)
	list.Dir, list.Stderr = root, os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, "", fmt.Errorf("go list %s: %w", program, err)
	}
	found := map[string]module{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ Module *module }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, "", fmt.Errorf("go list %s: %w", program, err)
		}
		if p.Module != nil && !p.Module.Main {
			found[p.Module.Path] = *p.Module
		}
	}
	env, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, "", fmt.Errorf("go env: %w", err)
	}
	for _, path := range slices.Sorted(maps.Keys(found)) {
		modules = append(modules, found[path])
	}
	return modules, strings.TrimSpace(string(env)), nil
}

// file is the name of one that says what a module may be used for; what is for a logo alone is not linked.
var file = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-._].*)?$`)

// paragraph writes what one module says about itself, all of it: what is left out could be what matters.
func paragraph(w io.Writer, m module) error {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	var texts, names []string
	for _, e := range entries {
		if e.IsDir() || !file.MatchString(e.Name()) || strings.HasSuffix(e.Name(), "-LOGO") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		names = append(names, kinds(string(text))...)
		texts = append(texts, string(text))
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: no file in %s has a licence that kinds in tools/copyright knows: read it, and name it there",
			m.Path, m.Dir)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	all := strings.Join(texts, "\n")
	fmt.Fprintf(w, "\nFiles: %s\nComment: %s\nCopyright: %s\nLicense: %s\n", m.Path+"/*", m.Version, holders(all),
		strings.Join(names, " and "))
	if len(texts) == 1 && common(texts[0]) {
		return nil // the text stands once, at the end
	}
	for _, text := range texts {
		text = apacheTerms.ReplaceAllString(text, "On Debian the Apache License is in "+
			"/usr/share/common-licenses/Apache-2.0.")
		for line := range strings.Lines(text) {
			line = strings.Map(printable, strings.TrimRight(line, " \t\r\n"))
			fmt.Fprintln(w, " "+cmp.Or(line, "."))
		}
	}
	return nil
}

func printable(r rune) rune {
	if r < ' ' && r != '\t' {
		return -1 // a page break
	}
	return r
}

// kinds are the short names, as Debian writes them, of the licences in a text; none in one that is a list of names.
func kinds(text string) (names []string) {
	text = strings.Join(strings.Fields(text), " ")
	for _, k := range []struct{ mark, name string }{
		{"Apache License Version 2.0", apache},
		{"Mozilla Public License", "MPL-2.0"},
		{"Permission to use, copy, modify, and/or distribute", "ISC"},
		{"Permission is hereby granted, free of charge, to any person obtaining a copy", "Expat"},
		{"author disclaims copyright to this source code", "public-domain"},
	} {
		if strings.Contains(text, k.mark) {
			names = append(names, k.name)
		}
	}
	if strings.Contains(text, "Redistribution and use in source and binary forms") {
		if strings.Contains(text, "endorse or promote") {
			return append(names, "BSD-3-clause")
		}
		return append(names, "BSD-2-clause")
	}
	return names
}

const apache = "Apache-2.0"

var apacheTerms = regexp.MustCompile(`(?s)[ \t]*Apache License\s+Version 2\.0.*?END OF TERMS AND CONDITIONS`)

// common says whether a text is nothing but the licence that every Debian has.
func common(text string) bool { return slices.Equal(kinds(text), []string{apache}) }

var copyrightLine = regexp.MustCompile(`(?im)^\W*(copyright (\(c\)|©|\d).*)$`)

// holders are who say that it is theirs.
func holders(text string) string {
	var who []string
	for _, m := range copyrightLine.FindAllStringSubmatch(text, -1) {
		if h := strings.TrimSpace(m[1]); !slices.Contains(who, h) {
			who = append(who, h)
		}
	}
	return cmp.Or(strings.Join(who, "\n "), "its authors")
}
