// Package engine measures the embedded engine (model/gguf) beside llama.cpp's own server, in one run, on the same weights. It
// holds a test and benchmarks only:
//
//	FUNAI_LLAMA_SERVER=PATH go test ./bench/engine -run '^$' -bench Stories -benchtime 5x -timeout 1h
//
// Both sides have the same context for each request, the same threads, the same prompts, none of which was asked before, and
// make the same number of tokens: the end of an answer is banned on both. They take turns, and who begins changes with every round, so
// that what else the machine does meets both alike. The table has medians over the rounds; a ratio is the median of the rounds'
// ratios. Time to first token is the median over a round's requests, which all begin at once. Processor time is what the
// engine's process used for prompts and answers, for each token of the answers: for ours with the benchmark's own work in it, for the
// server without the client's.
//
// The server is started as who knows it would for many short answers: a slot and a context of its own for each request (-np, -c,
// --no-kv-unified), continuous batching (its default), flash attention where it pays (its default), its default batches (-b 2048
// -ub 512), and no prompt cache, since no prompt comes twice. It is of llama.cpp's release b9888, older than the libraries of the
// catalogue, which it can't run on, as our engine can't on its: TinyLlama's table shows mostly that the newer ones read prompts in
// IQ2_XXS several times as fast. The stories, in f16, are the fairer match.
//
//	npm pack @milk2025/llama-cpp-source@0.0.9888
//	tar xzf milk2025-llama-cpp-source-0.0.9888.tgz
//	mkdir llama.cpp && tar xzf package/llama.cpp-b9888.tar.gz -C llama.cpp --strip-components 1
//	cmake -S llama.cpp -B build -G Ninja -DCMAKE_BUILD_TYPE=Release
//	ninja -C build llama-server
package engine
