package archive

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"time"
)

// Options say how an archive is written. Zero fields take the defaults named here.
type Options struct {
	// WithoutResults leaves RESULTS out.
	WithoutResults bool
	// Version names the program.
	Version string
	// Now defaults to time.Now.
	Now func() time.Time
	// Progress, if not nil, is told how far it has come.
	Progress func(Progress)
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o
}

func (o Options) logs() []string {
	if o.WithoutResults {
		return []string{Events}
	}
	return []string{Events, Results}
}

// Write writes an archive of the logs of source to w, holding no more than a part in memory. After an
// error the archive has no manifest, and where it can still be written says why.
func Write(ctx context.Context, source Source, w io.Writer, opt Options) (Manifest, error) {
	opt = opt.withDefaults()
	a := &writer{tar: tar.NewWriter(w), at: opt.Now().UTC().Truncate(time.Second)}
	manifest, err := a.write(ctx, source, opt)
	if err != nil {
		_ = a.json(errorName, failure{Error: err.Error()}) // whoever reads is told that it is incomplete either way
		_ = a.tar.Flush()
	}
	return manifest, err
}

// failure is what stands in the place of the manifest of a backup that failed.
type failure struct {
	Error string `json:"error"`
}

func (a *writer) write(ctx context.Context, source Source, opt Options) (Manifest, error) {
	header := Header{Format: Format, Version: opt.Version, CreatedAt: a.at, Logs: opt.logs()}
	manifest := Manifest{Format: Format, Version: opt.Version, CreatedAt: a.at, Logs: []Log{}}
	if err := a.json(headerName, header); err != nil {
		return manifest, err
	}
	for _, name := range header.Logs {
		log, err := a.log(ctx, source, name, opt.Progress)
		if err != nil {
			return manifest, fmt.Errorf("back up %s: %w", name, err)
		}
		manifest.Logs = append(manifest.Logs, log)
	}
	var err error
	manifest.Head, err = source.HeadAt(ctx, manifest.Logs[0].Last, func(done, total uint64) {
		opt.Progress(Progress{What: "chain", Done: done, Total: total})
	})
	if err != nil {
		return manifest, fmt.Errorf("compute the head of the chain: %w", err)
	}
	manifest.CompletedAt = opt.Now().UTC().Truncate(time.Second)
	if err := a.json(manifestName, manifest); err != nil {
		return manifest, err
	}
	if err := a.tar.Close(); err != nil {
		return manifest, fmt.Errorf("end the archive: %w", err)
	}
	return manifest, nil
}

type writer struct {
	tar *tar.Writer
	at  time.Time
}

func (a *writer) file(name string, content []byte) error {
	header := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: a.at, Format: tar.FormatPAX}
	if err := a.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if _, err := a.tar.Write(content); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (a *writer) json(name string, value any) error {
	raw, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return a.file(name, append(raw, '\n'))
}

// log writes the snapshot of a log in parts.
func (a *writer) log(ctx context.Context, source Source, name string, progress func(Progress)) (Log, error) {
	parts := &parts{archive: a, log: Log{Name: name}, sum: sha256.New(), pending: make([]byte, 0, PartSize)}
	var total uint64
	err := source.SnapshotLog(ctx, name, func(s Snapshot) error {
		total = s.Bytes
		parts.log.Messages, parts.log.First, parts.log.Last = s.Messages, s.First, s.Last
		progress(Progress{What: name, Total: total})
		return a.json(name+"/"+logName, s)
	}, func(chunk []byte) error {
		err := parts.add(chunk)
		progress(Progress{What: name, Done: min(uint64(parts.log.Size), total), Total: total})
		return err
	})
	if err == nil {
		err = parts.flush()
	}
	parts.log.SHA256 = hex.EncodeToString(parts.sum.Sum(nil))
	return parts.log, err
}

// parts cuts a log into parts.
type parts struct {
	archive *writer
	log     Log
	sum     hash.Hash
	pending []byte
}

func (p *parts) add(chunk []byte) error {
	p.sum.Write(chunk)
	p.log.Size += int64(len(chunk))
	for len(chunk) > 0 {
		n := min(len(chunk), PartSize-len(p.pending))
		p.pending, chunk = append(p.pending, chunk[:n]...), chunk[n:]
		if len(p.pending) == PartSize {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *parts) flush() error {
	if len(p.pending) == 0 {
		return nil
	}
	p.log.Parts++
	err := p.archive.file(partName(p.log.Name, p.log.Parts), p.pending)
	p.pending = p.pending[:0]
	return err
}

func partName(log string, n int) string { return fmt.Sprintf("%s/%08d", log, n) }
