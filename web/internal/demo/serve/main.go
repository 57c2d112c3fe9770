// Command serve shows the pages over a make-believe network: go run ./web/internal/demo/serve -listen 127.0.0.1:8088.
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"time"

	"funai/gateway"
	"funai/inference/api"
	"funai/web"
	"funai/web/internal/demo"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8088", "address to listen on")
	every := flag.Duration("every", 700*time.Millisecond, "time between inference blocks")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	logger := slog.Default()
	var a *api.API
	n := demo.New(1, *every, time.Now(), func(e api.Event) { a.Publish(e) })
	a = api.New(api.Config{Source: n, Logger: logger})
	h, err := gateway.New(gateway.Config{Backend: n, API: a, Web: web.Handler(n, logger), Logger: logger})
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	defer stop()
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		n.Run(ctx)
		a.Close()
	}()
	log.Printf("http://%s", ln.Addr())
	if err := gateway.Serve(ctx, ln, h, logger); err != nil {
		log.Print(err)
	}
	stop()
	<-moved
}
