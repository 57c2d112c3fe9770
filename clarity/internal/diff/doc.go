// Package diff holds this implementation of Clarity against the reference implementation: it makes random programs that
// are well-typed or nearly so, plays each on both, and compares values, events, classes of errors and costs. It needs Node
// for that; what the reference answered to the programs of the golden corpus is kept, and replayed without.
package diff
