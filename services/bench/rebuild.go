package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/vedette/vedette/pkg/readmodel"
)

// rebuilt is one read model built from nothing.
type rebuilt struct {
	projection string
	messages   int
	took       time.Duration
}

// rebuild stops the program, deletes the buckets of the read models that are made of results,
// starts it again and waits until it says that they are built. What the program's log says of it is
// taken from there: work goes on meanwhile, so that from outside the end would not be seen.
// It returns the most memory that was resident meanwhile, too, in bytes.
func (b *bench) rebuild(ctx context.Context) (found []rebuilt, most int64, err error) {
	names := []string{"activity", "history"}
	b.program.stop()
	for _, name := range names {
		if err := b.program.dropReadModel(name); err != nil {
			return nil, 0, err
		}
	}
	if err := b.program.start(ctx, "info"); err != nil {
		return nil, 0, err
	}
	limit := time.Now().Add(10 * time.Minute)
	for {
		if now, err := b.program.rss(); err == nil {
			most = max(most, now)
		}
		found = parseRebuilt(b.program.log.String(), names)
		if len(found) == len(names) {
			return found, most, nil
		}
		if time.Now().After(limit) {
			return nil, 0, fmt.Errorf("the read models were not built in 10 minutes:\n%s", b.program.log)
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return nil, 0, err
		}
	}
}

// dropReadModel deletes the files of every generation of a read model of the stopped program.
func (p *program) dropReadModel(name string) error {
	var folders []string
	err := filepath.WalkDir(p.data(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if bucket, ok := strings.CutPrefix(entry.Name(), "KV_vedette_"); ok {
			if _, ok := readmodel.GenerationOf(name, bucket); ok {
				folders = append(folders, path)
			}
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		return fmt.Errorf("there is no bucket of %s to delete", name)
	}
	for _, folder := range folders {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	return err
}

// parseRebuilt reads lines such as
// msg="read model is built" projection=activity … messages=123 took=1.2s
func parseRebuilt(log string, names []string) (found []rebuilt) {
	for _, name := range names {
		line := regexp.MustCompile(`"read model is built".*projection=` + name + ` .*messages=(\d+) took=(\S+)`).FindStringSubmatch(log)
		if line == nil {
			continue
		}
		messages, err1 := strconv.Atoi(line[1])
		took, err2 := time.ParseDuration(line[2])
		if err1 == nil && err2 == nil {
			found = append(found, rebuilt{name, messages, took})
		}
	}
	return found
}
