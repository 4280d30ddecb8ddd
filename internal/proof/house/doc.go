// Package house holds the plan of the house: which room may use which, what of other people's each one borrows, and
// what must never get into the daemon. Its tests are all that it has.
package house
