package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

// maxMessage bounds the text of an error that came from elsewhere, in bytes.
const maxMessage = 1024

// apiError is an error in OpenAI's shape with its HTTP status.
type apiError struct {
	status     int
	retryAfter time.Duration
	message    string
	kind       string // OpenAI's "type"
	code       string
	param      string // the request field at fault
}

func (e *apiError) Error() string { return e.message }

// MarshalJSON writes the shape of OpenAI's errors, with null where there is nothing to say.
func (e *apiError) MarshalJSON() ([]byte, error) {
	type body struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	orNull := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return json.Marshal(map[string]body{"error": {e.message, e.kind, orNull(e.param), orNull(e.code)}})
}

// write sends the error as a whole response.
func (e *apiError) write(w http.ResponseWriter) {
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.retryAfter.Seconds()))))
	}
	writeJSON(w, e.status, e)
}

func badRequest(param, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: "invalid_request_error", code: "invalid_value", param: param,
		message: fmt.Sprintf(format, args...)}
}

// unsupported refuses a field whose meaning would be lost if it were ignored.
func unsupported(param, format string, args ...any) *apiError {
	e := badRequest(param, format, args...)
	e.code = "unsupported_parameter"
	return e
}

func notFound(format string, args ...any) *apiError {
	return &apiError{status: http.StatusNotFound, kind: "invalid_request_error", code: "not_found", message: fmt.Sprintf(format, args...)}
}

// fromBackend gives a Backend's error its status.
func fromBackend(err error) *apiError {
	var own *apiError
	if errors.As(err, &own) {
		return own
	}
	e := &apiError{message: clip(err.Error()), kind: "server_error"}
	set := func(status int, kind, code string) { e.status, e.kind, e.code = status, kind, code }
	var busy *BusyError
	var cannot *UnsupportedError
	switch {
	case errors.As(err, &cannot):
		set(http.StatusBadRequest, "invalid_request_error", "unsupported_parameter")
		e.message, e.param = clip(cannot.Error()), cannot.Param
	case errors.Is(err, ErrRequest):
		set(http.StatusBadRequest, "invalid_request_error", "invalid_value")
	case errors.Is(err, ErrTooLong):
		set(http.StatusBadRequest, "invalid_request_error", "context_length_exceeded")
		e.param = "messages"
	case errors.Is(err, ErrNoFunds):
		set(http.StatusPaymentRequired, "insufficient_funds", "insufficient_funds")
	case errors.Is(err, ErrMaxFee):
		set(http.StatusPaymentRequired, "insufficient_funds", "max_fee_too_low")
		e.param = "max_fee"
	case errors.Is(err, ErrNoModel):
		set(http.StatusNotFound, "invalid_request_error", "model_not_found")
		e.param = "model"
	case errors.Is(err, ErrBusy):
		set(http.StatusTooManyRequests, "rate_limit_error", "rate_limit_exceeded")
		e.retryAfter = time.Second
		if errors.As(err, &busy) && busy.RetryAfter > 0 {
			e.retryAfter = busy.RetryAfter
		}
	case errors.Is(err, ErrNobody):
		set(http.StatusServiceUnavailable, "server_error", "no_server")
	case errors.Is(err, ErrSyncing):
		set(http.StatusServiceUnavailable, "server_error", "syncing")
	default:
		set(http.StatusBadGateway, "server_error", "upstream_error")
	}
	return e
}

// clip bounds a text that another node may have written.
func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	n := maxMessage
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil { // only our own types come here; say it rather than send half a document
		http.Error(w, "encoding failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}
