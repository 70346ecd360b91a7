package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Entries are the files of an archive, in order.
type Entries interface {
	// Next returns the next file, its content readable until the next call, or io.EOF.
	Next() (name string, content io.Reader, err error)
}

// restoreChunk is how much of a part is handed on at once: a message to the server, which gives up on
// one that it cannot write within seconds, compressed as it is.
const restoreChunk = 16 << 10

// maxDocument bounds the files that are no parts of a log.
const maxDocument = 1 << 20

// Restore puts the logs of an archive back into target, which must hold nothing, and compares all that
// can be compared. After an error nothing is left of them. ErrIncomplete, ErrDamaged, ErrFormat: the
// archive is of no use.
func Restore(ctx context.Context, entries Entries, target Target, progress func(Progress)) (Manifest, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	r := &reader{entries: entries, target: target, progress: progress}
	if err := r.header(); err != nil {
		return Manifest{}, err
	}
	if err := target.BeginRestore(ctx); err != nil {
		return Manifest{}, err
	}
	manifest, err := r.restore(ctx)
	if err != nil {
		// What was put back goes, also when the user interrupts it.
		ctx := context.WithoutCancel(ctx)
		for _, log := range r.head.Logs {
			err = errors.Join(err, target.DropLog(ctx, log))
		}
		return manifest, errors.Join(err, target.EndRestore(ctx))
	}
	return manifest, target.EndRestore(ctx)
}

type reader struct {
	entries  Entries
	target   Target
	progress func(Progress)
	head     Header
	restored []Log
	// name and content are the file at hand.
	name    string
	content io.Reader
}

// next moves to the next file.
func (r *reader) next() (err error) {
	r.name, r.content, err = r.entries.Next()
	switch {
	case errors.Is(err, io.EOF):
		return ErrIncomplete
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %w", ErrIncomplete, err)
	case err != nil:
		return fmt.Errorf("read the backup: %w", err)
	case r.name == errorName:
		return failed(r.content)
	}
	return nil
}

// failed is the error of a backup that failed.
func failed(content io.Reader) error {
	var why failure
	if err := json.NewDecoder(io.LimitReader(content, maxDocument)).Decode(&why); err != nil {
		return ErrIncomplete
	}
	return fmt.Errorf("%w: %s", ErrIncomplete, why.Error)
}

// document reads the file at hand as JSON.
func (r *reader) document(into any) error {
	raw, err := io.ReadAll(io.LimitReader(r.content, maxDocument+1))
	if err != nil {
		return fmt.Errorf("read %s: %w", r.name, cutOff(err))
	}
	if len(raw) > maxDocument {
		return damaged("%s is longer than %d bytes", r.name, maxDocument)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return damaged("%s cannot be read: %v", r.name, err)
	}
	return nil
}

func cutOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	return err
}

func (r *reader) header() error {
	if err := r.next(); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if r.name != headerName {
		return fmt.Errorf("%w: it begins with %.100q and not with %s", ErrFormat, r.name, headerName)
	}
	if err := r.document(&r.head); err != nil {
		return err
	}
	if r.head.Format != Format {
		return fmt.Errorf("%w: its format is %d, and %d is read: use a later version of Vedette", ErrFormat, r.head.Format, Format)
	}
	if !slices.Equal(r.head.Logs, []string{Events}) && !slices.Equal(r.head.Logs, []string{Events, Results}) {
		return damaged("it holds the logs %v", r.head.Logs)
	}
	return nil
}

func (r *reader) restore(ctx context.Context) (manifest Manifest, err error) {
	if err := r.next(); err != nil {
		return manifest, err
	}
	for _, name := range r.head.Logs {
		if err := r.log(ctx, name); err != nil {
			return manifest, fmt.Errorf("restore %s: %w", name, err)
		}
	}
	if r.name != manifestName {
		return manifest, damaged("%.100q stands in the place of the manifest", r.name)
	}
	if err := r.document(&manifest); err != nil {
		return manifest, err
	}
	if !slices.Equal(manifest.Logs, r.restored) {
		return manifest, damaged("the manifest tells of %+v, and there are %+v", manifest.Logs, r.restored)
	}
	return manifest, r.target.VerifyRestored(ctx, manifest.Head, func(done, total uint64) {
		r.progress(Progress{What: "chain", Done: done, Total: total})
	})
}

// log puts one log back. The file at hand is its first, afterwards that after its last.
func (r *reader) log(ctx context.Context, name string) error {
	if r.name != name+"/"+logName {
		return damaged("%.100q stands in the place of %s/%s", r.name, name, logName)
	}
	var s Snapshot
	if err := r.document(&s); err != nil {
		return err
	}
	if s.Log != name {
		return damaged("%s describes %.100q", r.name, s.Log)
	}
	if err := r.next(); err != nil {
		return err
	}
	log := Log{Name: name, Messages: s.Messages, First: s.First, Last: s.Last}
	sum := sha256.New()
	piece := make([]byte, restoreChunk)
	err := r.target.RestoreLog(ctx, s, func() ([]byte, error) {
		for strings.HasPrefix(r.name, name+"/") {
			if log.Parts == 0 || r.name != partName(name, log.Parts) {
				if log.Parts++; r.name != partName(name, log.Parts) {
					return nil, damaged("%.100q stands in the place of %s", r.name, partName(name, log.Parts))
				}
			}
			n, err := io.ReadFull(r.content, piece)
			if n > 0 {
				sum.Write(piece[:n])
				log.Size += int64(n)
				r.progress(Progress{What: name, Done: min(uint64(log.Size), s.Bytes), Total: s.Bytes})
				return piece[:n], nil
			}
			if !errors.Is(err, io.EOF) {
				return nil, cutOff(err)
			}
			if err := r.next(); err != nil {
				return nil, err
			}
		}
		return nil, io.EOF
	})
	log.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if err == nil {
		r.restored = append(r.restored, log)
	}
	return err
}
