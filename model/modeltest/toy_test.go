package modeltest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"funai/model"
)

func TestToyScoresItsOwnAnswersOnly(t *testing.T) {
	honest, other := &Toy{Name: "honest"}, &Toy{Name: "other"}
	for seed := range byte(20) {
		r := model.Request{Messages: []model.Message{{Role: "user", Content: "how are you"}}, MaxTokens: 40, Top: 3}
		r.Sampling = model.Sampling{TemperatureMilli: uint32(seed%2) * 800, RepeatPenaltyMilli: 1100, Seed: [32]byte{seed}}
		got, err := honest.Generate(t.Context(), r, func(k model.Token) error {
			if len(k.Top) != 3 || k.Top[0].Logprob < k.Logprob.Logprob {
				t.Fatalf("%+v", k)
			}
			return nil
		})
		if err != nil || len(got.Tokens) < 2 {
			t.Fatal(got, err)
		}
		mine, err := honest.Score(t.Context(), r, got.Tokens)
		if err != nil || mine.Text != got.Text || mine.PromptTokens != got.PromptTokens {
			t.Fatal(mine, err)
		}
		theirs, err := other.Score(t.Context(), r, got.Tokens)
		if err != nil {
			t.Fatal(err)
		}
		wrong := 0
		for i := range mine.Tokens {
			if mine.Tokens[i].Rank != 0 || mine.Tokens[i].Margin != 0 {
				t.Fatalf("token %d of seed %d: %+v", i, seed, mine.Tokens[i])
			}
			if theirs.Tokens[i].Rank != 0 {
				wrong++
			}
		}
		if wrong == 0 {
			t.Fatal("another model gave the same answer")
		}
	}
}

func TestToyTakesTimeAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		toy := &Toy{Name: "slow", Delay: time.Second}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		n := 0
		_, err := toy.Generate(ctx, model.Request{Messages: []model.Message{{Role: "user"}}, MaxTokens: 9}, func(model.Token) error { n++; return nil })
		if n != 2 || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(n, err)
		}
		toy.Close()
		if _, err := toy.CountPrompt(t.Context(), model.Request{}); !errors.Is(err, model.ErrClosed) {
			t.Fatal(err)
		}
	})
}
