package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vedette/vedette/pkg/archive"
	"github.com/vedette/vedette/pkg/chain"
)

// vault is a log of some bytes.
type vault struct{ failing error }

func (v vault) SnapshotLog(_ context.Context, log string, begin func(archive.Snapshot) error, chunk func([]byte) error) error {
	if err := begin(archive.Snapshot{Log: log, Messages: 2, Last: 2, Config: []byte("{}"), State: []byte("{}")}); err != nil {
		return err
	}
	return errors.Join(chunk(bytes.Repeat([]byte("x"), 5<<20)), v.failing)
}

func (vault) HeadAt(_ context.Context, last uint64, _ func(done, total uint64)) (chain.Head, error) {
	return chain.Head{Sequence: last}, nil
}

func TestBackupsAreStreamed(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Backup = vault{} })
	r := w.want(http.StatusOK, http.MethodGet, "/api/v1/backup", nil)
	require.Equal(t, typeTar, r.header.Get("Content-Type"))
	manifest, err := archive.Scan(archive.Tar(bytes.NewReader(r.body)), nil)
	require.NoError(t, err)
	require.Len(t, manifest.Logs, 2)
	require.Equal(t, 2, manifest.Logs[0].Parts)
	r = w.want(http.StatusOK, http.MethodGet, "/api/v1/backup?results=false", nil)
	manifest, err = archive.Scan(archive.Tar(bytes.NewReader(r.body)), nil)
	require.NoError(t, err)
	require.Len(t, manifest.Logs, 1)
	p := w.want(http.StatusUnprocessableEntity, http.MethodGet, "/api/v1/backup?results=some&all=1", nil).problem(t)
	require.Len(t, p.Errors, 2)
}

func TestABackupThatCannotBeTaken(t *testing.T) {
	failing := newWorld(t, func(o *Options) { o.Backup = vault{errors.New("the disk is gone")} })
	r := failing.want(http.StatusOK, http.MethodGet, "/api/v1/backup", nil)
	_, err := archive.Scan(archive.Tar(bytes.NewReader(r.body)), nil)
	require.ErrorIs(t, err, archive.ErrIncomplete)
	require.ErrorContains(t, err, "the disk is gone")
	newWorld(t).want(http.StatusNotImplemented, http.MethodGet, "/api/v1/backup", nil)
	v := &verifier{last: &chain.Report{Damage: []chain.Damage{{Sequence: 3, Until: 3, What: chain.Changed}}}}
	damaged := newWorld(t, func(o *Options) { o.Backup, o.Integrity = vault{}, v })
	p := damaged.want(http.StatusServiceUnavailable, http.MethodGet, "/api/v1/backup", nil).problem(t)
	require.Contains(t, p.Detail, "event 3 is not what it was: a backup of it would be too")
}
