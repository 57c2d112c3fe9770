// Package clarity measures our implementation of Clarity beside the reference implementation, which runs in a Node.js
// process, on the same contracts in the same run. It holds tests and benchmarks only: the test runs every program once on
// both and compares what they answer; the benchmarks report times net of the call itself, and how many times as fast as the
// reference implementation we are. `go test ./bench/clarity -run TestTable -table` prints them as a Markdown table.
package clarity
