package store

import "time"

// ServiceAccount of a hosted cluster.
type ServiceAccount struct {
	Cluster     string            `json:"cluster"`
	Namespace   string            `json:"namespace"`
	Name        string            `json:"name"`
	UID         string            `json:"uid"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Created     time.Time         `json:"created"`
}

func (a *ServiceAccount) pack(p *packing) {
	p.share(&a.Cluster, &a.Namespace)
	p.own(&a.Name, &a.UID)
	p.ownValues(a.Annotations)
}

// ServiceAccountKey is CLUSTER/NAMESPACE/NAME.
func ServiceAccountKey(cluster, namespace, name string) string {
	return cluster + "/" + namespace + "/" + name
}
