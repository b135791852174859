package awsquery

import (
	"net/http"

	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/record"
)

// directory finds actions by their name and API version. Versions tell the services apart: STS and IAM have one each. Which service a
// signature is scoped to must then agree, which authenticating checks.
type directory struct {
	services []Service
	actions  map[operation]entry
}

type operation struct{ version, action string }

type entry struct {
	service *Service
	action  *Action
}

func newDirectory(services []Service) *directory {
	d := &directory{services: services, actions: map[operation]entry{}}
	for i := range services {
		s := &services[i]
		for j := range s.Actions {
			d.actions[operation{s.Version, s.Actions[j].Name}] = entry{s, &s.Actions[j]}
		}
	}
	return d
}

// noVersion stands in AWS's message for a version that was not given.
const noVersion = "NO_VERSION_SPECIFIED"

// find returns the operation a form asks for. Where there is none, the entry's service is the one whose version was named, or the first:
// its namespace is the error's.
func (d *directory) find(form *Form) (entry, error) {
	name, named := form.Get("Action")
	version, versioned := form.Get("Version")
	if e, ok := d.actions[operation{version, name}]; ok {
		return e, nil
	}
	var e entry
	for i := range d.services {
		if s := &d.services[i]; e.service == nil || s.Version == version {
			e.service = s
		}
	}
	if !named || name == "" {
		return e, awserr.New(http.StatusBadRequest, "MissingAction", "The request is missing an action or a required parameter.")
	}
	if !versioned {
		version = noVersion
	}
	return e, awserr.New(http.StatusBadRequest, "InvalidAction",
		"Could not find operation "+record.Clip(name, 128)+" for version "+record.Clip(version, 64))
}
