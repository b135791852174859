package webhook

import "strings"

// mergeNoProxy keeps calls to the agent and to our STS off the proxy. Where NO_PROXY has a literal value it is made longer; where a proxy is
// set and nothing is excepted both spellings are added. A second spelling is never added to the first: programs that prefer it would
// lose what the first excepts.
func (p *plan) mergeNoProxy(c *Container, has *defined, a *Addition) {
	if has.noProxy[0] < 0 && has.noProxy[1] < 0 {
		if has.proxy {
			value := strings.Join(p.rules.settings.NoProxy, ",")
			a.Env = append(a.Env, EnvVar{Name: "NO_PROXY", Value: value}, EnvVar{Name: "no_proxy", Value: value})
		}
		return
	}
	refused := false
	for _, i := range has.noProxy {
		if i < 0 {
			continue
		}
		if c.Env[i].ValueFrom != nil {
			refused = true
			continue
		}
		if value := merged(c.Env[i].Value, p.rules.settings.NoProxy); value != c.Env[i].Value {
			a.Replace = append(a.Replace, Replacement{i, value})
		}
	}
	if refused {
		p.notLiteral = append(p.notLiteral, c.Name)
	}
}

// merged appends the entries that value lacks.
func merged(value string, entries []string) string {
	have := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	for _, entry := range entries {
		found := false
		for _, h := range have {
			found = found || h == "*" || strings.EqualFold(h, entry)
		}
		switch {
		case found:
		case strings.TrimSpace(value) == "":
			value = entry
		default:
			value = strings.TrimSuffix(value, ",") + "," + entry
		}
	}
	return value
}
