package agent

import "net/netip"

// queue is of flights that wait for their turn, which goes round: to each verified pod, and to each address that tokens come from which nobody has
// verified. So a pod that floods the agent with tokens only the backend can judge keeps none but itself waiting.
type queue struct {
	lanes map[lane][]*flight // none is empty
	order []lane             // whose turn it is, the next one first
	size  int                // flights
}

// lane is whose turn it is.
type lane struct {
	caller  digest     // if verified
	address netip.Addr // otherwise
}

func (f *flight) lane() lane {
	if f.verified {
		return lane{caller: f.known.key}
	}
	return lane{address: f.from}
}

func newQueue() *queue { return &queue{lanes: map[lane][]*flight{}} }

func (q *queue) put(f *flight) {
	l := f.lane()
	if len(q.lanes[l]) == 0 {
		q.order = append(q.order, l)
	}
	q.lanes[l] = append(q.lanes[l], f)
	q.size++
}

// take is nil where nobody waits.
func (q *queue) take() *flight {
	if q.size == 0 {
		return nil
	}
	l := q.order[0]
	q.order = q.order[1:]
	f := q.lanes[l][0]
	q.lanes[l] = q.lanes[l][1:]
	q.size--
	if len(q.lanes[l]) > 0 {
		q.order = append(q.order, l)
	} else {
		delete(q.lanes, l)
	}
	return f
}

// displace takes out the last flight of whoever has the most, to make room for a caller who has fewer; nil where nobody has more.
func (q *queue) displace(c *caller) *flight {
	longest := (&flight{caller: *c}).lane()
	most := len(q.lanes[longest]) + 1
	own := most
	for l, flights := range q.lanes {
		if len(flights) > most {
			longest, most = l, len(flights)
		}
	}
	if most == own {
		return nil
	}
	flights := q.lanes[longest]
	last := len(flights) - 1
	f := flights[last]
	flights[last] = nil
	q.lanes[longest] = flights[:last]
	q.size--
	return f
}
