package config

import "path/filepath"

// port reads the name of a serial port, or a pattern of one.
func (t *table) port(key string, to *string, r rule) {
	t.text(key, to, r)
	t.alone(key, *to)
}

// alone notes that a serial port is used, which nothing else may: by the same name, or by a pattern that fits it.
func (t *table) alone(key, device string) {
	if device == "" {
		return
	}
	for _, first := range t.doc.ports {
		if onePort(first.device, device) {
			t.fail(key, "%s is %s in line %d already: every board needs a port of its own (ls -l /dev/serial/by-id)",
				quote(device), first.key, first.line)
			return
		}
	}
	t.doc.ports = append(t.doc.ports, usedPort{place{dotted(t.path, key), t.lineOf(key)}, device})
}

// onePort reports whether two names or patterns can be read to mean one port. Links are not followed: the file may be
// checked on another computer.
func onePort(a, b string) bool {
	a, b = filepath.Clean(a), filepath.Clean(b)
	fits, _ := filepath.Match(a, b)
	back, _ := filepath.Match(b, a)
	return a == b || fits || back
}
