package local

import (
	"context"
	"slices"

	"funai/gateway"
)

const (
	atOnce     = 64 // texts an engine is given, which any takes
	tokenBytes = 4  // of text counted as one token: encoders don't tell how many they read
)

// Embed implements route.Embedder.
func (s *Source) Embed(ctx context.Context, _ string, r gateway.EmbedRequest) (gateway.Embeddings, error) {
	m, leave, err := s.enter(r.Model)
	if err != nil {
		return gateway.Embeddings{}, err
	}
	defer leave()
	switch {
	case m.Encoder == nil:
		return gateway.Embeddings{}, gateway.Refuse(r.Model, gateway.CanEmbed)
	case r.Dimensions > 0:
		return gateway.Embeddings{}, gateway.Refuse(r.Model, gateway.CanDimensions)
	}
	out := gateway.Embeddings{Server: Name}
	for _, t := range r.Input {
		out.PromptTokens += (len(t) + tokenBytes - 1) / tokenBytes
	}
	out.Fee = gateway.Fee(m.PriceIn, 0, out.PromptTokens, 0)
	if err := affordable(out.Fee, r.MaxFee); err != nil {
		return gateway.Embeddings{}, err
	}
	for texts := range slices.Chunk(r.Input, atOnce) {
		v, err := m.Encoder.Embed(ctx, texts)
		if err != nil {
			return gateway.Embeddings{}, explain(ctx, err)
		}
		out.Vectors = append(out.Vectors, v...)
	}
	return out, nil
}
