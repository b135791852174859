package iam_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// Of many that create one role at once, one succeeds.
func TestCreateOnce(t *testing.T) {
	a := start(t)
	var made atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			switch got := a.call(t, a.admin, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trusting("*")); got.status {
			case 200:
				made.Add(1)
			case 409:
			default:
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times", made.Load())
	}
}

// Names of policies are unique whatever their path, also for those that create them at once.
func TestCreatePolicyOnceUnderAnyPath(t *testing.T) {
	a := start(t)
	var made atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			switch got := a.call(t, a.admin, "CreatePolicy", "PolicyName=p", fmt.Sprintf("Path=/%d/", i), "PolicyDocument="+allowing("s3:*")); got.status {
			case 200:
				made.Add(1)
			case 409:
			default:
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 || a.store.Policies.Len() != 1 {
		t.Errorf("made %d times, %d stored", made.Load(), a.store.Policies.Len())
	}
}

// A policy that is attached while it is being deleted is either kept and attached, or gone and not attached.
func TestDeletePolicyWhileAttaching(t *testing.T) {
	a := start(t)
	if got := a.call(t, a.admin, "CreateRole", "RoleName=r", "AssumeRolePolicyDocument="+trusting("*")); got.status != 200 {
		t.Fatal(got.body)
	}
	for i := range 10 {
		name := fmt.Sprint("p", i)
		arn := "PolicyArn=arn:aws:iam::111122223333:policy/" + name
		if got := a.call(t, a.admin, "CreatePolicy", "PolicyName="+name, "PolicyDocument="+allowing("s3:*")); got.status != 200 {
			t.Fatal(got.body)
		}
		var attached, deleted answer
		var both sync.WaitGroup
		both.Go(func() { attached = a.call(t, a.admin, "AttachRolePolicy", "RoleName=r", arn) })
		both.Go(func() { deleted = a.call(t, a.admin, "DeletePolicy", arn) })
		both.Wait()
		if (attached.status == 200) == (deleted.status == 200) {
			t.Errorf("attached: %d, deleted: %d", attached.status, deleted.status)
		}
		a.call(t, a.admin, "DetachRolePolicy", "RoleName=r", arn)
	}
}
