package policy

import "strings"

// arnText is an ARN cut at its first five colons.
type arnText struct {
	text string
	ends [5]int // of the colons
	ok   bool   // there are five
}

func cutARN(text string) arnText {
	a := arnText{text: text}
	at := 0
	for i := range a.ends {
		n := strings.IndexByte(text[at:], ':')
		if n < 0 {
			return a
		}
		a.ends[i] = at + n
		at += n + 1
	}
	a.ok = true
	return a
}

func (a *arnText) lead(i int) string {
	if i == 0 {
		return a.text[:a.ends[0]]
	}
	return a.text[a.ends[i-1]+1 : a.ends[i]]
}

func (a *arnText) resource() string { return a.text[a.ends[4]+1:] }

// arnPattern matches ARNs: the five leading segments each by themselves, so that no wildcard in one reaches into the next, and the
// last as one text in which "*" and "?" cross "/" and ":".
type arnPattern struct {
	any    bool      // "*" alone
	lead   string    // "arn:aws:s3:::" when the leading segments hold no wildcard
	leads  *[5]glob  // when they do
	last   pattern   // the resource segment
	whole  *template // instead of all these: variables stand before the fifth colon
	source string    // as written
}

// compileARN compiles a Resource or an ARN condition's value. Segments that are missing at the end are "*", as AWS fills them in.
func compileARN(text string, variables bool) (arnPattern, error) {
	a := arnPattern{source: text}
	if text == "*" {
		a.any = true
		return a, nil
	}
	fixed := text
	if variables {
		if i := strings.Index(text, "${"); i >= 0 {
			fixed = text[:i]
		}
	}
	cut := cutARN(fixed)
	if !cut.ok && fixed != text {
		parts, literal, err := parseTemplate(text, true)
		if err != nil {
			return a, err
		}
		if parts == nil { // only ${*} and the like
			parts = []part{{text: literal}}
		}
		a.whole = &template{parts}
		return a, nil
	}
	if !cut.ok {
		cut = cutARN(text + strings.Repeat(":*", 5-strings.Count(text, ":")))
		text = cut.text
	}
	lead := cut.text[:cut.ends[4]+1]
	if strings.ContainsAny(lead, "*?") {
		a.leads = new([5]glob)
		for i := range a.leads {
			a.leads[i] = compileGlob(wildcards(cut.lead(i)))
		}
	} else {
		a.lead = lead
	}
	var err error
	a.last, err = compilePattern(text[len(lead):], patternRules{variables: variables, wildcards: true})
	return a, err
}

func (a *arnPattern) matches(arn *arnText, c *Context) verdict {
	if a.any {
		return hit
	}
	if a.whole != nil {
		return a.matchesWhole(arn, c)
	}
	if !arn.ok {
		return miss
	}
	if a.leads == nil {
		if !strings.HasPrefix(arn.text, a.lead) {
			return miss
		}
	} else {
		for i := range a.leads {
			if !a.leads[i].match(arn.lead(i)) {
				return miss
			}
		}
	}
	return a.last.matches(arn.resource(), c)
}

func (a *arnPattern) matchesWhole(arn *arnText, c *Context) verdict {
	text, ok := a.whole.expand(c)
	if !ok {
		return unresolved
	}
	p := cutARN(text)
	if !p.ok || !arn.ok {
		return verdictOf(text == star)
	}
	for i := range p.ends {
		if !matchGlob(p.lead(i), arn.lead(i)) {
			return miss
		}
	}
	return verdictOf(matchGlob(p.resource(), arn.resource()))
}

func (a *arnPattern) template() *template {
	if a.whole != nil {
		return a.whole
	}
	return a.last.vars
}
