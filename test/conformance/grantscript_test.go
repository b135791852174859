package conformance_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	awsaccount "github.com/podpass/podpass/account"
	"github.com/podpass/podpass/grant"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
)

// What podpass grant --output-dir writes for others to run does what the grant would have done: run with the AWS CLI, twice, it leaves the grant nothing to
// change. The CLI is too old for associations, so IRSA; kubectl is one that hands the manifest over.
func TestGrantScript(t *testing.T) {
	cli, err := filepath.Abs(filepath.Join("..", "..", "build", "cli", "aws"))
	if given := os.Getenv("PODPASS_TEST_AWS_CLI"); err == nil && given != "" {
		cli, err = given, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	server := podpasstest.Start(t)
	server.AddRole(t, podpasstest.Role{Name: "theirs", Trust: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}}`})
	home, err := awsaccount.Connect(t.Context(), server.Config(podpasstest.As(server.Admin)), awsaccount.Options{})
	if err != nil {
		t.Fatal(err)
	}
	accounts := manifests{}
	world := grant.World{Cluster: grant.Cluster{Name: podpasstest.Cluster, ARN: podpasstest.ClusterARN(), Issuer: identity.MustIssuer(server.Issuer)}, Home: home, Service: accounts}
	specs := []grant.Spec{
		{Account: identity.ServiceAccount{Namespace: "shop", Name: "web"}, Mechanism: grant.IRSA, Managed: []string{"AmazonS3ReadOnlyAccess", "AmazonEC2ContainerRegistryReadOnly"}, WellKnown: []string{"external-dns"}},
		{Account: identity.ServiceAccount{Namespace: "shop", Name: "api"}, Mechanism: grant.IRSA, Role: "theirs", Managed: []string{"AmazonS3ReadOnlyAccess"}},
	}
	plan := func() (steps []grant.Step, plans []*grant.Plan) {
		plans, errs := grant.NewPlanner(world).Plans(t.Context(), specs, false, func(int) {})
		for i, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
			steps = append(steps, plans[i].Steps...)
		}
		return steps, plans
	}
	_, plans := plan()
	dir, bin := t.TempDir(), t.TempDir()
	if _, err := grant.Write(dir, world, plans); err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"aws":     fmt.Sprintf("#!/bin/sh\nexec %s --endpoint-url %s \"$@\"\n", cli, server.URL),
		"kubectl": "#!/bin/sh\nfor last; do :; done\ncat \"$last\" >> " + filepath.Join(bin, "applied") + "\n",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "apply.sh"))
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "AWS_REGION="+podpasstest.Region, "AWS_DEFAULT_REGION="+podpasstest.Region,
			"AWS_ACCESS_KEY_ID="+server.Admin.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+server.Admin.SecretAccessKey, "AWS_PAGER=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for _, p := range plans {
		accounts[p.Spec.Account] = map[string]string{"eks.amazonaws.com/role-arn": p.Role.String(), "podpass.io/granted-role-arn": p.Role.String()}
	}
	if steps, _ := plan(); len(steps) > 0 {
		t.Errorf("after the script there are still %q", steps)
	}
}

// manifests are the service accounts that were applied.
type manifests map[identity.ServiceAccount]map[string]string

func (m manifests) Read(_ context.Context, name identity.ServiceAccount) (*grant.Account, error) {
	if m[name] == nil {
		return nil, nil
	}
	return &grant.Account{Annotations: m[name]}, nil
}

func (manifests) HasNamespace(context.Context, string) (bool, error) { return true, nil }

func (manifests) Create(context.Context, identity.ServiceAccount, map[string]string) error {
	return errReadOnly
}

func (manifests) Annotate(context.Context, identity.ServiceAccount, map[string]string, ...string) error {
	return errReadOnly
}

func (manifests) Delete(context.Context, identity.ServiceAccount) (string, error) {
	return "", errReadOnly
}

func (manifests) Witness(context.Context, identity.ServiceAccount) (grant.Witness, error) {
	return nil, errReadOnly
}

var errReadOnly = fmt.Errorf("only the script changes service accounts here")
