package main

import (
	"fmt"
	"io"
	"sync"
)

// liveLine is one line of progress at the end of a terminal, which is written over again and again. Where w is no terminal there is none, and only what
// is said stays.
type liveLine struct {
	w    io.Writer
	live bool
	mu   sync.Mutex
	text string
}

func newLiveLine(w io.Writer) *liveLine { return &liveLine{w: w, live: terminal(w)} }

// show replaces the line.
func (l *liveLine) show(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = fmt.Sprintf(format, args...)
	l.draw()
}

// say writes a line that stays, above it.
func (l *liveLine) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
	fmt.Fprintf(l.w, format+"\n", args...)
	l.draw()
}

// clear takes it away.
func (l *liveLine) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = ""
	l.draw()
}

func (l *liveLine) draw() {
	if l.live {
		fmt.Fprint(l.w, "\r\x1b[K"+l.text)
	}
}
