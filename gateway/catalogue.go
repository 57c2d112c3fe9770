package gateway

import (
	"net/http"

	"funai/amount"
)

// modelObject is an entry of /v1/models.
type modelObject struct {
	ID      string     `json:"id"`
	Object  string     `json:"object"`
	Created int64      `json:"created"`
	OwnedBy string     `json:"owned_by"`
	Funai   modelExtra `json:"funai"`
}

type modelExtra struct {
	PriceIn  amount.Amount `json:"price_in"` // base units a token
	PriceOut amount.Amount `json:"price_out"`
	Context  int           `json:"context"`
	Servers  int           `json:"servers"`
	Logprobs bool          `json:"logprobs"`
	Can      Ability       `json:"can"`
	Trust    []string      `json:"trust"`
}

func modelOf(m Model) modelObject {
	o := modelObject{m.ID, "model", 0, m.OwnedBy, modelExtra{m.PriceIn, m.PriceOut, m.Context, m.Servers, m.Logprobs || m.Can&CanLogprobs != 0, m.Can, m.Trust}}
	if o.OwnedBy == "" {
		o.OwnedBy = "funai"
	}
	if o.Funai.Trust == nil {
		o.Funai.Trust = []string{TrustJudge}
	}
	if !m.Created.IsZero() {
		o.Created = m.Created.Unix()
	}
	return o
}

func (g *Gateway) models(w http.ResponseWriter, r *http.Request) {
	list, err := g.backend.Models(r.Context())
	if err != nil {
		fromBackend(err).write(w)
		return
	}
	data := make([]modelObject, len(list))
	for i, m := range list {
		data[i] = modelOf(m)
	}
	writeJSON(w, http.StatusOK, listBody[modelObject]{"list", data})
}

// listBody is a list as OpenAI's API has it.
type listBody[T any] struct {
	Object string `json:"object"`
	Data   []T    `json:"data"`
}

func (g *Gateway) model(w http.ResponseWriter, r *http.Request) {
	list, err := g.backend.Models(r.Context())
	if err != nil {
		fromBackend(err).write(w)
		return
	}
	id := r.PathValue("id")
	for _, m := range list {
		if m.ID == id {
			writeJSON(w, http.StatusOK, modelOf(m))
			return
		}
	}
	e := notFound("the model %q does not exist", clip(id))
	e.code, e.param = "model_not_found", "model"
	e.write(w)
}

// offerObject is an entry of /v1/catalogue: a model at a server.
type offerObject struct {
	Model    string        `json:"model"`
	Server   string        `json:"server"`
	PriceIn  amount.Amount `json:"price_in"` // base units a token
	PriceOut amount.Amount `json:"price_out"`
	Context  int           `json:"context"`
	Can      Ability       `json:"can"`
	Trust    []string      `json:"trust"`
	Queue    int           `json:"queue"`
	// What was not seen yet is null.
	FirstToken *float64 `json:"first_token_seconds"`
	TokensASec *float64 `json:"tokens_per_second"`
	Uptime     *float64 `json:"uptime"`
	Quality    *float64 `json:"quality"`
	Judged     uint64   `json:"judged"`
	Asked      uint64   `json:"asked"`
	Down       bool     `json:"down"`
}

func offerOf(o Offer) offerObject {
	known := func(v float64, seen bool) *float64 {
		if !seen {
			return nil
		}
		return &v
	}
	s := o.Stats
	return offerObject{Model: o.Model.ID, Server: o.Server, PriceIn: o.Model.PriceIn, PriceOut: o.Model.PriceOut, Context: o.Model.Context,
		Can: o.Model.Can, Trust: o.Model.Trust, Queue: o.Queue, FirstToken: known(s.FirstToken, s.FirstToken > 0),
		TokensASec: known(s.TokensASec, s.TokensASec > 0), Uptime: known(s.Uptime, s.Asked > 0), Quality: known(s.Quality, s.Judged > 0),
		Judged: s.Judged, Asked: s.Asked, Down: s.Down}
}

// catalogue is GET /v1/catalogue: every server of every model, or with ?model= of one.
func (g *Gateway) catalogue(w http.ResponseWriter, r *http.Request) {
	c, ok := g.backend.(Cataloguer)
	if !ok {
		e := notFound("this gateway keeps no catalogue of servers; GET /v1/models lists the models")
		e.write(w)
		return
	}
	list, err := c.Catalogue(r.Context())
	if err != nil {
		fromBackend(err).write(w)
		return
	}
	data := []offerObject{}
	only := r.URL.Query().Get("model")
	for _, o := range list {
		if only == "" || o.Model.ID == only {
			data = append(data, offerOf(o))
		}
	}
	writeJSON(w, http.StatusOK, listBody[offerObject]{"list", data})
}
