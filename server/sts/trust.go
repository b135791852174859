package sts

import (
	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/server/awserr"
)

// authorise asks whether an application is granted, and tells the audit event which statement decided. refuse makes the public error of an action.
func (s *service) authorise(e *audit.Event, a *assume.Application, refuse func(action string) *awserr.Error) error {
	verdict, err := s.roles.Decide(a)
	if err != nil {
		return err
	}
	e.Statement = verdict.Statement
	if !verdict.Allowed() {
		return refuse(verdict.Refused).Because(verdict.Reason)
	}
	return nil
}
