package control

import (
	"slices"
	"strings"
)

// around is how many unchanged lines stand around a change.
const around = 3

// maxCells bounds the table of a comparison; texts beyond it are shown as wholly replaced.
const maxCells = 4 << 20

// diffLines compares two texts line by line. Lines begin with "- ", "+ " or "  "; "@@" stands for unchanged lines left out. It is empty
// for equal texts.
func diffLines(before, after string) []string {
	if before == after {
		return nil
	}
	a, b := lines(before), lines(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out []string
	out = mark(out, "  ", a[:head])
	out = between(out, a[head:len(a)-tail], b[head:len(b)-tail])
	out = mark(out, "  ", a[len(a)-tail:])
	return shorten(out)
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func mark(out []string, sign string, text []string) []string {
	for _, line := range text {
		out = append(out, sign+line)
	}
	return out
}

// between compares what common beginning and end leave, by the longest common subsequence.
func between(out, a, b []string) []string {
	if len(a) == 0 || len(b) == 0 || len(a)*len(b) > maxCells {
		return mark(mark(out, "- ", a), "+ ", b)
	}
	// common[i][j] is the length of the longest common subsequence of a[i:] and b[j:].
	width := len(b) + 1
	common := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case common[(i+1)*width+j] >= common[i*width+j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return mark(mark(out, "- ", a[i:]), "+ ", b[j:])
}

// shorten leaves out unchanged lines far from any change.
func shorten(all []string) []string {
	keep := make([]bool, len(all))
	for i, line := range all {
		if line[0] == ' ' {
			continue
		}
		for k := max(0, i-around); k <= min(len(all)-1, i+around); k++ {
			keep[k] = true
		}
	}
	var out []string
	for i, line := range all {
		switch {
		case keep[i]:
			out = append(out, line)
		case len(out) == 0 || out[len(out)-1] != "@@":
			out = append(out, "@@")
		}
	}
	return slices.Clip(out)
}
