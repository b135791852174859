package policy

// condition is one key of one operator: all conditions of a statement must hold.
type condition struct {
	operator
	opName string // as written
	name   string // the key as written
	key    string // …in lower case
	tag    uint32
	values []string // as written, for explanations
	want   wanted
}

// holds evaluates the condition. deny is the statement's effect: a request value that can't be read as the operator's type makes an
// Allow not apply and a Deny apply, whichever operator it is.
func (c *condition) holds(ctx *Context, deny bool) bool {
	e := ctx.find(c.key, c.tag)
	absent := e == nil || e.multi && len(e.many) == 0
	if c.family == null {
		return c.want.(bools).has(absent)
	}
	if absent {
		return c.holdsAbsent(ctx)
	}
	if !e.multi {
		return c.holdsOne(e.one, ctx, deny)
	}
	return c.holdsMany(e.many, ctx, deny)
}

// holdsAbsent: a positive operator fails on an absent key, and, as AWS documents, a negated one and ForAllValues hold.
func (c *condition) holdsAbsent(ctx *Context) bool {
	switch {
	case c.ifExists || c.set == forAll:
		return true
	case c.set == forAny:
		return false
	}
	return c.negated && c.want.resolvable(ctx)
}

func (c *condition) holdsOne(value string, ctx *Context, deny bool) bool {
	switch c.want.find(value, ctx) {
	case hit:
		return !c.negated
	case miss:
		return c.negated
	case unreadable:
		return deny
	}
	return false // a variable without a value: no match, negated or not
}

// holdsMany: ForAllValues wants every value to hold, ForAnyValue one. Without a prefix a positive operator wants one value that matches
// and a negated one wants none.
func (c *condition) holdsMany(values []string, ctx *Context, deny bool) bool {
	all := c.set == forAll || c.set == single && c.negated
	for _, v := range values {
		if c.holdsOne(v, ctx, deny) != all {
			return !all
		}
	}
	return all
}
