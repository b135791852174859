// Package cgroup makes, empties and removes a control group by its name, in every hierarchy of the machine at once: in the one of cgroup v2, in all those of v1,
// or in both where a machine has both. It limits nothing; it knows who belongs together. It imports nothing of podpass.
package cgroup
