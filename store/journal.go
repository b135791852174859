package store

import "slices"

// journalSize is how many changes of associations are remembered, of all clusters together. A watcher asks again within seconds.
const journalSize = 4096

// journal remembers the newest changes of associations, so that watchers in other processes learn what has changed instead of everything. It is fed
// by the store's watch and guarded by its lock.
type journal struct {
	ring    []AssociationChange // oldest at at, once it is full
	at      int
	dropped int64 // every later change is in the ring
	// A cluster that is not in clusters has not changed since quiet.
	clusters map[string]*clusterChanges
	quiet    int64
}

type clusterChanges struct {
	begun   int64         // what is in the ring from before it may be of another cluster, which had the name
	last    int64         // revision of the newest change
	changed chan struct{} // closed and replaced with each
}

// reset is for a state that was loaded: how it came about is not known.
func (j *journal) reset(revision int64) {
	for _, c := range j.clusters {
		close(c.changed)
	}
	*j = journal{dropped: revision, quiet: revision, clusters: make(map[string]*clusterChanges)}
}

// of is what is known of a cluster.
func (j *journal) of(cluster string) *clusterChanges {
	c, ok := j.clusters[cluster]
	if !ok {
		c = &clusterChanges{begun: j.quiet, last: j.quiet, changed: make(chan struct{})}
		j.clusters[cluster] = c
	}
	return c
}

func (j *journal) add(change AssociationChange) {
	if len(j.ring) < journalSize {
		j.ring = append(j.ring, change)
	} else {
		j.dropped = j.ring[j.at].Revision
		j.ring[j.at] = change
		j.at = (j.at + 1) % journalSize
	}
	c := j.of(change.Cluster)
	c.last = change.Revision
	close(c.changed)
	c.changed = make(chan struct{})
}

// forget drops a cluster that was deleted, once nothing of it can be asked for any more. Whoever asks all the same, and whoever follows the next cluster
// of its name from before that was registered, is told to begin anew.
func (j *journal) forget(cluster string, revision int64) {
	if c, ok := j.clusters[cluster]; ok {
		close(c.changed)
		delete(j.clusters, cluster)
		j.quiet = max(j.quiet, revision)
	}
}

// covers reports whether since knows every change of a cluster behind a revision.
func (j *journal) covers(cluster string, after int64) bool {
	c, ok := j.clusters[cluster]
	if !ok {
		return after >= j.quiet
	}
	return after >= c.begun && (after >= j.dropped || after >= c.last)
}

// since lists a cluster's changes behind a revision, oldest first.
func (j *journal) since(cluster string, after int64) (changes []AssociationChange) {
	for i := range j.ring {
		change := &j.ring[(j.at+len(j.ring)-1-i)%len(j.ring)]
		if change.Revision <= after {
			break
		}
		if change.Cluster == cluster {
			changes = append(changes, *change)
		}
	}
	slices.Reverse(changes)
	return changes
}

// deletion is the revision an association was deleted at, or a later one. It is 0 where that was before the state was loaded.
func (j *journal) deletion(cluster, id string) int64 {
	for i := range j.ring {
		change := &j.ring[(j.at+len(j.ring)-1-i)%len(j.ring)]
		if change.Cluster == cluster && change.ID == id && change.Deleted {
			return change.Revision
		}
	}
	if len(j.ring) < journalSize {
		return 0
	}
	return j.dropped
}
