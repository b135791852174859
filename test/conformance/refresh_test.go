package conformance_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// process is a client that lives on, and keeps the credentials it has until its SDK wants others.
type process struct {
	t      *testing.T
	in     io.Writer
	out    *bufio.Reader
	stderr bytes.Buffer
}

func live(t *testing.T, c client, env []string, endpoint string) *process {
	t.Helper()
	argv := c.argv("-", "", endpoint)
	cmd := exec.Command(argv[0], argv[1:]...)
	p := &process{t: t}
	cmd.Env, cmd.Stderr = env, &p.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// A client that hangs must not hold the test for ever.
	watchdog := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, &p.stderr)
		}
		watchdog.Stop()
	})
	p.in, p.out = in, bufio.NewReader(out)
	return p
}

// caller is who the client is by now.
func (p *process) caller() reply {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, "GetCallerIdentity {}"); err != nil {
		p.t.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("%v\n%s", err, &p.stderr)
	}
	var r reply
	if err := json.Unmarshal(line, &r.Output); err != nil {
		p.t.Fatal(err)
	}
	r.Error, _ = r.Output["error"].(string)
	return r
}

// becomes asks until the client's role is that one.
func (p *process) becomes(role string) {
	p.t.Helper()
	var last reply
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if last = p.caller(); strings.Contains(last.text("Arn"), ":assumed-role/"+role+"/") {
			return
		}
	}
	p.t.Fatalf("never became %s: %v", role, last.Output)
}

// A process that lives on asks the agent again when its credentials near their end, and not before. It gets the ones that are right by then: here
// those of the role the association was changed to. The relay makes the end near, so that nobody has to wait for it.
func TestRefresh(t *testing.T) {
	a := up(t)
	all := clients(t)
	first, second := a.role(t, "first", podTrust(nil)), a.role(t, "second", podTrust(nil))
	agent := a.agent(t, "127.0.0.1")
	for _, c := range all {
		if c.noTokenFile {
			continue // the CLI is a new process each time
		}
		t.Run(c.name, func(t *testing.T) {
			id := a.associate(t, all[0], c.name, "web", first)
			r := newRelay(t, agent)
			r.lasting(time.Minute)
			p := live(t, c, a.pod(t, c, r.url, a.token(t, c.name, "web", podIdentityAudience)), a.endpoint())
			p.becomes("first")
			a.must(t, all[0], "UpdatePodIdentityAssociation", object{"clusterName": "local", "associationId": id, "roleArn": second})
			p.becomes("second")
			r.lasting(0)
			for !slices.Contains(r.fetches(), fetch{Status: 200}) {
				p.becomes("second")
			}
			for range 3 {
				p.becomes("second")
			}
			r.expect(t)
		})
	}
}
