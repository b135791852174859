package agent

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/podpass/podpass/token"
)

// credentialsPath is the one path of the endpoint.
const credentialsPath = "/v1/credentials"

// Handler serves the endpoint.
func (a *Agent) Handler() http.Handler { return http.HandlerFunc(a.serve) }

func (a *Agent) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	credentials, how, err := a.answer(w, r)
	a.metrics.fetched(how)
	status := http.StatusOK
	if err != nil {
		status = err.Status
	}
	a.metrics.responses.WithLabelValues(strconv.Itoa(status)).Inc()
	if err != nil {
		a.cfg.Logger.Debug("request refused", "status", err.Status, "code", err.Code, "reason", oneLine(err.Reason), "from", r.RemoteAddr)
		writeError(w, err)
		return
	}
	writeCredentials(w, credentials)
}

func (a *Agent) answer(w http.ResponseWriter, r *http.Request) (*Credentials, outcome, *Error) {
	switch {
	case r.URL.Path != credentialsPath:
		return nil, refused, &Error{Status: http.StatusNotFound, Message: "404 page not found", Reason: "credentials are at " + credentialsPath}
	case !a.hosts[hostName(r.Host)]:
		return nil, refused, denied("Called agent through invalid address, please use either ["+strings.Join(a.cfg.Hosts, " ")+"] address not "+
			clip(oneLine(hostName(r.Host)), 100), "the Host header is none of this agent's addresses; use one of them in AWS_CONTAINER_CREDENTIALS_FULL_URI")
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		return nil, refused, &Error{Status: http.StatusMethodNotAllowed, Message: "Method Not Allowed", Reason: "credentials are fetched with GET"}
	}
	role, err := a.roleAskedFor(r.URL.RawQuery)
	if err != nil {
		return nil, refused, err
	}
	raw, err := authorization(r.Header["Authorization"])
	if err != nil {
		return nil, refused, err
	}
	c, err := a.identify(r.Context(), raw, role)
	if err == nil {
		if from, e := netip.ParseAddrPort(r.RemoteAddr); e == nil {
			c.from = from.Addr().Unmap().WithZone("")
		}
		err = a.admit(r.Context(), c)
	}
	if err != nil {
		return nil, refused, err
	}
	return a.fetch(r.Context(), c)
}

// authorization takes the raw token from the header, and says so where something else is there.
func authorization(values []string) (string, *Error) {
	const rawToken = "send the raw token: the Authorization header is the content of the file AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names"
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", &Error{Status: http.StatusBadRequest, Message: "Service account token cannot be empty", Reason: rawToken}
	case len(values) > 1:
		return "", unreadable("more than one Authorization header", rawToken)
	}
	raw := values[0]
	if scheme, _, ok := strings.Cut(raw, " "); ok && strings.EqualFold(scheme, "Bearer") {
		return "", unreadable("token has a Bearer prefix", rawToken+", without a Bearer prefix")
	}
	if len(raw) > token.MaxSize {
		return "", unreadable("token is longer than "+strconv.Itoa(token.MaxSize)+" bytes", rawToken)
	}
	for i := range len(raw) {
		if raw[i] < ' ' || raw[i] > '~' {
			return "", unreadable("token contains a line break, a control character or one that is not ASCII", rawToken+", without a line break")
		}
	}
	return raw, nil
}

// wireCredentials is what SDKs read.
type wireCredentials struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	AccountID       string `json:"AccountId"`
	Expiration      string
}

func writeCredentials(w http.ResponseWriter, c *Credentials) {
	body, err := json.Marshal(wireCredentials{
		c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.AccountID, c.Expiration.UTC().Format(time.RFC3339Nano),
	})
	if err != nil { // strings always can be written
		http.Error(w, "Unable to serialize credentials", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

// writeError answers as the EKS agent does, in text, and adds the reason.
func writeError(w http.ResponseWriter, e *Error) {
	text := firstLine(e)
	if reason := oneLine(e.Reason); reason != "" {
		w.Header().Set("Podpass-Reason", reason)
		text += "\n" + reason
	}
	http.Error(w, text, e.Status)
}

// firstLine is the EKS agent's whole answer: its own text, or what the service behind it said.
func firstLine(e *Error) string {
	if e.Code == "" {
		return oneLine(e.Message)
	}
	fault := "client"
	if e.Status >= http.StatusInternalServerError {
		fault = "server"
	}
	return "[" + oneLine(e.RequestID) + "]: (" + oneLine(e.Code) + "): " + oneLine(e.Message) + ", fault: " + fault
}

// oneLine is a text a header, a line or a log can carry: printable ASCII, and not more of it than is worth reading.
func oneLine(s string) string {
	const longest = 1000
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, clip(s, longest))
}

func clip(s string, longest int) string {
	if len(s) <= longest {
		return s
	}
	return s[:longest] + "..."
}
