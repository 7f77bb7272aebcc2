package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Programs are the built programs. The daemon finds receptor-runner beside itself.
type Programs struct{ Receptor, Receptorctl string }

// FindPrograms takes them from a folder. It looks at the files, so that the test
// cache notices when they are new.
func FindPrograms(folder string) (Programs, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return Programs{}, err
	}
	p := Programs{filepath.Join(folder, "receptor"), filepath.Join(folder, "receptorctl")}
	for _, file := range []string{p.Receptor, filepath.Join(folder, "receptor-runner"), p.Receptorctl} {
		if _, err := os.Stat(file); err != nil {
			return Programs{}, fmt.Errorf("find the programs: %w", err)
		}
	}
	return p, nil
}

// BuildPrograms builds them into a folder. What make builds has a version, too.
func BuildPrograms(ctx context.Context, folder string) (Programs, error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags", "-X main.version=test", "-o", folder+string(filepath.Separator),
		"receptor/cli/receptor", "receptor/cli/receptor-runner", "receptor/cli/receptorctl")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return Programs{}, fmt.Errorf("build the programs: %w: %s", err, out)
	}
	return FindPrograms(folder)
}
