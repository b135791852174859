package policy

// Use says where a document stands, which decides what it may and must contain.
type Use int

const (
	_           Use = iota // unknown: refused
	Identity               // inline or managed policy of a role or user; also permissions boundaries: Resource required, Principal refused
	Trust                  // a role's trust policy: Principal required, Resource refused
	SessionUse             // session policy: as Identity, 2,048 characters
	ResourceUse            // policy of a resource (simulator's ResourcePolicy): Principal and Resource
)

// Document is a parsed policy, immutable and safe for concurrent use.
type Document struct{}

// SyntaxError says what is wrong with a document and where (byte offset, line and column from 1). Message is AWS's text.
type SyntaxError struct {
	Message      string
	Offset       int
	Line, Column int
}

func (e *SyntaxError) Error() string { return e.Message }

// Parse reads a policy document strictly; it returns a *SyntaxError for any it refuses.
func Parse(text string, use Use) (*Document, error) { panic("contract") }

// Principals are the distinct principal values named by the document's statements, kind ("AWS", "Federated", "Service") and value.
func (d *Document) Principals() []Principal { panic("contract") }

// Principal is one value in a Principal or NotPrincipal element.
type Principal struct{ Kind, Value string }

// Source is a document and where it came from, for a Decision to name.
type Source struct {
	ID   string // "arn:aws:iam::…:policy/x", "role/reader inline policy NAME", "trust policy of arn…"
	Type string // the simulator's SourcePolicyType: "IAM Policy" …
	Doc  *Document
}

// Context holds condition keys and their values. Keys compare without regard to case.
// The zero Context is empty and usable.
type Context struct{}

// Set sets a single-valued key; SetMany a multivalued one (an empty list is "present and empty").
func (c *Context) Set(key, value string)                     { panic("contract") }
func (c *Context) SetMany(key string, values []string)       { panic("contract") }
func (c *Context) Get(key string) (values []string, ok bool) { panic("contract") }

// Overlay returns a copy; the original isn't changed.
func (c *Context) Clone() *Context { panic("contract") }

// Requester is who asks, as Principal elements see it. Every field may be empty.
type Requester struct {
	Account      string // 12 digits; "" anonymous
	PrincipalARN string // IAM identity: role ARN with its path, or user ARN
	SessionARN   string // assumed-role or federated-user ARN
	UniqueID     string // AROA…/AIDA… of the identity (stored trust policies pin roles and users to it)
	Federated    string // OIDC provider ARN for web identity
	Service      string // service principal
}

// Request is what is asked.
type Request struct {
	Requester Requester
	Action    string // "sts:AssumeRole"
	Resource  string // ARN, or "*"
	Context   *Context
	// Pins maps principal ARNs of roles and users, as they stand in the resource policy, to the unique id they had when it was saved. A
	// principal ARN with a pin matches only a requester of that id. nil: no pins.
	Pins map[string]string
}

// Policies is everything that applies to a request.
type Policies struct {
	Identity []Source // union
	Boundary []Source // nil: none; else one or more whose union must allow
	Session  []Source // nil: no session policy; else union must allow
	Resource []Source // trust or resource policies
	// RequireResource: the resource side must itself allow (trust policies, KMS keys).
	RequireResource bool
	// ResourceAccount is the account that owns the resource; cross-account needs both sides.
	ResourceAccount string
}

// Effect of a Decision; the zero value is refused like ImplicitDeny.
type Effect int

const (
	Undecided Effect = iota
	Allow
	ImplicitDeny
	ExplicitDeny
)

// Position in a document's text, from 1.
type Position struct{ Line, Column int }

// Match is a statement that matched.
type Match struct {
	Source     Source
	Sid        string
	Index      int // of the statement in its document, from 0
	Start, End Position
}

// Decision carries its reason.
type Decision struct {
	Effect  Effect
	Why     string   // one line for operators: which policy kind was missing an allow, or which statement decided; with the condition key and the value seen
	Matches []Match  // the statements that decided (deny: the denying ones; allow: the allowing ones)
	Missing []string // context keys the policies asked for and the request did not have
}

func (d Decision) Allowed() bool { return d.Effect == Allow }

// Evaluate decides in AWS's documented order: explicit deny anywhere; resource policy; identity; boundary; session.
func Evaluate(r *Request, p *Policies) Decision { panic("contract") }
