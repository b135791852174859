package webhook

import "strings"

// plan works out what each container of a pod gets.
type plan struct {
	rules        *Rules
	wiring       *wiring
	pairValues   [2]string
	endpointType string
	selects      selection

	injects   bool // a container got a pair or a mount
	usesToken bool // a container mounts the token's volume, now or already
	usesCA    bool

	half, byHand, taken, notLiteral []string // containers with these findings
}

func (p *plan) all(pod *Pod) []Addition {
	additions := make([]Addition, 0, len(pod.Spec.Containers)+len(pod.Spec.InitContainers))
	for init, list := range [2][]Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == "" || !p.selects.selects(list[i].Name) {
				continue // one without a name is refused by the API server, whatever is added
			}
			a := p.container(&list[i])
			if len(a.Env)+len(a.Mounts)+len(a.Replace) > 0 {
				a.Init, a.Index = init == 1, i
				additions = append(additions, a)
			}
		}
	}
	if len(additions) == 0 {
		return nil
	}
	return additions
}

// defined is what a container's environment says already. Indexes are -1 where a variable isn't there.
type defined struct {
	pair    [2]int
	foreign [2]int
	noProxy [2]int

	region, endpointType, endpoint, ca, metadata, proxy bool
}

func (p *plan) defined(env []EnvVar) defined {
	d := defined{pair: [2]int{-1, -1}, foreign: [2]int{-1, -1}, noProxy: [2]int{-1, -1}}
	for i := range env {
		switch name := env[i].Name; name {
		case p.wiring.pair[0]:
			d.pair[0] = i
		case p.wiring.pair[1]:
			d.pair[1] = i
		case p.wiring.foreign[0]:
			d.foreign[0] = i
		case p.wiring.foreign[1]:
			d.foreign[1] = i
		case "AWS_REGION", "AWS_DEFAULT_REGION":
			d.region = true
		case "AWS_STS_REGIONAL_ENDPOINTS":
			d.endpointType = true
		case "AWS_ENDPOINT_URL_STS":
			d.endpoint = true
		case "AWS_CA_BUNDLE":
			d.ca = true
		case "AWS_EC2_METADATA_DISABLED":
			d.metadata = true
		case "NO_PROXY":
			d.noProxy[0] = i
		case "no_proxy":
			d.noProxy[1] = i
		case "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy":
			d.proxy = true
		}
	}
	return d
}

func (p *plan) container(c *Container) (a Addition) {
	has := p.defined(c.Env)
	none := has.pair[0] < 0 && has.pair[1] < 0
	both := has.pair[0] >= 0 && has.pair[1] >= 0
	if !none && !both {
		p.half = append(p.half, c.Name)
	}
	switch {
	case both && configured(c, &c.Env[has.pair[1]]):
		p.usesToken = p.usesToken || c.mounts(p.wiring.volume)
		return a
	case !both && has.foreign[0] >= 0 && has.foreign[1] >= 0:
		p.byHand = append(p.byHand, c.Name)
		return a
	case !none && has.region && has.endpointType:
		return a // as the EKS webhook leaves such a container
	}

	a.Env = make([]EnvVar, 0, 8)
	add := func(name, value string) { a.Env = append(a.Env, EnvVar{Name: name, Value: value}) }
	settings := &p.rules.settings
	if !has.endpointType && p.endpointType != "" {
		add("AWS_STS_REGIONAL_ENDPOINTS", p.endpointType)
	}
	if !has.region && settings.DefaultRegion != "" {
		add("AWS_DEFAULT_REGION", settings.DefaultRegion)
		add("AWS_REGION", settings.DefaultRegion)
	}
	if none {
		add(p.wiring.pair[0], p.pairValues[0])
		add(p.wiring.pair[1], p.pairValues[1])
		p.injects = true
	}
	if settings.STSEndpoint != "" && !has.endpoint {
		add("AWS_ENDPOINT_URL_STS", settings.STSEndpoint)
	}
	if settings.DisableMetadata && !has.metadata {
		add("AWS_EC2_METADATA_DISABLED", "true")
	}
	if settings.MergeNoProxy {
		p.mergeNoProxy(c, &has, &a)
	}
	p.mount(c, &a, p.wiring.volume, p.wiring.mountPath)
	if settings.InjectCA && !has.ca && p.mount(c, &a, caVolume, settings.CAMountPath) {
		add("AWS_CA_BUNDLE", settings.CAMountPath+"/"+caKey)
	}
	return a
}

// mount adds a mount, unless the container has one of that volume. It reports whether the volume is at path then: a second mount at one
// path would make the API server refuse the pod, and where the volume is mounted elsewhere path names nothing.
func (p *plan) mount(c *Container, a *Addition, volume, path string) bool {
	token := volume == p.wiring.volume
	for i := range c.VolumeMounts {
		m := &c.VolumeMounts[i]
		samePath := strings.TrimSuffix(m.MountPath, "/") == strings.TrimSuffix(path, "/")
		switch {
		case m.Name == volume:
			p.usesToken = p.usesToken || token
			p.usesCA = p.usesCA || !token
			return samePath
		case samePath:
			p.taken = append(p.taken, c.Name)
			return false
		}
	}
	a.Mounts = append(a.Mounts, VolumeMount{Name: volume, MountPath: path})
	p.usesToken = p.usesToken || token
	p.usesCA = p.usesCA || !token
	p.injects = p.injects || token
	return true
}

func (c *Container) mounts(volume string) bool {
	for i := range c.VolumeMounts {
		if c.VolumeMounts[i].Name == volume {
			return true
		}
	}
	return false
}

// configured reports whether a container whose pair is complete needs nothing more: its token's file is in something it mounts, or is named
// by what only the kubelet will know. Then the pair was written by hand, or by a webhook that came first.
func configured(c *Container, file *EnvVar) bool {
	if file.ValueFrom != nil {
		return true
	}
	path := strings.ReplaceAll(file.Value, `\`, "/")
	if len(path) > 1 && path[1] == ':' {
		path = path[2:]
	}
	for i := range c.VolumeMounts {
		directory := strings.TrimSuffix(c.VolumeMounts[i].MountPath, "/")
		if path == directory || strings.HasPrefix(path, directory+"/") {
			return true
		}
	}
	return false
}

// findings appends what was odd about containers, once for all of them.
func (p *plan) findings(to []Finding, m Mechanism) []Finding {
	for _, f := range []struct {
		reason Reason
		names  []string
		text   string
	}{
		{HalfDefinedPair, p.half, "only one of " + p.wiring.pair[0] + " and " + p.wiring.pair[1] + " is set, so that neither is added: set both or none"},
		{HandConfigured, p.byHand, p.wiring.foreign[0] + " and " + p.wiring.foreign[1] + " are set already: nothing of " + m.String() + " is added"},
		{MountPathTaken, p.taken, "another volume is mounted where ours would be, so that it is not mounted"},
		{NoProxyNotLiteral, p.notLiteral, "NO_PROXY is no literal value, so that the agent's addresses cannot be added to it"},
	} {
		if len(f.names) > 0 {
			to = append(to, Finding{f.reason, "container " + named(f.names) + ": " + f.text})
		}
	}
	return to
}
