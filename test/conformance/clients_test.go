package conformance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// client is an unmodified SDK or tool.
type client struct {
	name string
	// argv is the command for an action with JSON input. endpoint is what the client must be told in code or by a flag, "" where it is to find
	// its way by the environment or by AWS's own host names.
	argv func(action, input, endpoint string) []string
	// oldSTS: knows no endpoint variable for web identity, and calls sts.<region>.amazonaws.com whatever it is told.
	oldSTS bool
	// associations: knows EKS's actions on Pod Identity associations.
	associations bool
	// noTokenFile: knows AWS_CONTAINER_AUTHORIZATION_TOKEN, and not AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.
	noTokenFile bool
}

// clients are built or found once, by TestMain.
func clients(t *testing.T) []client {
	t.Helper()
	cli := os.Getenv("PODPASS_TEST_AWS_CLI")
	if cli == "" {
		t.Fatal("PODPASS_TEST_AWS_CLI is not set: run these tests with `make test`, which fetches the clients")
	}
	plain := func(command ...string) func(action, input, endpoint string) []string {
		return func(action, input, endpoint string) []string {
			return append(command[:len(command):len(command)], action, input)
		}
	}
	return []client{
		{name: "aws-sdk-go-v2", associations: true, argv: plain(filepath.Join(binDir, "gov2"))},
		{name: "aws-sdk-js-v3", associations: true, argv: plain("node", "js/client.mjs")},
		{name: "aws-sdk-go-v1", oldSTS: true, associations: true, argv: func(action, input, endpoint string) []string {
			return []string{"env", "PODPASS_TEST_ENDPOINT=" + endpoint, filepath.Join(binDir, "gov1"), action, input}
		}},
		{name: "aws-cli-2.9.19", oldSTS: true, noTokenFile: true, argv: func(action, input, endpoint string) []string {
			service := "iam"
			switch {
			case stsActions[action]:
				service = "sts"
			case eksActions[action]:
				service = "eks"
			}
			argv := []string{cli, service, kebab(action), "--cli-input-json", input, "--output", "json"}
			if endpoint != "" {
				argv = append(argv, "--endpoint-url", endpoint)
			}
			return argv
		}},
	}
}

var stsActions = map[string]bool{
	"AssumeRole": true, "AssumeRoleWithWebIdentity": true, "GetCallerIdentity": true, "GetSessionToken": true, "GetAccessKeyInfo": true,
}

var eksActions = map[string]bool{
	"DescribeCluster": true, "ListClusters": true, "TagResource": true, "UntagResource": true, "ListTagsForResource": true,
}

var (
	wordStart = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	acronym   = regexp.MustCompile(`([A-Z]+)([A-Z][a-z])`)
)

// kebab is an action's name as the CLI spells it: CreateOpenIDConnectProvider is create-open-id-connect-provider.
func kebab(action string) string {
	s := strings.ReplaceAll(action, "OpenID", "Open-Id-")
	s = acronym.ReplaceAllString(wordStart.ReplaceAllString(s, "$1-$2"), "$1-$2")
	return strings.ToLower(strings.ReplaceAll(s, "--", "-"))
}

// reply is what a client printed.
type reply struct {
	Output map[string]any
	Error  string // AWS's code; "" for success
	Stderr string
}

// get walks the output by member names. The SDKs for Go give a member's name a capital, where on the wire it has none.
func (r reply) get(path ...string) any {
	var v any = r.Output
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = nil
		for member, value := range m {
			if strings.EqualFold(member, name) {
				v = value
			}
		}
	}
	return v
}

// text is a member that is a text, "" where it isn't there.
func (r reply) text(path ...string) string {
	text, _ := r.get(path...).(string)
	return text
}

// The CLI says a refusal in a sentence, where the others print it as JSON.
var cliError = regexp.MustCompile(`An error occurred \((\w+)\) when calling the (\w+) operation[^:]*: (.*)`)

func execute(t *testing.T, env, argv []string) reply {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &stdout, &stderr
	err := cmd.Run()
	r := reply{Stderr: stderr.String()}
	if stdout.Len() > 0 {
		if jsonErr := json.Unmarshal(stdout.Bytes(), &r.Output); jsonErr != nil {
			t.Fatalf("%s: not JSON: %v\n%s\n%s", argv, jsonErr, &stdout, &stderr)
		}
	}
	if code, ok := r.Output["error"].(string); ok {
		r.Error = code
	} else if m := cliError.FindStringSubmatch(r.Stderr); m != nil {
		r.Error = m[1]
		r.Output = map[string]any{"message": m[3]}
	} else if err != nil {
		r.Error = fmt.Sprint(err)
	}
	return r
}
