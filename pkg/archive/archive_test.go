package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/vedette/vedette/pkg/archive"
	"github.com/vedette/vedette/pkg/chain"
)

// logs are logs in memory, as bytes.
type logs struct {
	held map[string][]byte
	head chain.Head
	// busy is whether a restore is under way; failing is an error of verifying.
	busy    bool
	failing error
}

func (l *logs) SnapshotLog(_ context.Context, log string, begin func(archive.Snapshot) error, chunk func([]byte) error) error {
	raw, ok := l.held[log]
	if !ok {
		return fmt.Errorf("no log %s", log)
	}
	if err := begin(archive.Snapshot{Log: log, Messages: 3, Bytes: uint64(len(raw)), First: 1, Last: 3, Config: []byte(`{}`), State: []byte(`{}`)}); err != nil {
		return err
	}
	for part := range slices.Chunk(raw, 100_000) {
		if err := chunk(part); err != nil {
			return err
		}
	}
	return nil
}

func (l *logs) HeadAt(_ context.Context, last uint64, progress func(done, total uint64)) (chain.Head, error) {
	progress(last, last)
	return l.head, nil
}

func (l *logs) BeginRestore(context.Context) error {
	if len(l.held) > 0 {
		return errors.New("not empty")
	}
	l.busy = true
	return nil
}

func (l *logs) EndRestore(context.Context) error {
	l.busy = false
	return nil
}

func (l *logs) RestoreLog(_ context.Context, s archive.Snapshot, next func() ([]byte, error)) error {
	var all []byte
	for {
		piece, err := next()
		if errors.Is(err, io.EOF) {
			l.held[s.Log] = all
			return nil
		}
		if err != nil {
			return err
		}
		all = append(all, piece...)
	}
}

func (l *logs) DropLog(_ context.Context, log string) error {
	delete(l.held, log)
	return nil
}

func (l *logs) VerifyRestored(_ context.Context, head chain.Head, _ func(done, total uint64)) error {
	l.head = head
	return l.failing
}

func source(events, results []byte) *logs {
	return &logs{held: map[string][]byte{archive.Events: events, archive.Results: results}, head: chain.Head{Sequence: 3, Hash: chain.Hash{1}}}
}

func written(t require.TestingT, from *logs, opt archive.Options) ([]byte, archive.Manifest) {
	var out bytes.Buffer
	opt.Now = func() time.Time { return time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC) }
	manifest, err := archive.Write(context.Background(), from, &out, opt)
	require.NoError(t, err)
	return out.Bytes(), manifest
}

func TestWhatIsWrittenIsPutBack(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{0, 1, 1000, archive.PartSize - 1, archive.PartSize, archive.PartSize + 1, 2*archive.PartSize + 5}).Draw(t, "size")
		from := source(bytes.Repeat([]byte("event "), size/6+1)[:size], rapid.SliceOf(rapid.Byte()).Draw(t, "results"))
		without := rapid.Bool().Draw(t, "without results")
		raw, manifest := written(t, from, archive.Options{WithoutResults: without, Version: "v1"})
		again, _ := written(t, from, archive.Options{WithoutResults: without, Version: "v1"})
		require.Equal(t, raw, again, "the same logs give the same archive")
		n++
		folder := filepath.Join(dir, fmt.Sprint(n))
		unpacked, err := archive.Unpack(archive.Tar(bytes.NewReader(raw)), folder, nil)
		require.NoError(t, err)
		require.Equal(t, manifest, unpacked)
		files, err := archive.Folder(folder)
		require.NoError(t, err)
		defer func() { require.NoError(t, files.Close()) }()
		for _, entries := range []archive.Entries{archive.Tar(bytes.NewReader(raw)), files} {
			to := &logs{held: map[string][]byte{}}
			restored, err := archive.Restore(context.Background(), entries, to, nil)
			require.NoError(t, err)
			require.Equal(t, manifest, restored)
			require.False(t, to.busy)
			require.Equal(t, from.head, to.head)
			require.True(t, bytes.Equal(from.held[archive.Events], to.held[archive.Events]))
			require.True(t, without || bytes.Equal(from.held[archive.Results], to.held[archive.Results]))
		}
		require.NoError(t, os.RemoveAll(folder))
	})
}

