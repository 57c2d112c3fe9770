package upstream

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"funai/gateway"
	"funai/model"
)

// sorted lists alternatives, the most likely first.
func sorted(alternatives map[string]float64) (out []model.Logprob) {
	for text, p := range alternatives {
		out = append(out, model.Logprob{Text: text, Logprob: p})
	}
	slices.SortFunc(out, func(a, b model.Logprob) int {
		return cmp.Or(cmp.Compare(b.Logprob, a.Logprob), cmp.Compare(a.Text, b.Text))
	})
	return out
}

// Embed implements route.Embedder.
func (s *Server) Embed(ctx context.Context, _ string, r gateway.EmbedRequest) (out gateway.Embeddings, err error) {
	m, _, err := s.served(r.Model)
	if err != nil {
		return out, err
	}
	size := 0
	for _, t := range r.Input {
		size += len(t)
	}
	most := m.fee(size, 0)
	if r.MaxFee > 0 && most > r.MaxFee {
		return out, fmt.Errorf("%w: up to %v at %s, your limit is %v", gateway.ErrMaxFee, most, s.Name, r.MaxFee)
	}
	leave, err := s.enter()
	if err != nil {
		return out, err
	}
	defer leave()
	out, err = s.embed(ctx, m, r)
	s.suspect(err)
	out.Fee = min(out.Fee, most) // whatever the server says that it read
	return out, err
}

func (s *Server) embed(ctx context.Context, m Served, r gateway.EmbedRequest) (out gateway.Embeddings, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.Idle, fmt.Errorf("%w: %s sent nothing for %v", gateway.ErrUpstream, s.Name, s.Idle))
	defer cancel()
	res, err := s.post(ctx, "/embeddings", struct {
		Model      string   `json:"model"`
		Input      []string `json:"input"`
		Format     string   `json:"encoding_format"`
		Dimensions int      `json:"dimensions,omitempty"`
	}{m.There, r.Input, "float", r.Dimensions})
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	var list struct {
		Data []struct {
			Index     int
			Embedding []float32
		}
		Usage usage
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxVectors)).Decode(&list); err != nil {
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		return out, s.broken("sends no embeddings", err)
	}
	out = gateway.Embeddings{Vectors: make([][]float32, len(r.Input)), PromptTokens: max(list.Usage.Prompt, 0), Server: s.Name}
	for _, d := range list.Data {
		if d.Index < 0 || d.Index >= len(out.Vectors) || out.Vectors[d.Index] != nil || len(d.Embedding) == 0 {
			return gateway.Embeddings{}, fmt.Errorf("%w: %s sends embedding %d of %d texts, with %d numbers", gateway.ErrUpstream, s.Name, d.Index, len(r.Input), len(d.Embedding))
		}
		out.Vectors[d.Index] = d.Embedding
	}
	if len(list.Data) != len(r.Input) {
		return gateway.Embeddings{}, fmt.Errorf("%w: %s sends %d embeddings of %d texts", gateway.ErrUpstream, s.Name, len(list.Data), len(r.Input))
	}
	out.Fee = m.fee(out.PromptTokens, 0)
	return out, nil
}
