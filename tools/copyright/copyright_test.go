package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	bsd = "Redistribution and use in source and binary\nforms, with or without: may not endorse or promote products"
	mit = "Copyright (c) 2020 Ada\n\nPermission is hereby granted, free of charge, to any person obtaining a copy"
)

func TestAllLicencesInOneFileAreNamed(t *testing.T) {
	if got := kinds(bsd + "\n\n" + mit + "\n  Apache License\n  Version 2.0"); !slices.Equal(got,
		[]string{apache, "Expat", "BSD-3-clause"}) {
		t.Errorf("got %q", got)
	}
}

func TestALicenceThatNobodyHasReadGetsIntoNoPackage(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("LICENSE", "All rights are ours.")
	m := module{Path: "example.com/ours", Version: "v1.0.0", Dir: dir}
	if err := paragraph(io.Discard, m); err == nil || !strings.Contains(err.Error(), "example.com/ours") {
		t.Errorf("it was taken, or refused without its name: %v", err)
	}
	write("LICENSE.MIT", mit)
	var out strings.Builder
	if err := paragraph(&out, m); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"All rights are ours.", "Copyright: Copyright (c) 2020 Ada\n", "License: Expat\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
