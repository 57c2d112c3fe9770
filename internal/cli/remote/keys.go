package remote

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"funai/gateway"
	"funai/gateway/account"
)

// maxKeys is the most that the node lists at once.
const maxKeys = 100

func (c *Client) bearer() []string { return []string{"Authorization", "Bearer " + c.token} }

// NewKey is POST /api/keys.
func (c *Client) NewKey(ctx context.Context, o gateway.KeyOrder) (gateway.MadeKey, error) {
	return call[gateway.MadeKey](ctx, c, http.MethodPost, "/api/keys", o, c.bearer()...)
}

// Keys is GET /api/keys, page by page until all are there.
func (c *Client) Keys(ctx context.Context) ([]account.Key, error) {
	all := []account.Key{}
	for after := ""; ; {
		q := url.Values{"limit": {strconv.Itoa(maxKeys)}, "after": {after}}
		page, err := call[gateway.Keys](ctx, c, http.MethodGet, "/api/keys?"+q.Encode(), nil, c.bearer()...)
		all = append(all, page.Keys...)
		if err != nil || len(page.Keys) < maxKeys {
			return all, err
		}
		after = page.Keys[maxKeys-1].ID
	}
}

// RevokeKey is DELETE /api/keys/{id}.
func (c *Client) RevokeKey(ctx context.Context, id string) (account.Key, error) {
	return call[account.Key](ctx, c, http.MethodDelete, "/api/keys/"+url.PathEscape(id), nil, c.bearer()...)
}

// KeyUsage is GET /api/keys/{id}/usage.
func (c *Client) KeyUsage(ctx context.Context, id string, limit int) ([]account.Usage, error) {
	u, err := call[gateway.Uses](ctx, c, http.MethodGet, "/api/keys/"+url.PathEscape(id)+"/usage?limit="+strconv.Itoa(limit), nil, c.bearer()...)
	return u.Usage, err
}
