// Package clarity has no code of its own: it is the door to a library for Clarity, a contract language that is decidable
// and interpreted as it was written (SIP-002). The library knows no chain. It takes source text, a store and an
// environment, and gives values, events, costs and errors, as the language's reference implementation does.
//
//   - session is where to begin: a simulated chain to deploy and call contracts on.
//   - vm runs contracts on a Store and an Env of the caller's; store has Stores in memory and on disk; postcond has the
//     conditions that a transaction puts on what it may move.
//   - check analyses a contract and gives its interface; syntax reads and formats source text; reference documents
//     every word of the language.
//   - value and types have values and their types, and the encoding that goes over wires and into stores.
//   - cost counts what a run costs, and stops it at a limit.
package clarity
