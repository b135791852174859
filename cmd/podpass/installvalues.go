package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/podpass/podpass/image"
	"github.com/podpass/podpass/install"
)

// releaseConfig is what the values of a release are made of.
type releaseConfig struct {
	imageConfig
	files, sets     []string
	clusterName     string
	image           string
	endpoint, ca    string
	region, account string
}

func (c *releaseConfig) flags(f *pflag.FlagSet) {
	f.StringVar(&c.clusterName, "cluster-name", "", "`name` the cluster is registered by (required, here or as clusterName in a file)")
	f.StringVar(&c.image, "image", "", "`REPOSITORY[@DIGEST]` of the image (required, here or in a file); without a digest it is that of this binary")
	f.StringVar(&c.region, "region", "", "AWS `region` the authority stands in")
	f.StringVar(&c.account, "account", "", "`id` of its first account")
	f.StringVar(&c.endpoint, "endpoint", "", "`URL` of a podpass server elsewhere, instead of one in this cluster")
	f.StringVar(&c.ca, "ca", "", "PEM `file` of the CA of that server, where it is not a public one")
	f.StringArrayVarP(&c.files, "values", "f", nil, "YAML `file` of values, - for standard input; may be repeated, a later one overrides")
	f.StringArrayVar(&c.sets, "set", nil, "`KEY=VALUE` of a value, such as server.storage.size=10Gi; may be repeated, overrides files")
	c.imageConfig.flags(f)
}

// values lays, from the bottom, files, --set and flags on each other. reused says that more of them come from the release that is there.
func (c *releaseConfig) values(a *app, reused bool) (install.Values, error) {
	values := install.Values{}
	var problems []error
	for _, file := range c.files {
		text, err := a.readValues(file)
		if err == nil {
			err = values.Merge(text)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("--values %s: %w", file, err))
		}
	}
	for _, text := range c.sets {
		if err := values.Set(text); err != nil {
			problems = append(problems, fmt.Errorf("--set %w", err))
		}
	}
	values.Put("clusterName", c.clusterName)
	values.Put("region", c.region)
	values.Put("account", c.account)
	problems = append(problems, c.elsewhere(values)...)
	if len(problems) > 0 {
		return nil, usage("podpass install --help", "%w", errors.Join(problems...))
	}
	if values.Text("clusterName") == "" && !reused {
		return nil, usage("podpass install --dry-run --cluster-name prod --image REPOSITORY", "--cluster-name is missing: the name this cluster is registered by, any you like")
	}
	return values, c.pin(values, reused)
}

func (a *app) readValues(file string) ([]byte, error) {
	const limit = 4 << 20
	if file == "-" {
		return readAllCapped(a.In, "standard input", limit)
	}
	return readCapped(file, limit)
}

// elsewhere puts a server that is not in this cluster.
func (c *releaseConfig) elsewhere(values install.Values) (problems []error) {
	if c.endpoint != "" {
		values.Put("endpoint", c.endpoint)
		if err := values.Set("server.enabled=false"); err != nil {
			problems = append(problems, err)
		}
	}
	if c.ca == "" {
		return problems
	}
	text, err := readCapped(c.ca, 1<<20)
	if err != nil {
		return append(problems, fmt.Errorf("--ca: %w", err))
	}
	values.Put("ca", string(text))
	return problems
}

// pin puts the image: the one that is named by its digest, or this binary's.
func (c *releaseConfig) pin(values install.Values, reused bool) error {
	repository, digest, pinned := strings.Cut(c.image, "@")
	if c.image == "" {
		if values.Text("image.digest") != "" || values.Text("image.tag") != "" || reused {
			return nil // a file, or the release, has it all
		}
		repository = values.Text("image.repository")
	}
	if repository == "" {
		return usage("podpass image push REPOSITORY   # then --image REPOSITORY", "--image is missing: where the image of podpass is")
	}
	tag, err := image.ParseDestination(repository, false)
	if err != nil {
		return usage("podpass install --help", "--image: %w", err)
	}
	if !pinned {
		img, err := c.build()
		if err != nil {
			return err
		}
		digest = img.Digest()
	}
	name := repository
	if strings.HasSuffix(repository, ":"+tag.TagStr()) {
		name = strings.TrimSuffix(repository, ":"+tag.TagStr())
	}
	values.Put("image.repository", name)
	values.Put("image.digest", digest)
	return nil
}
