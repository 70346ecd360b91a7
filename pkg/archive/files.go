package archive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tar returns the files of a tar archive as it is read.
func Tar(r io.Reader) Entries { return &tarEntries{tar.NewReader(r)} }

type tarEntries struct{ tar *tar.Reader }

// Next implements Entries.
func (t *tarEntries) Next() (string, io.Reader, error) {
	header, err := t.tar.Next()
	if err != nil {
		return "", nil, err
	}
	return header.Name, t.tar, nil
}

// Folder returns the files of an archive in a folder. Close it.
func Folder(dir string) (*FolderEntries, error) {
	var header Header
	raw, err := os.ReadFile(filepath.Join(dir, headerName))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err := json.Unmarshal(raw, &header); err != nil {
		return nil, damaged("%s cannot be read: %v", headerName, err)
	}
	if _, err := os.Stat(filepath.Join(dir, manifestName)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrIncomplete)
	}
	f := &FolderEntries{dir: dir, names: []string{headerName}}
	for _, log := range header.Logs {
		if log != Events && log != Results {
			return nil, damaged("%s tells of a log %.100q", headerName, log)
		}
		f.names = append(f.names, log+"/"+logName)
		files, err := os.ReadDir(filepath.Join(dir, log))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrIncomplete, err)
		}
		var parts []string
		for _, file := range files {
			if file.Name() != logName {
				parts = append(parts, log+"/"+file.Name())
			}
		}
		slices.Sort(parts)
		f.names = append(f.names, parts...)
	}
	f.names = append(f.names, manifestName)
	return f, nil
}

// FolderEntries are the files of an archive in a folder.
type FolderEntries struct {
	dir   string
	names []string
	open  *os.File
}

// Next implements Entries.
func (f *FolderEntries) Next() (name string, content io.Reader, err error) {
	if err := f.Close(); err != nil {
		return "", nil, err
	}
	if len(f.names) == 0 {
		return "", nil, io.EOF
	}
	name, f.names = f.names[0], f.names[1:]
	if f.open, err = os.Open(filepath.Join(f.dir, filepath.FromSlash(name))); err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	return name, f.open, nil
}

// Close ends reading.
func (f *FolderEntries) Close() error {
	if f.open == nil {
		return nil
	}
	open := f.open
	f.open = nil
	return open.Close()
}

// ErrNotEmpty: the folder holds something else than an interrupted backup.
var ErrNotEmpty = errors.New("the folder is not empty: choose another one")

// Unpack writes the files of an archive into a folder, which is made where needed and may hold nothing
// but a backup that was interrupted, which is replaced. It returns the manifest; ErrIncomplete: the
// archive ends before it. each, if not nil, is told of every file.
func Unpack(entries Entries, dir string, each func(name string, size int64)) (manifest Manifest, err error) {
	if err := makeRoom(dir); err != nil {
		return manifest, err
	}
	return scan(entries, each, func(name string, content io.Reader) (int64, error) {
		return unpackFile(filepath.Join(dir, filepath.FromSlash(name)), content)
	})
}

// Scan reads an archive to its manifest without keeping anything. It compares nothing but the names.
func Scan(entries Entries, each func(name string, size int64)) (Manifest, error) {
	return scan(entries, each, func(_ string, content io.Reader) (int64, error) { return io.Copy(io.Discard, content) })
}

func scan(entries Entries, each func(name string, size int64), take func(name string, content io.Reader) (int64, error)) (manifest Manifest, err error) {
	for {
		name, content, err := entries.Next()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return manifest, ErrIncomplete
		case err != nil:
			return manifest, fmt.Errorf("read the backup: %w", err)
		case name == errorName:
			return manifest, failed(content)
		case !isOurs(name):
			return manifest, damaged("it holds a file %.100q", name)
		}
		var held bytes.Buffer
		if name == manifestName {
			content = io.TeeReader(io.LimitReader(content, maxDocument), &held)
		}
		size, err := take(name, content)
		if err != nil {
			return manifest, fmt.Errorf("take %s: %w", name, cutOff(err))
		}
		if each != nil {
			each(name, size)
		}
		if name == manifestName {
			if err := json.Unmarshal(held.Bytes(), &manifest); err != nil {
				return manifest, damaged("%s cannot be read: %v", name, err)
			}
			return manifest, nil
		}
	}
}

// isOurs reports whether a file's name is one that an archive has.
func isOurs(name string) bool {
	if name == headerName || name == manifestName {
		return true
	}
	log, file, _ := strings.Cut(name, "/")
	if log != Events && log != Results {
		return false
	}
	return file == logName || (len(file) == len("00000001") && strings.Trim(file, "0123456789") == "")
}

func unpackFile(path string, content io.Reader) (size int64, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	size, err = io.Copy(file, content)
	if err == nil {
		err = file.Sync()
	}
	return size, errors.Join(err, file.Close())
}

// makeRoom makes an empty folder, removing an interrupted backup.
func makeRoom(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("folder of the backup: %w", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		return err
	}
	interrupted := false
	for _, f := range files {
		switch f.Name() {
		case headerName:
			interrupted = true
		case Events, Results:
		default:
			return fmt.Errorf("%s: %w", dir, ErrNotEmpty)
		}
	}
	if !interrupted {
		return fmt.Errorf("%s: %w", dir, ErrNotEmpty)
	}
	for _, f := range files {
		if err := os.RemoveAll(filepath.Join(dir, f.Name())); err != nil {
			return fmt.Errorf("remove an interrupted backup: %w", err)
		}
	}
	return nil
}