// Wherever an archive is cut off, and whichever bit of a log is another one, nothing is left of it.
func TestABadArchiveLeavesNothing(t *testing.T) {
	raw, _ := written(t, source(bytes.Repeat([]byte("event "), 2000), []byte("results")), archive.Options{})
	refused := func(raw []byte) error {
		to := &logs{held: map[string][]byte{}}
		_, err := archive.Restore(t.Context(), archive.Tar(bytes.NewReader(raw)), to, nil)
		require.Error(t, err)
		require.Empty(t, to.held)
		require.False(t, to.busy)
		return err
	}
	_, err := archive.Scan(archive.Tar(bytes.NewReader(raw)), nil)
	require.NoError(t, err)
	for cut := 0; cut < len(raw)-3000; cut += 512 {
		err := refused(raw[:cut])
		require.True(t, errors.Is(err, archive.ErrIncomplete) || errors.Is(err, archive.ErrFormat), "%d: %v", cut, err)
	}
	at := bytes.Index(raw, []byte("event event"))
	other := bytes.Clone(raw)
	other[at] ^= 1
	require.ErrorIs(t, refused(other), archive.ErrDamaged)
	require.ErrorIs(t, refused([]byte("PK\x03\x04")), archive.ErrFormat)
	require.ErrorIs(t, refused(bytes.Replace(raw, []byte(`"format": 1`), []byte(`"format": 9`), 1)), archive.ErrFormat)
	require.Error(t, refused(bytes.Replace(raw, []byte("EVENTS/00000001"), []byte("EVENTS/00000002"), 1)))

	failing := &logs{held: map[string][]byte{}, failing: errors.New("another head")}
	_, err = archive.Restore(t.Context(), archive.Tar(bytes.NewReader(raw)), failing, nil)
	require.ErrorContains(t, err, "another head")
	require.Empty(t, failing.held)
	full := source(nil, nil)
	_, err = archive.Restore(t.Context(), archive.Tar(bytes.NewReader(raw)), full, nil)
	require.ErrorContains(t, err, "not empty")
	require.Len(t, full.held, 2, "what was there is not touched")
}

func TestAnInterruptedFolderIsReplacedAndNoOther(t *testing.T) {
	raw, manifest := written(t, source([]byte("events"), []byte("results")), archive.Options{})
	dir := filepath.Join(t.TempDir(), "backup")
	_, err := archive.Unpack(archive.Tar(bytes.NewReader(raw[:len(raw)/2])), dir, nil)
	require.ErrorIs(t, err, archive.ErrIncomplete)
	_, err = archive.Folder(dir)
	require.ErrorIs(t, err, archive.ErrIncomplete)
	again, err := archive.Unpack(archive.Tar(bytes.NewReader(raw)), dir, nil)
	require.NoError(t, err)
	require.Equal(t, manifest, again)
	_, err = archive.Unpack(archive.Tar(bytes.NewReader(raw)), dir, nil)
	require.ErrorIs(t, err, archive.ErrNotEmpty, "a whole backup is not replaced")
	foreign := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(foreign, "letter.txt"), nil, 0o600))
	_, err = archive.Unpack(archive.Tar(bytes.NewReader(raw)), foreign, nil)
	require.ErrorIs(t, err, archive.ErrNotEmpty)
	_, err = archive.Folder(foreign)
	require.ErrorIs(t, err, archive.ErrFormat)
}

func TestABackupThatFailsSaysWhy(t *testing.T) {
	from := source([]byte("events"), nil)
	delete(from.held, archive.Results)
	var out bytes.Buffer
	_, err := archive.Write(t.Context(), from, &out, archive.Options{})
	require.ErrorContains(t, err, "back up RESULTS: no log RESULTS")
	_, err = archive.Scan(archive.Tar(bytes.NewReader(out.Bytes())), nil)
	require.ErrorIs(t, err, archive.ErrIncomplete)
	require.ErrorContains(t, err, "no log RESULTS")
	to := &logs{held: map[string][]byte{}}
	_, err = archive.Restore(t.Context(), archive.Tar(&out), to, nil)
	require.ErrorContains(t, err, "no log RESULTS")
	require.Empty(t, to.held)
}

// An archive may come from anywhere: its names must not lead out of the folder.
func TestNamesDoNotLeadOutOfTheFolder(t *testing.T) {
	for _, name := range []string{"../x", "/etc/passwd", "EVENTS/../../x", "EVENTS/1", "EVENTS/0000000x", "OTHER/00000001", "EVENTS/sub/00000001"} {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: 1}))
		_, err := w.Write([]byte("x"))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		dir := t.TempDir()
		_, err = archive.Unpack(archive.Tar(&out), dir, nil)
		require.ErrorIs(t, err, archive.ErrDamaged, name)
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, files)
	}
}
