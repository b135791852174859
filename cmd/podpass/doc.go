// Command podpass gives Kubernetes service accounts short-lived AWS credentials: it starts the authority (up, server), uses it (run, token),
// stands between it and the pods of a node (agent), looks after it (apply, cluster, association, account, admin, session, key, whois), and does what
// operators do by hand on any cluster and account (grant, revoke, sts-endpoint).
//
// One file holds one subcommand: its config struct, its flags, its checks and what it does. What several share stands in a file named
// after the thing: the application (app.go), settings (settings.go), failures and exit codes (failure.go), D/env (envfile.go), the
// connection to the authority (connect.go), tables and JSON (output.go). What up and server share is in serve.go, start.go and
// startfailure.go. What up runs besides is in upagent.go. The set-up of run is in runprepare.go, the mechanism it uses in runworkload.go,
// its agent in runagent.go, its child process in child.go, the child's environment in childenv.go, its token in tokenfile.go and privatedir.go;
// workload.go and kube.go say whose token it is. The association commands share their target, their view and the client in
// associationtarget.go, associationshow.go and eks.go. The agent's flags are in agentflags.go and what they come to in agentplan.go: what stands
// behind it in agentbacking.go, agentidentity.go and agentkeys.go, its node's pods in agentnode.go. It listens and serves in agentlisten.go,
// agentserve.go and agentadmin.go; agentloopback.go is the one that run and up start.
// install.go, installhistory.go, installimages.go and uninstall.go put podpass into a cluster: installvalues.go says with what, installcluster.go where,
// and what to do about each error; image*.go make the image.
// grant.go and revoke.go share grantworld.go (which cluster, which account) and grantrun.go (plan, ask, apply, tell); stsendpoint*.go are sts-endpoint. What
// the operator's commands connect to is in clusterclient.go and accountconnection.go; their progress is a liveline.go.
//
// The package may import everything; nothing may import it. It decides nothing about identity: that is the server's.
package main
