// Package monitoring holds the files that watch a fleet with other people's programs: alert rules for Prometheus and a
// dashboard for Grafana.
package monitoring

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed files
var files embed.FS

// Write puts the files into a folder, which is made if there is none, and names them. A file of that name that is there
// already is replaced.
func Write(folder string) (written []string, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("monitoring: %w", err)
	}
	all, err := files.ReadDir("files")
	if err != nil {
		return nil, fmt.Errorf("monitoring: %w", err)
	}
	for _, f := range all {
		text, err := files.ReadFile("files/" + f.Name())
		path := filepath.Join(folder, f.Name())
		if err == nil {
			err = os.WriteFile(path, text, 0o644)
		}
		if err != nil {
			return written, fmt.Errorf("monitoring: %w", err)
		}
		written = append(written, path)
	}
	return written, nil
}
