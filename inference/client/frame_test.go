package client

import (
	"testing"
	"time"

	"funai/inference/codec"
	"funai/inference/server"
	"funai/p2p"
)

// one is a stream that brings one message.
type one struct {
	p2p.Stream
	raw []byte
}

func (o one) SetDeadline(time.Time) error { return nil }
func (o one) ReadMsg(max int) ([]byte, error) {
	if len(o.raw) > max {
		return nil, p2p.ErrTooLarge
	}
	return o.raw, nil
}

func FuzzFrame(f *testing.F) {
	f.Add(codec.Encode(server.Frame{Kind: server.FrameToken, Token: server.Token{ID: 1, Text: "so", Logprob: -0.5, Top: []server.Alternative{{ID: 2, Text: "or"}}}}))
	f.Add(codec.Encode(server.Frame{Kind: server.FrameDone, Receipt: []byte{1}, Tokens: []int32{1, 2}, Finish: "stop"}))
	f.Add(codec.Encode(server.Frame{Kind: server.FrameRefused, Code: server.CodeBusy, Reason: "full"}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := readFrame(one{raw: raw}, time.Second)
		if err != nil {
			return
		}
		if again := codec.Encode(got); string(again) != string(raw) {
			t.Errorf("%x became %x", raw, again)
		}
		if got.Code.Err() == nil {
			t.Error("a code without an error")
		}
	})
}
