// Command mutate makes one small mistake after another in a package, and sees whether the package's own tests notice.
// A mistake that none notices (it survives) is printed: it stands for a test that is missing, or for code that does
// nothing.
//
//	mutate [-seed N] [-count N] [-root FOLDER] [-quick] [-json] PACKAGE…
//
// # What is changed
//
// A condition is negated; && and || are swapped; a comparison gets or loses its =; a statement is not carried out; a
// number or a duration becomes none, a quarter of it, or one more; a result becomes nil, nothing or its opposite.
// Calls that write a line of the log are left alone: what a log says is no promise that is worth a test of its own.
//
// # How it is done
//
// The work tree is only read: a mutant is a file in a temporary folder, which the compiler reads in the place of the
// original one (go help build, -overlay). All possible mutants of a package are listed and shuffled by the seed, and
// the first ones that compile are tried, up to the count: the same seed and the same code give the same sample. Tests
// run without the race detector, the quick ones first, and a mutant is done with at the first that fails. A mutant
// whose tests take ten times as long as they should counts as killed by time. It may use memoryMax, so that one that
// allocates for ever harms nobody.
//
// # Exit
//
// 0 with the report, whatever it says: it is no gate. 1 when a package's tests fail as they are, or at a signal,
// which leaves nothing behind. 2 for a wrong call.
package main
