package cgroup

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds the waiting for processes that were killed.
const patience = 20 * time.Second

// Group is a control group, which may have others below it.
type Group struct {
	hierarchies []hierarchy
	name        string
}

// Named is the group of that name below the root of each hierarchy. It need not exist.
func Named(name string) (Group, error) {
	if name == "" || name != filepath.Base(name) {
		return Group{}, fmt.Errorf("%q is no name of a cgroup", name) // nor may it be the root
	}
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return Group{}, err
	}
	defer f.Close()
	g := Group{name: name}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 3 && strings.HasPrefix(fields[2], "cgroup") {
			g.hierarchies = append(g.hierarchies, hierarchy{mount: fields[1], kind: fields[2], controllers: fields[3]})
		}
	}
	if len(g.hierarchies) == 0 {
		return Group{}, errors.Join(errors.New("this machine has no cgroup file system mounted"), lines.Err())
	}
	return g, lines.Err()
}

// Name is how kubelets are told of it.
func (g Group) Name() string { return "/" + g.name }

// Create makes it, and a group below it, in all hierarchies.
func (g Group) Create(below string) error {
	for _, h := range g.hierarchies {
		if err := h.enable(); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(h.mount, g.name, below), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Add puts a process, and what it starts from now on, into a group below: in one hierarchy, which is enough to find them again.
func (g Group) Add(below string, pid int) error {
	h := g.hierarchies[max(0, slices.IndexFunc(g.hierarchies, func(h hierarchy) bool {
		return h.kind == "cgroup" && slices.Contains(strings.Split(h.controllers, ","), "pids")
	}))]
	return os.WriteFile(filepath.Join(h.mount, g.name, below, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0)
}

// Kill ends every process in the group and below it, and returns when they have ended.
func (g Group) Kill() error {
	for again := newDeadline(); ; {
		pids, err := g.processes()
		if err != nil || len(pids) == 0 {
			return err
		}
		for _, pid := range pids {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("killing process %d: %w", pid, err)
			}
		}
		if !again.wait() {
			return fmt.Errorf("processes of the cgroup %s do not end: %v", g.name, pids)
		}
	}
}

// Remove ends its processes and removes it with all below it.
func (g Group) Remove() error {
	for again := newDeadline(); ; {
		err := errors.Join(g.Kill(), g.remove())
		if err == nil || !again.wait() {
			return err
		}
	}
}

func (g Group) remove() (err error) {
	for _, h := range g.hierarchies {
		dirs, walkErr := h.below(g.name)
		err = errors.Join(err, walkErr)
		for _, dir := range slices.Backward(dirs) { // those below first
			if rmErr := os.Remove(dir); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
				err = errors.Join(err, rmErr)
			}
		}
	}
	return err
}

// processes are those of the group and of all below it. 0 stands for one that this process's namespace does not show.
func (g Group) processes() ([]int, error) {
	var pids []int
	for _, h := range g.hierarchies {
		dirs, err := h.below(g.name)
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
			if gone(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, field := range strings.Fields(string(text)) {
				pid, err := strconv.Atoi(field)
				if err != nil {
					return nil, err
				}
				if pid > 0 {
					pids = append(pids, pid)
				}
			}
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

type deadline struct{ at time.Time }

func newDeadline() deadline { return deadline{time.Now().Add(patience)} }

// wait lets a moment pass, and says whether there is time for another attempt.
func (d deadline) wait() bool {
	<-time.After(20 * time.Millisecond)
	return time.Now().Before(d.at)
}
