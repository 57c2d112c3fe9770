// Package gateway measures the gateway beside the engine alone and beside Go's own reverse proxy, in one run:
//
//	go test ./bench/gateway -bench . -benchtime 1x
//
// prints one table. Latency is of one client at a time, asking an engine that answers at once: what is added to it is the
// gateway's own work. Throughput is of many clients at once, whose engine makes tokens at a pace, as real ones do. Client,
// gateway and engine share the machine, which is to the gateway's disadvantage.
package gateway
