package config

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// maxFile caps a file that is followed.
const maxFile = 16 << 20

// settling is how long changes must have ended before files are read: a certificate and its key are written one after the other.
const settling = 50 * time.Millisecond

// Follow reads files, all of them, and hands over what they hold: at once, whenever that has changed, and whenever reading has failed in another way than
// before. It returns when the context is done. What it watches is their directories, so it sees a file that is replaced, also one in a volume of a ConfigMap or
// Secret, where the kubelet replaces a symbolic link to a directory. Where nothing can be watched, or an event is lost, every resync finds it.
func Follow(ctx context.Context, resync time.Duration, changed func(texts [][]byte, err error), paths ...string) {
	var events <-chan fsnotify.Event
	var failures <-chan error
	if watcher, err := fsnotify.NewWatcher(); err == nil {
		defer watcher.Close()
		for _, path := range paths {
			_ = watcher.Add(filepath.Dir(path)) // a directory that does not exist may do so at the next resync, which reads it all the same
		}
		events, failures = watcher.Events, watcher.Errors
	}
	if resync <= 0 {
		resync = time.Minute
	}
	again := time.NewTicker(resync)
	defer again.Stop()
	settled := time.NewTimer(0)
	defer settled.Stop()
	var last [][]byte
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			settled.Reset(settling)
			continue
		case <-failures: // events were lost
			settled.Reset(settling)
			continue
		case <-settled.C:
		case <-again.C:
		}
		texts, err := readAll(paths)
		switch {
		case err != nil && err.Error() != said:
			said = err.Error()
			changed(nil, err)
		case err == nil && (said != "" || last == nil || !slices.EqualFunc(texts, last, bytes.Equal)):
			last, said = texts, ""
			changed(texts, nil)
		}
	}
}

func readAll(paths []string) ([][]byte, error) {
	texts := make([][]byte, len(paths))
	for i, path := range paths {
		var err error
		if texts[i], err = readCapped(path); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

func readCapped(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is longer than %d bytes", path, maxFile)
	}
	return text, err
}
