// Package fsm decides what is sold, what happens next to a sale, and what is left in the machine.
//
// It is pure: no input or output, no clock, no goroutine, no random number. Time, identifiers and the answers of the
// world arrive inside events; what is to be done leaves as effects. The caller records the new state before it carries
// out the effects:
//
//	next, effects, durable := fsm.Step(state, event)
//	if durable { journal.Append(…) }   // before any effect
//	perform(effects)                   // their outcomes come back as events
//
// It knows no payment service: a Call names an operation, and an adapter outside carries it out and says in Answered
// what came of it, a refusal by what it means for the sale. The one for Glase is in package app, another one in package
// sim.
//
// The money rules it holds: a motor start belongs to exactly one approved item; what is charged is the sum of what came
// out; an outcome that is not known is asked for, never assumed; a restart finishes the money of a sale but never moves
// a motor.
package fsm

//go:generate go test -run TestTheDiagramShowsTheCode -update .
