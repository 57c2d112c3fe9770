package remote

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxEvent bounds one server-sent event, in bytes.
const MaxEvent = 1 << 20

// ErrTooLong says that an event exceeds MaxEvent.
var ErrTooLong = errors.New("event is too long")

// events reads server-sent events and calls f with each one's data, until the stream ends or f returns an error. An
// event that the stream's end cuts short is dropped, as the standard has it.
func events(r io.Reader, f func(data []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), MaxEvent)
	var data []byte
	has := false
	for lines.Scan() {
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		if len(line) == 0 {
			if has {
				if err := f(data); err != nil {
					return err
				}
			}
			data, has = data[:0], false
			continue
		}
		value, ok := field(line, "data")
		if !ok {
			continue // a comment, or a field that we have no use for
		}
		if has {
			data = append(data, '\n')
		}
		if len(data)+len(value) > MaxEvent {
			return fmt.Errorf("%w: more than %d bytes", ErrTooLong, MaxEvent)
		}
		data, has = append(data, value...), true
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%w: more than %d bytes", ErrTooLong, MaxEvent)
	} else if err != nil {
		return err
	}
	return nil
}

// field returns the value of a named field: what follows its colon, without one leading space.
func field(line []byte, name string) ([]byte, bool) {
	key, value, _ := bytes.Cut(line, []byte(":"))
	return bytes.TrimPrefix(value, []byte(" ")), string(key) == name
}
