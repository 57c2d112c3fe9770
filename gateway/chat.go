package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"funai/amount"
	"funai/model"
)

// Response headers of the network.
const (
	headerReceipt = "X-Funai-Receipt"
	headerServer  = "X-Funai-Server"
	headerFee     = "X-Funai-Fee" // base units; a trailer when streaming
)

// collected sends chat completions whole.
type collected struct {
	*response
	parts []part
}

// part is one answer as it is gathered.
type part struct {
	text   strings.Builder
	tokens []model.Token
	calls  []ToolCall
}

func (p *part) add(d Delta, logprobs bool) {
	p.text.WriteString(d.Text)
	if logprobs {
		p.tokens = append(p.tokens, d.Tokens...)
	}
	for _, c := range d.Calls {
		// came has bounded the index.
		for len(p.calls) <= c.Index {
			p.calls = append(p.calls, ToolCall{})
		}
		call := &p.calls[c.Index]
		call.ID += c.ID
		call.Name += c.Name
		call.Arguments += c.Arguments
	}
}

// gather makes room for every choice.
func gather(parts *[]part, c *chat) {
	if *parts == nil {
		*parts = make([]part, max(len(c.prompts), 1)*c.n)
	}
}

func (c *collected) delta(i int, d Delta) error {
	gather(&c.parts, c.chat)
	c.parts[i].add(d, c.chat.Logprobs)
	return nil
}

func (c *collected) finish(as []Answer) error {
	gather(&c.parts, c.chat)
	out := completion{ID: c.id("chatcmpl-"), Object: "chat.completion", Created: c.begun.Unix(), Model: c.chat.Model,
		Choices: make([]choice, len(as)), Usage: usageOf(as), Funai: extraOf(as)}
	for i, a := range as {
		p := &c.parts[i]
		text := p.text.String()
		m := message{Role: "assistant", Content: &text, Calls: callsOf(p.calls)}
		if text == "" && len(p.calls) > 0 {
			m.Content = nil
		}
		out.Choices[i] = choice{Index: i, Message: m, Logprobs: logprobs(p.tokens), FinishReason: a.Finish}
	}
	return c.whole(as, out)
}

// whole writes an answer that is not streamed.
func (rs *response) whole(as []Answer, body any) error {
	rs.headers()
	rs.w.Header().Set(headerFee, feeText(as))
	rs.extend()
	writeJSON(rs.w, http.StatusOK, body)
	return nil
}

func (rs *response) fail(e *apiError) {
	rs.headers()
	rs.extend()
	e.write(rs.w)
}

// headers sets what is known of the transaction.
func (rs *response) headers() {
	if rs.start.Receipt != "" {
		rs.w.Header().Set(headerReceipt, rs.start.Receipt)
	}
	if rs.start.Server != "" {
		rs.w.Header().Set(headerServer, rs.start.Server)
	}
}

// id names the completion after its transaction.
func (rs *response) id(prefix string) string {
	if rs.start.Receipt != "" {
		return prefix + rs.start.Receipt
	}
	return randomID(prefix)
}

func randomID(prefix string) string {
	var b [12]byte
	rand.Read(b[:]) // never fails (Go 1.24)
	return prefix + hex.EncodeToString(b[:])
}

// feeOf adds up fees, which are at most amount.Max each and few.
func feeOf(as []Answer) (sum amount.Amount) {
	for _, a := range as {
		sum += min(a.Fee, amount.Max)
	}
	return sum
}

func feeText(as []Answer) string { return strconv.FormatUint(uint64(feeOf(as)), 10) }
