package gateway

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"funai/amount"
	"funai/gateway/account"
)

// Bounds of one request for embeddings.
const (
	maxTexts      = 2048 // as OpenAI
	maxDimensions = 1 << 16
)

type embedWire struct {
	Model          string         `json:"model"`
	Input          texts          `json:"input"`
	EncodingFormat string         `json:"encoding_format"`
	Dimensions     *int           `json:"dimensions"`
	Trust          string         `json:"trust"`
	MaxFee         *amount.Amount `json:"max_fee"`
	Provider       *wireRoute     `json:"provider"`
}

// texts is one text or several.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var s stops
	if s.UnmarshalJSON(b) != nil {
		return errors.New("input must be a string or an array of strings; token ids are not supported")
	}
	*t = texts(s)
	return nil
}

// decodeEmbed reads the body of POST /v1/embeddings. The second result says whether vectors go out in base64.
func decodeEmbed(body []byte) (r EmbedRequest, base bool, bad *apiError) {
	var w embedWire
	if err := json.Unmarshal(body, &w); err != nil {
		return r, false, badJSON(err)
	}
	c := &chat{n: 1}
	if bad := c.named(&wire{Model: w.Model}); bad != nil {
		return r, false, bad
	}
	if bad := c.extras(&wire{Trust: w.Trust, MaxFee: w.MaxFee, Provider: w.Provider}); bad != nil {
		return r, false, bad
	}
	if len(w.Input) == 0 || len(w.Input) > maxTexts {
		return r, false, badRequest("input", "%d texts, not 1 to %d", len(w.Input), maxTexts)
	}
	for i, t := range w.Input {
		if t == "" {
			return r, false, badRequest(fmt.Sprintf("input[%d]", i), "the text is empty")
		}
	}
	switch w.EncodingFormat {
	case "", "float", "base64":
	default:
		return r, false, badRequest("encoding_format", "%q is not float or base64", clip(w.EncodingFormat))
	}
	r = EmbedRequest{Model: c.Model, Input: w.Input, Trust: c.Trust, MaxFee: c.MaxFee, Route: c.Route}
	if w.Dimensions != nil {
		if *w.Dimensions < 1 || *w.Dimensions > maxDimensions {
			return r, false, badRequest("dimensions", "%d is not between 1 and %d", *w.Dimensions, maxDimensions)
		}
		r.Dimensions = *w.Dimensions
	}
	return r, w.EncodingFormat == "base64", nil
}

type embedding struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"`
}

type embedUsage struct {
	PromptTokens int `json:"prompt_tokens"`
	TotalTokens  int `json:"total_tokens"`
}

// embeddings is POST /v1/embeddings.
func (g *Gateway) embeddings(w http.ResponseWriter, r *http.Request) {
	key, body, bad := g.take(w, r)
	if bad != nil {
		g.refused(w, bad)
		return
	}
	q, base, bad := decodeEmbed(body)
	if bad != nil {
		g.refused(w, bad)
		return
	}
	e, ok := g.backend.(Embedder)
	if !ok {
		g.refused(w, fromBackend(Refuse(clip(q.Model), CanEmbed)))
		return
	}
	if bad := g.queue.enter(r.Context()); bad != nil {
		g.refused(w, bad)
		return
	}
	defer g.queue.leave()
	ctx, cancel := context.WithTimeoutCause(r.Context(), g.maxDuration, errTooLate)
	defer cancel()
	bill, bad := g.holdEmbed(ctx, key, q)
	if bad != nil {
		g.refused(w, bad)
		return
	}
	if q.MaxFee = bill.limit(0, q.MaxFee); q.MaxFee == 0 {
		q.MaxFee = g.maxFee
	}
	begun := time.Now()
	out, err := e.Embed(ctx, q)
	a := Answer{Server: out.Server, PromptTokens: out.PromptTokens, Fee: out.Fee}
	if err == nil && len(out.Vectors) != len(q.Input) {
		err = fmt.Errorf("%w: %d vectors of %d texts", ErrUpstream, len(out.Vectors), len(q.Input))
	}
	if err != nil {
		bad = fromBackend(err)
		if r.Context().Err() != nil {
			bad.status = statusClientGone
		}
		bill.settle(ctx, []Answer{{Server: out.Server}}, bad.status, 0, bad)
		g.refused(w, bad)
		return
	}
	bill.settle(ctx, []Answer{a}, http.StatusOK, time.Since(begun), nil)
	g.metrics.done(http.StatusOK, 0)
	w.Header().Set(headerServer, out.Server)
	w.Header().Set(headerFee, strconv.FormatUint(uint64(out.Fee), 10))
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(g.writeTimeout))
	data := make([]embedding, len(out.Vectors))
	for i, v := range out.Vectors {
		data[i] = embedding{"embedding", i, vector(v, base)}
	}
	writeJSON(w, http.StatusOK, struct {
		listBody[embedding]
		Model string     `json:"model"`
		Usage embedUsage `json:"usage"`
		Funai extra      `json:"funai"`
	}{listBody[embedding]{"list", data}, q.Model, embedUsage{out.PromptTokens, out.PromptTokens},
		extra{Server: out.Server, Fee: out.Fee, Trust: TrustNone, Verdict: "none"}})
}

// holdEmbed sets aside what embeddings may cost.
func (g *Gateway) holdEmbed(ctx context.Context, k *account.Key, r EmbedRequest) (*bill, *apiError) {
	if k == nil {
		return nil, nil
	}
	asked := Request{Model: r.Model, Apart: true, MaxTokens: 1, MaxFee: r.MaxFee, Route: r.Route, Trust: r.Trust}
	for _, t := range r.Input {
		asked.Messages = append(asked.Messages, Message{Role: "user", Content: t})
	}
	most, err := g.quote(ctx, asked)
	if err != nil {
		return nil, fromBackend(err)
	}
	return g.reserve(ctx, k, "embeddings", r.Model, []amount.Amount{min(most, amount.Max)})
}

// vector is an array, or its float32 values, little-endian, in base64. JSON has no infinities: what is not finite is 0.
func vector(v []float32, base bool) any {
	raw := make([]byte, 0, 4*len(v))
	for i, x := range v {
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			v[i] = 0
		}
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v[i]))
	}
	if base {
		return base64.StdEncoding.EncodeToString(raw)
	}
	return v
}
