// Package archive writes the logs of Vedette to a tar archive while they are in use, and puts them back.
//
// An archive holds, in this order:
//
//	backup.json            what is in it: Header
//	EVENTS/log.json        a log as it was: Snapshot
//	EVENTS/00000001 …      the log, in parts of PartSize at most
//	RESULTS/…              likewise, unless it was left out
//	manifest.json          what was written: Manifest
//
// One without a manifest was interrupted, and is of no use; error.json in its place says why. EVENTS comes first: what its events say of
// results is then in RESULTS too. A folder with the same files is as good as the archive.
package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/chain"
)

// The logs.
const (
	Events  = "EVENTS"
	Results = "RESULTS"
)

// Format is the version of the layout.
const Format = 1

// PartSize is the most bytes of one part. As much is held in memory.
const PartSize = 4 << 20

// The names of the files beside the logs.
const (
	headerName   = "backup.json"
	manifestName = "manifest.json"
	logName      = "log.json"
	errorName    = "error.json"
)

// The errors of reading an archive. Test with errors.Is.
var (
	// ErrIncomplete: the archive ends before its manifest, or lacks a part.
	ErrIncomplete = errors.New("the backup is incomplete: it was interrupted, or cut off")
	// ErrDamaged: what the archive holds is not what was written.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrFormat: it is no archive, or one of a later version.
	ErrFormat = errors.New("it is no backup that this version can read")
)

// Header says what is in an archive, before it is known how it ends.
type Header struct {
	Format    int       `json:"format"`
	Version   string    `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	Logs      []string  `json:"logs"`
}

// Snapshot describes a log at the time at which its snapshot was begun. Messages that came while it
// was taken may be in it as well.
type Snapshot struct {
	Log      string `json:"log"`
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`
	First    uint64 `json:"first"`
	Last     uint64 `json:"last"`
	// Config and State are the server's own words.
	Config json.RawMessage `json:"config"`
	State  json.RawMessage `json:"state"`
}

// Manifest is what was written.
type Manifest struct {
	Format      int       `json:"format"`
	Version     string    `json:"version"`
	CreatedAt   time.Time `json:"created_at"`
	CompletedAt time.Time `json:"completed_at"`
	// Head is the head of the chain of EVENTS at the last event of its snapshot.
	Head chain.Head `json:"head"`
	Logs []Log      `json:"logs"`
}

// Log is one log of an archive.
type Log struct {
	Name     string `json:"name"`
	Messages uint64 `json:"messages"`
	First    uint64 `json:"first"`
	Last     uint64 `json:"last"`
	// Parts and Size, in bytes, are of the log as it is in the archive; SHA256 is of all parts, one
	// after another, in hexadecimal.
	Parts  int    `json:"parts"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Progress is how far a backup or restore has come: in bytes of a log, or in events whose chain is
// computed.
type Progress struct {
	What        string
	Done, Total uint64
}

// Source is what is backed up. A bus on a server is one.
type Source interface {
	// SnapshotLog calls begin, then chunk with the log piece by piece, as it is stored. What chunk is
	// given is its own only until it returns.
	SnapshotLog(ctx context.Context, log string, begin func(Snapshot) error, chunk func([]byte) error) error
	// HeadAt returns the head of the chain of EVENTS after an event; it reads all of them up to that.
	HeadAt(ctx context.Context, last uint64, progress func(done, total uint64)) (chain.Head, error)
}

// Target is where an archive is put back.
type Target interface {
	// BeginRestore makes sure that there is nothing that a restore would replace, and notes that one
	// is under way; what an interrupted one left is removed. EndRestore takes the note away.
	BeginRestore(ctx context.Context) error
	EndRestore(ctx context.Context) error
	// RestoreLog puts a log back; next returns its pieces, then io.EOF. DropLog removes it again.
	RestoreLog(ctx context.Context, s Snapshot, next func() ([]byte, error)) error
	DropLog(ctx context.Context, log string) error
	// VerifyRestored compares the chain of EVENTS with its head at the time of the backup.
	VerifyRestored(ctx context.Context, head chain.Head, progress func(done, total uint64)) error
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}
