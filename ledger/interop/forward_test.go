package interop

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
)

// forwardTo and forwardAt make the test binary, run in a network namespace, hand connections at a Unix socket, which
// namespaces do not part, on to a TCP address there.
const (
	forwardTo = "FUNAI_INTEROP_FORWARD_TO"
	forwardAt = "FUNAI_INTEROP_FORWARD_AT"
)

// forward hands connections at a Unix socket on to a TCP address until it is killed.
func forward(address, socket string) int {
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", socket)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for {
		in, err := l.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		go func() {
			defer in.Close()
			out, err := new(net.Dialer).DialContext(context.Background(), "tcp", address)
			if err != nil {
				return
			}
			defer out.Close()
			go func() {
				io.Copy(out, in)
				out.(*net.TCPConn).CloseWrite()
			}()
			io.Copy(in, out)
		}()
	}
}
