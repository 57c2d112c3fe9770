package rpc

import (
	"context"
	"slices"
	"time"
)

// control are the methods about the server itself.
func (s *Server) control() Methods {
	ms := Methods{
		"help": {Params: []string{"command"}, Category: "Control",
			Help: "help ( \"command\" )\n\nList all commands, or get help for one.",
			Do: func(_ context.Context, a Args) (any, error) {
				name, err := Arg(a, 0, "")
				if err != nil {
					return nil, err
				}
				if name == "" {
					return s.methods.list(), nil
				}
				if m, ok := s.methods[name]; ok {
					return m.Help, nil
				}
				return "help: unknown command: " + clip(name), nil
			}},
		"uptime": {Category: "Control", Help: "uptime\n\nThe seconds that the server has run.",
			Do: func(context.Context, Args) (any, error) { return int64(time.Since(s.began) / time.Second), nil }},
		"getrpcinfo": {Category: "Control", Help: "getrpcinfo\n\nThe calls under way, with their durations in microseconds, and where the log is.",
			Do: func(context.Context, Args) (any, error) { return s.info(), nil }},
	}
	if s.cfg.Stop != nil {
		ms["stop"] = Method{Params: []string{"wait"}, Category: "Control",
			Help: "stop\n\nAsk the node to stop. It does so once it has answered.",
			Do: func(context.Context, Args) (any, error) {
				s.stop.Do(s.cfg.Stop)
				return "funai stopping", nil
			}}
	}
	return ms
}

type activeCommand struct {
	Method   string `json:"method"`
	Duration int64  `json:"duration"` // µs
}

type rpcInfo struct {
	Active  []activeCommand `json:"active_commands"`
	LogPath string          `json:"logpath"`
}

func (s *Server) info() rpcInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := rpcInfo{Active: []activeCommand{}, LogPath: s.cfg.LogPath}
	for c := range s.active {
		i.Active = append(i.Active, activeCommand{c.method, time.Since(c.since).Microseconds()})
	}
	slices.SortFunc(i.Active, func(a, b activeCommand) int { return int(b.Duration - a.Duration) })
	return i
}
