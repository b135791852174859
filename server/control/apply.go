package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

func (s *service) applyActions() []restjson.Action {
	return []restjson.Action{
		restjson.NewAction("Apply", http.MethodPost, route("apply"), s.apply),
	}
}

// apply is api.ApplyRequest with its documents still to be read, so that the mistakes of all of them are told at once.
type apply struct {
	Documents []json.RawMessage `json:"documents"`
	DryRun    bool              `json:"dryRun"`
}

// object is a document that was authorised and is ready to be written.
type object struct {
	index  int    // of its document, from 0
	name   string // as it is told apart from others of its kind
	change api.ObjectChange
	// put makes the object so, and returns what it was ("" if it is new) and is, as YAML.
	put func(tx *store.Tx) (before, after string, err error)
}

// Objects are written in this order, since each kind may refer to the ones before it.
func rank(kind string) int {
	return slices.Index([]string{
		api.KindCluster, api.KindOIDCProvider, api.KindPolicy, api.KindRole, api.KindServiceAccount, api.KindAssociation,
	}, kind)
}

// errDryRun ends a transaction that is not to be committed.
var errDryRun = errors.New("dry run")

func (s *service) apply(ctx context.Context, c *restjson.Call, in *apply) (*api.ApplyResult, error) {
	documents, err := readDocuments(in.Documents)
	if err != nil {
		return nil, err
	}
	p := &plan{service: s, call: c, documents: documents, clusters: map[string]*store.Cluster{}}
	objects, err := p.objects(ctx)
	if err != nil {
		return nil, err
	}
	err = s.store.Transact(ctx, func(tx *store.Tx) error {
		for i := range objects {
			o := &objects[i]
			before, after, err := o.put(tx)
			if err != nil {
				return inDocument(o.index, o.change.Kind, o.change.Name, err)
			}
			o.change.Action, o.change.Diff = changeOf(before == "", before == after), diffLines(before, after)
		}
		if in.DryRun {
			return errDryRun
		}
		return nil
	})
	switch {
	case errors.Is(err, store.ErrTooLarge):
		return nil, invalid(
			"%d documents are too many or too large for one transaction. Nothing was changed. Apply them in parts.",
			len(objects)).Because(err)
	case err != nil && !errors.Is(err, errDryRun):
		return nil, err
	}
	slices.SortFunc(objects, func(a, b object) int { return cmp.Compare(a.index, b.index) })
	out := &api.ApplyResult{Changes: []api.ObjectChange{}}
	for _, o := range objects {
		out.Changes = append(out.Changes, o.change)
	}
	return out, nil
}

// readDocuments reads every document and reports the mistakes of all.
func readDocuments(texts []json.RawMessage) ([]api.Document, error) {
	if len(texts) == 0 || len(texts) > api.MaxDocuments {
		return nil, invalid("Apply takes 1 to %d documents at once, not %d.", api.MaxDocuments, len(texts))
	}
	documents := make([]api.Document, len(texts))
	var all api.Mistakes
	for i, text := range texts {
		err := documents[i].UnmarshalJSON(text)
		var found api.Mistakes
		if errors.As(err, &found) {
			for _, m := range found {
				m.Document = i + 1
				all = append(all, m)
			}
		} else if err != nil {
			return nil, err
		}
	}
	if len(all) > 0 {
		return nil, invalid("%v", all)
	}
	return documents, nil
}

// inDocument says of an error which document it is about, and keeps its code.
func inDocument(index int, kind, name string, err error) error {
	wire := awserr.From(err)
	if wire.Receiver() {
		return err
	}
	said := *wire
	said.Message = fmt.Sprintf("document %d (%s %s): %s", index+1, kind, name, wire.Message)
	return &said
}

// plan turns documents into objects.
type plan struct {
	*service
	call      *restjson.Call
	documents []api.Document
	clusters  map[string]*store.Cluster // by name, as the documents want them
}

func (p *plan) objects(ctx context.Context) ([]object, error) {
	order := make([]int, len(p.documents))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank(p.documents[a].Kind), rank(p.documents[b].Kind)) })
	seen := map[string]int{}
	var out []object
	for _, i := range order {
		d := &p.documents[i]
		o, err := p.object(ctx, d)
		if err != nil {
			return nil, inDocument(i, d.Kind, d.Metadata.Name, err)
		}
		o.index = i
		o.change.Kind, o.change.Namespace, o.change.Name = d.Kind, d.Metadata.Namespace, d.Metadata.Name
		id := d.Kind + " " + o.name
		if first, twice := seen[id]; twice {
			return nil, invalid("Documents %d and %d are about the same %s %s.", min(first, i)+1, max(first, i)+1, d.Kind, d.Metadata.Name)
		}
		seen[id] = i
		out = append(out, o)
	}
	return out, nil
}

func (p *plan) object(ctx context.Context, d *api.Document) (object, error) {
	switch spec := d.Spec.(type) {
	case *api.ClusterSpec:
		return p.cluster(ctx, d, spec)
	case *api.OIDCProviderSpec:
		return p.provider(d, spec)
	case *api.PolicySpec:
		return p.policy(d, spec)
	case *api.RoleSpec:
		return p.role(d, spec)
	case *api.ServiceAccountSpec:
		return p.serviceAccount(d, spec)
	case *api.AssociationSpec:
		return p.association(d, spec)
	}
	return object{}, invalid("Kind %q cannot be applied.", d.Kind)
}

// authorise asks for podpass:Apply on an object.
func (p *plan) authorise(resource string) error {
	return p.service.authorise(p.call, "Apply", resource)
}

// clusterNamed finds a cluster the documents refer to: among themselves, or one registered already. "" is the default one.
func (p *plan) clusterNamed(name string) (*store.Cluster, error) {
	name = cmp.Or(name, api.DefaultCluster)
	if c, ok := p.clusters[name]; ok {
		return c, nil
	}
	c, ok := p.store.Clusters.Get(name)
	if !ok || !p.reaches(p.call, c.Account) {
		return nil, noCluster(name)
	}
	return c, nil
}
