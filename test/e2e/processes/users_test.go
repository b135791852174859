//go:build e2e

package processes_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// createUsers has several clients create users, each until its first error or the context's end, and returns the names of those that were
// acknowledged as they are. The channel is closed when all have stopped.
func (a *authority) createUsers(ctx context.Context, prefix string) <-chan string {
	a.t.Helper()
	client := iam.NewFromConfig(a.aws(), func(o *iam.Options) { o.RetryMaxAttempts = 1 })
	acknowledged := make(chan string, 1)
	var group sync.WaitGroup
	var first sync.Once
	for worker := range 4 {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				name := fmt.Sprintf("%s-%d-%d", prefix, worker, n)
				if _, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err != nil {
					first.Do(func() { a.t.Logf("the first client stopped: %v", err) })
					return
				}
				acknowledged <- name
			}
		})
	}
	go func() {
		group.Wait()
		close(acknowledged)
	}()
	return acknowledged
}

// wantUsers fails the test for each of the users that is not there.
func (a *authority) wantUsers(names []string) {
	a.t.Helper()
	there := map[string]bool{}
	pages := iam.NewListUsersPaginator(iam.NewFromConfig(a.aws()), &iam.ListUsersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(a.t.Context())
		if err != nil {
			a.t.Fatal(err)
		}
		for _, u := range page.Users {
			there[aws.ToString(u.UserName)] = true
		}
	}
	for _, name := range names {
		if !there[name] {
			a.t.Errorf("user %s was acknowledged and is lost", name)
		}
	}
	a.t.Logf("%d acknowledged users are there", len(names))
}
