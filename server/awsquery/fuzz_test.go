package awsquery_test

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

// Any body gets one answer that is well-formed XML, and one event.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		"", "Action=Do&Version=2020-01-01", "Action=Do&Version=2020-01-01&Names.member.1=a&Animals.member.1.Food.member.1=b",
		"Action=Do&Version=2020-01-01&Names=&Keeper.Legs=x", "Action=<&Version=%00%ff", "Animals.member.1.member.1=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var got input
		s := serve(capture(&got))
		w := s.do(post(body))
		if len(s.events) != 1 {
			t.Errorf("%d events", len(s.events))
		}
		for d := xml.NewDecoder(strings.NewReader(w.Body.String())); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
		}
	})
}
