package cli

import (
	"sync"
	"time"
)

const (
	frames    = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
	frameTime = 100 * time.Millisecond
	eraseLine = "\r\x1b[K"
)

// Spinner is a line that moves while a person waits. Where nobody watches it prints nothing.
type Spinner struct {
	mu   sync.Mutex
	text string
	stop chan struct{}
	done chan struct{}
}

// Spin starts a spinner on a screen; Stop must follow.
func (s *Screen) Spin(text string) *Spinner {
	p := &Spinner{text: text, stop: make(chan struct{}), done: make(chan struct{})}
	if !s.Live() {
		close(p.done)
		return p
	}
	go p.run(s)
	return p
}

func (p *Spinner) run(s *Screen) {
	defer close(p.done)
	tick := time.NewTicker(frameTime)
	defer tick.Stop()
	all := []rune(frames)
	for i := 0; ; i++ {
		p.mu.Lock()
		text := p.text
		p.mu.Unlock()
		width, _ := s.Size()
		s.Printf("%s  %s %s", eraseLine, s.Paint(Cyan, string(all[i%len(all)])), s.Paint(Dim, cut(text, width-5)))
		select {
		case <-p.stop:
			s.Printf(eraseLine)
			return
		case <-tick.C:
		}
	}
}

// Say changes the text.
func (p *Spinner) Say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = text
}

// Stop takes the line away. It may be called again.
func (p *Spinner) Stop() {
	p.mu.Lock()
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
	p.mu.Unlock()
	<-p.done
}
