package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guard keeps foreign web pages out of a server that listens on a person's own machine. A page may make a browser send
// requests here in two ways: under its own name, pointed at this address (DNS rebinding), which the Host header gives
// away; or across origins, which the browser marks (Fetch Metadata, Origin). Neither gets through, and no answer carries
// a header that would let such a page read it, unless its origin was named in Config.Origins.
func guard(h http.Handler, hosts, origins []string) (http.Handler, error) {
	cross := http.NewCrossOriginProtection()
	for _, o := range origins {
		if err := cross.AddTrustedOrigin(o); err != nil {
			return nil, err
		}
	}
	forbidden := func(w http.ResponseWriter, message string) {
		(&apiError{status: http.StatusForbidden, kind: "invalid_request_error", code: "forbidden", message: message}).write(w)
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		forbidden(w, "requests from another web page are not answered")
	}))
	inner := cross.Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ownHost(r.Host, hosts) {
			forbidden(w, "this server does not answer for host "+clip(r.Host))
			return
		}
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		if o := r.Header.Get("Origin"); o != "" && slices.Contains(origins, o) && strings.HasPrefix(r.URL.Path, "/v1/") {
			allow(header, o)
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		inner.ServeHTTP(w, r)
	}), nil
}

// allow lets a named origin use /v1/ from a browser.
func allow(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Expose-Headers", strings.Join([]string{headerReceipt, headerServer, headerFee}, ", "))
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Add("Vary", "Origin")
}

// ownHost says whether a Host header names this server: localhost, an IP literal, or a configured name.
func ownHost(host string, names []string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, host) }) {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}
