package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vedette/vedette/pkg/process/programlog"
)

// program is the vedette under measurement, in a folder of its own that goes with it.
type program struct {
	opt    options
	binary string
	folder string

	cmd  *exec.Cmd
	base string
	log  *programlog.Log
	// ended is closed when the process has ended.
	ended chan struct{}
}

func startProgram(ctx context.Context, opt options) (*program, error) {
	folder, err := os.MkdirTemp(opt.folder, "vedette-bench-")
	if err != nil {
		return nil, err
	}
	p := &program{folder: folder, opt: opt, binary: opt.program}
	if p.binary == "" {
		p.binary = filepath.Join(folder, "vedette")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", p.binary, "github.com/vedette/vedette/services/vedette").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build vedette: %w\n%s", err, out)
		}
	}
	return p, p.start(ctx, "warn")
}

// start runs the program on its folder and waits until it is ready.
func (p *program) start(ctx context.Context, logLevel string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	p.base, p.log, p.ended = "http://"+address, new(programlog.Log), make(chan struct{})
	p.cmd = exec.Command(p.binary, "up", "--data", p.data(), "--http", address, "--concurrency", strconv.Itoa(p.opt.concurrency), "--durability", p.opt.durability, "--log-level", logLevel)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	return p.awaitReady(ctx)
}

func (p *program) data() string { return filepath.Join(p.folder, "data") }

func (p *program) awaitReady(ctx context.Context) error {
	for {
		response, err := http.Get(p.base + "/readyz")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.ended:
			return fmt.Errorf("vedette ended:\n%s", p.log.String())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *program) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

func (p *program) close() {
	p.stop()
	_ = os.RemoveAll(p.folder)
}

// cpu is the processor time that the program has used, user and system.
func (p *program) cpu() (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	return processorTime(raw)
}

// rss is the resident memory in bytes.
func (p *program) rss() (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(raw))[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// disk is the size in bytes of the files of one stream.
func (p *program) disk(stream string) (total int64, err error) {
	err = filepath.WalkDir(p.data(), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // streams replace their files as they go
			return nil
		}
		if err != nil || entry.IsDir() || !strings.Contains(path, "/"+stream+"/") {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += info.Size()
		}
		return nil
	})
	return total, err
}
