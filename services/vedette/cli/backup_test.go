package cli_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/archive"
	"github.com/vedette/vedette/pkg/chain"
)

// shelf is a log of some bytes.
type shelf struct{ failing error }

func (s shelf) SnapshotLog(_ context.Context, log string, begin func(archive.Snapshot) error, chunk func([]byte) error) error {
	if err := begin(archive.Snapshot{Log: log, Messages: 22, First: 1, Last: 22, Config: []byte("{}"), State: []byte("{}")}); err != nil {
		return err
	}
	return errors.Join(chunk(bytes.Repeat([]byte("x"), 3000)), s.failing)
}

func (shelf) HeadAt(_ context.Context, last uint64, _ func(done, total uint64)) (chain.Head, error) {
	return chain.Head{Sequence: last}, nil
}

func TestBackup(t *testing.T) {
	var taken bytes.Buffer
	_, err := archive.Write(t.Context(), shelf{}, &taken, archive.Options{Now: now, WithoutResults: true})
	require.NoError(t, err)
	s := serve(t, map[string]http.HandlerFunc{"GET /backup": answer(200, taken.String(), "Content-Type", "application/x-tar")})
	dir := filepath.Join(t.TempDir(), "backup")
	o := s.run(t, "", nil, "backup", dir, "--without-results")
	require.Zero(t, o.code, o.err)
	golden(t, "backup.golden", o.out)
	require.Equal(t, "results=false", s.last().query)
	require.FileExists(t, filepath.Join(dir, "manifest.json"))
	require.Equal(t, 1, s.run(t, "", nil, "backup", dir).code, "it is there already")
	o = s.run(t, "", nil, "backup", "-")
	require.Zero(t, o.code, o.err)
	require.Equal(t, taken.String(), o.out)
	require.Contains(t, o.err, "backed up")
	require.Equal(t, 2, s.run(t, "", nil, "backup").code)

	var failed bytes.Buffer
	_, err = archive.Write(t.Context(), shelf{errors.New("the disk is gone")}, &failed, archive.Options{})
	require.Error(t, err)
	s = serve(t, map[string]http.HandlerFunc{"GET /backup": answer(200, failed.String())})
	o = s.run(t, "", nil, "backup", filepath.Join(t.TempDir(), "backup"))
	require.Equal(t, 1, o.code)
	require.Contains(t, o.err, "the backup is incomplete: it was interrupted, or cut off: back up EVENTS: the disk is gone")
	require.Equal(t, 3, serve(t, nil).run(t, "", nil, "backup", "-").code, "a server that knows no backups")
}
