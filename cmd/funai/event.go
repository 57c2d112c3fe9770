package main

// event is something that a starting or running node says: one line of --json, or a piece of what a person sees.
type event struct {
	// Event is "download", "stage", "ready", "log", "stopping", "stopped" or "error".
	Event string `json:"event"`

	// Of a download: bytes there, and in all; Total is -1 while it isn't known.
	Asset string `json:"asset,omitempty"`
	Done  int64  `json:"done,omitempty"`
	Total int64  `json:"total,omitempty"`

	// Of a stage: its name, the ledger height it has reached, and Detail. The same name again is news of the same stage;
	// another name says that it is over.
	Stage  string `json:"stage,omitempty"`
	Height uint64 `json:"height,omitempty"`
	Detail string `json:"detail,omitempty"` // also of a log line and an error (what to do about it)

	// Of "ready": the gateway's URL, empty if there is none; the page a person opens; and a model that can be asked.
	HTTP  string `json:"http,omitempty"`
	Page  string `json:"page,omitempty"`
	Model string `json:"model,omitempty"`
	Dir   string `json:"dir,omitempty"`
	// Of "ready" of a single node: where others connect to it.
	Ledger string   `json:"ledger,omitempty"` // host:port
	Listen []string `json:"listen,omitempty"` // multiaddrs, for --peer

	Error string `json:"error,omitempty"`
}

// The kinds of events that package node's callers emit.
const (
	eventDownload = "download"
	eventStage    = "stage"
	eventReady    = "ready"
	eventLog      = "log"
	eventStopping = "stopping"
	eventStopped  = "stopped"
	eventError    = "error"
)
