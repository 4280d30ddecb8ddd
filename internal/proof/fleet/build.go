package fleet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"kioskd/internal/proof/postgres"
)

// Build makes the fleet's programs in a folder.
func Build(ctx context.Context, bin string) error {
	_, here, _, _ := runtime.Caller(0)
	c := exec.CommandContext(ctx, "go", "build", "-o", bin+"/", "./cmd/kioskd", "./cmd/kioskgate", "./cmd/kioskhub",
		"./cmd/glasesim")
	c.Dir, c.Env = filepath.Join(filepath.Dir(here), "../../.."), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("fleet: its programs do not build: %w\n%s", err, out)
	}
	return nil
}

// Missing are the Debian packages of what a fleet needs and this machine has not.
func Missing() (packages []string) {
	if _, err := exec.LookPath(haproxy); err != nil {
		packages = append(packages, haproxy)
	}
	if !postgres.Installed() {
		packages = append(packages, "postgresql")
	}
	return packages
}
