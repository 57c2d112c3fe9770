package server

import (
	"errors"
	"sync/atomic"
	"time"

	"funai/p2p"
)

// maxOutbox bounds the frames that wait for a slow asker; with more it is left, and the answer goes on without it.
const maxOutbox = 1024

// errGone says that the asker does not listen any more.
var errGone = errors.New("asker is gone or too slow")

// outbox sends frames beside the generation, which never waits for it.
type outbox struct {
	frames chan Frame
	done   chan error
	gone   bool
	until  atomic.Pointer[time.Time] // when what is left must have been sent; nil while there is more to come
}

func newOutbox(st p2p.Stream) *outbox {
	o := &outbox{frames: make(chan Frame, maxOutbox), done: make(chan error, 1)}
	go func() {
		var err error
		for f := range o.frames {
			if until := o.until.Load(); err == nil && until != nil && time.Now().After(*until) {
				err = errGone
			}
			if err == nil {
				err = send(st, f)
			}
		}
		o.done <- err
	}()
	return o
}

// send queues a frame.
func (o *outbox) send(f Frame) {
	select {
	case o.frames <- f:
	default:
		o.gone = true
	}
}

// close waits until all is sent, for as long as one frame may take at most, and says whether the asker got it.
func (o *outbox) close() error {
	until := time.Now().Add(writeTimeout)
	o.until.Store(&until)
	close(o.frames)
	err := <-o.done
	if o.gone {
		return errGone
	}
	return err
}
