package main

import (
	"fmt"
	"syscall"

	"github.com/vedette/vedette/pkg/bus/jetstream"
)

// The limits of the logs, and the shares of the disk that they may be of one that is small: a full
// disk wedges the store, while a full log refuses writes and says so.
const (
	maxEvents    = 16 << 30
	maxResults   = 32 << 30
	eventsShare  = 8
	resultsShare = 4
)

// fitLimits fills in the limits that are not given, so that they fit a disk of so many bytes. It goes
// by the size of the disk, not by what is free, so that a restart finds the same limits.
func fitLimits(l jetstream.Limits, disk int64) jetstream.Limits {
	if l.Events == 0 {
		l.Events = min(maxEvents, disk/eventsShare)
	}
	if l.Results == 0 {
		l.Results = min(maxResults, disk/resultsShare)
	}
	return l
}

// diskSize is the size in bytes of the file system that holds a folder.
func diskSize(folder string) (int64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		return 0, fmt.Errorf("size of the disk of %s: %w", folder, err)
	}
	return int64(stat.Blocks) * stat.Bsize, nil
}
