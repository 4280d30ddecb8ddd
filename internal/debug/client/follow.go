package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"kioskd/internal/debug/api"
)

// eventMax bounds one step's line from kioskd, in bytes.
const eventMax = 64 << 10

// Follow hands over each step of the machine until ctx or kioskd ends, or tell fails. Its error is never nil.
func (c *Client) Follow(ctx context.Context, tell func(api.Event) error) error {
	res, err := c.send(ctx, http.MethodGet, "/api/events", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, eventMax)
	for kind := ""; lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			kind = name
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || kind != "step" {
			continue
		}
		var e api.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("kioskd says what is not understood: %w", err)
		}
		if err := tell(e); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return c.explain(ctx, err)
	}
	return errors.New("kioskd has ended")
}
