package image

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// PushOptions say how a registry is spoken to.
type PushOptions struct {
	// Insecure speaks plain HTTP where HTTPS is not answered. Registries on loopback are spoken to so anyway.
	Insecure bool
	// Progress is told how much is sent of how much; nil: nobody is.
	Progress func(sent, total int64)
}

// Push sends the image to a registry, as the user of Docker's configuration ($DOCKER_CONFIG, ~/.docker/config.json, credential helpers). destination
// is REPOSITORY or REPOSITORY:TAG. It returns the reference that will always mean this image: REPOSITORY@DIGEST.
func (i *Image) Push(ctx context.Context, destination string, options PushOptions) (pinned string, err error) {
	ref, err := ParseDestination(destination, options.Insecure)
	if err != nil {
		return "", err
	}
	settings := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent("podpass")}
	done := make(chan struct{})
	if options.Progress != nil {
		updates := make(chan v1.Update, 16)
		settings = append(settings, remote.WithProgress(updates))
		go func() {
			defer close(done)
			for u := range updates {
				if u.Error == nil {
					options.Progress(u.Complete, u.Total)
				}
			}
		}()
	} else {
		close(done)
	}
	if i.index != nil {
		err = remote.WriteIndex(ref, i.index, settings...)
	} else {
		err = remote.Write(ref, i.single, settings...)
	}
	<-done // remote has closed updates
	if err != nil {
		return "", err
	}
	return ref.Context().Digest(i.Digest()).Name(), nil
}

// ParseDestination reads REPOSITORY or REPOSITORY:TAG.
func ParseDestination(text string, insecure bool) (name.Tag, error) {
	var options []name.Option
	if insecure {
		options = append(options, name.Insecure)
	}
	ref, err := name.NewTag(text, options...)
	if err != nil {
		return name.Tag{}, fmt.Errorf("%q is not REPOSITORY or REPOSITORY:TAG, such as registry.example/podpass:v1: %w", text, err)
	}
	return ref, nil
}
