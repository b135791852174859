package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// maxLine bounds a line read back from an audit file, in bytes; events written here are far below it.
const maxLine = 1 << 20

// File is a Sink that appends JSON lines to a file. Lines are written whole and in append mode, so the file may be read while it grows and
// truncated behind a copy (logrotate's copytruncate).
type File struct {
	mu   sync.Mutex
	file *os.File
	torn bool // the last write got only part of its line out
}

// OpenFile opens or creates an audit file, readable by its owner only. A line cut short by a crash is closed off, so that the next event
// begins a line of its own.
func OpenFile(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := endLine(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("audit file %s: %w", path, err)
	}
	return &File{file: f}, nil
}

func endLine(f *os.File) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, size-1); err != nil {
		return err
	}
	if last[0] != '\n' {
		_, err = f.WriteString("\n")
	}
	return err
}

// Record appends one event as one line with one write.
func (f *File) Record(e Event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.torn {
		// A disk that was full may have room again: the event cut short must not spoil this one.
		if _, err := f.file.WriteString("\n"); err != nil {
			return err
		}
		f.torn = false
	}
	n, err := f.file.Write(line)
	f.torn = n > 0 && n < len(line)
	return err
}

// Close closes the file; later records fail.
func (f *File) Close() error { return f.file.Close() }

// Search returns the last event of an audit file that issued the access key, reading the file from its beginning.
func Search(path, accessKeyID string) (Event, bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return Event{}, false, err
	}
	defer f.Close()
	var found Event
	ok := false
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for lines.Scan() {
		if !bytes.Contains(lines.Bytes(), []byte(accessKeyID)) {
			continue
		}
		var e Event
		// A line cut short by a crash is not an event.
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.AccessKeyID == accessKeyID {
			found, ok = e, true
		}
	}
	return found, ok, lines.Err()
}
