package policy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Statement is one statement of a document as text, and where it stands in it.
type Statement struct {
	Sid        string // "" where it has none
	Text       string
	start, end int
}

// Statements are a document's statements as text. It reads any JSON a policy may be, also what Parse refuses: what others wrote stays readable, and
// stays theirs. single says that Statement is one object rather than a list.
func Statements(document string) (all []Statement, single bool, err error) {
	found, err := findStatements(document)
	if err != nil {
		return nil, false, err
	}
	nodes := values([]node{found}, 0)
	all = make([]Statement, len(nodes))
	for i, n := range nodes {
		all[i] = Statement{Text: document[n.start:n.end], start: n.start, end: n.end}
		for _, m := range n.nodes {
			if m.name == "Sid" {
				all[i].Sid = m.text
			}
		}
	}
	return all, found.kind != '[', nil
}

func findStatements(document string) (node, error) {
	if len(document) > MaxDocument {
		return node{}, fmt.Errorf("the policy document has %d bytes, over %d", len(document), MaxDocument)
	}
	root, wrong := scanJSON(document)
	if wrong != nil {
		return node{}, fmt.Errorf("the policy document is not what IAM admits: %s at byte %d", wrong.detail, wrong.at)
	}
	for _, m := range root.nodes {
		if root.kind == '{' && m.name == "Statement" && (m.kind == '[' || m.kind == '{') {
			return m, nil
		}
	}
	return node{}, fmt.Errorf("the policy document has no Statement")
}

// AddStatement is the document with one more statement, behind all others. Everything else stays as it is, byte for byte; Statement becomes a list where
// it was one object.
func AddStatement(document, statement string) (string, error) {
	if !json.Valid([]byte(statement)) {
		return "", fmt.Errorf("the statement is no JSON")
	}
	all, err := findStatements(document)
	if err != nil {
		return "", err
	}
	if all.kind == '{' {
		return document[:all.start] + "[" + document[all.start:all.end] + "," + statement + "]" + document[all.end:], nil
	}
	if len(all.nodes) == 0 {
		return document[:all.start] + "[" + statement + "]" + document[all.end:], nil
	}
	last := all.nodes[len(all.nodes)-1].end
	return document[:last] + "," + statement + document[last:], nil
}

// ReplaceStatement is the document with the text of the i-th statement, from 0, replaced.
func ReplaceStatement(document string, i int, statement string) (string, error) {
	all, _, err := Statements(document)
	if err == nil && i >= len(all) {
		err = fmt.Errorf("the policy document has %d statements", len(all))
	}
	if err != nil {
		return "", err
	}
	return document[:all[i].start] + statement + document[all[i].end:], nil
}

// RemoveStatement is the document without its i-th statement, from 0. It undoes AddStatement byte for byte, but that Statement stays a list
// (see [UnwrapStatement]).
func RemoveStatement(document string, i int) (string, error) {
	all, single, err := Statements(document)
	if err == nil && (i >= len(all) || single) {
		err = fmt.Errorf("the policy document has %d statements, of which at least one must stay", len(all))
	}
	switch {
	case err != nil:
		return "", err
	case i > 0:
		return document[:all[i-1].end] + document[all[i].end:], nil
	case len(all) > 1:
		return document[:all[0].start] + document[all[1].start:], nil
	}
	return document[:all[0].start] + document[all[0].end:], nil
}

// UnwrapStatement makes Statement one object where it is a list of one.
func UnwrapStatement(document string) (string, error) {
	found, err := findStatements(document)
	if err != nil || found.kind != '[' || len(found.nodes) != 1 {
		return document, err
	}
	return document[:found.start] + strings.TrimSpace(document[found.start+1:found.end-1]) + document[found.end:], nil
}
