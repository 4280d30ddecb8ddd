package glasetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// pluginEvery is how often the plug-in asks.
const pluginEvery = time.Second

// Plugin is Glase's browser plug-in on a page of the merchant's: it asks the merchant's statusURL each second, stops at
// any status but ISSUED, gives up at 404, and tries again at any other failure.
type Plugin struct {
	StatusURL string
	Origin    string       // of the page that it is on; "": the page is of the same site as the status URL
	Client    *http.Client // nil: http.DefaultClient
}

// What ends a plug-in without a status.
var (
	// 404
	ErrPluginGaveUp = errors.New("the status URL says that there is nothing more to say")
	// no Access-Control-Allow-Origin
	ErrPluginBarred = errors.New("the status URL may not be read from that page")
)

// Run follows the payment and gives the status that it ends with, and how often it asked.
func (p Plugin) Run(ctx context.Context) (status Status, asked int, err error) {
	if _, err := http.NewRequest(http.MethodGet, p.StatusURL, nil); err != nil {
		return "", 0, err // no second try makes it an address
	}
	if p.Client == nil {
		p.Client = http.DefaultClient
	}
	every := time.NewTicker(pluginEvery)
	defer every.Stop()
	for {
		asked++
		switch status, err = p.ask(ctx); {
		case errors.Is(err, ErrPluginGaveUp), errors.Is(err, ErrPluginBarred):
			return "", asked, err
		case err == nil && status != Issued:
			return status, asked, nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return "", asked, ctx.Err()
		}
	}
}

// ask is one question. An error that is none of the two that end the plug-in is one to try again after.
func (p Plugin) ask(ctx context.Context) (Status, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.StatusURL, nil)
	if err != nil {
		return "", err
	}
	if p.Origin != "" {
		r.Header.Set("Origin", p.Origin)
	}
	answer, err := p.Client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	allow := answer.Header.Get("Access-Control-Allow-Origin")
	barred := p.Origin != "" && allow != "*" && allow != p.Origin // a script then sees no status, not even 404
	switch {
	case barred && answer.StatusCode < http.StatusBadRequest:
		return "", ErrPluginBarred
	case answer.StatusCode == http.StatusNotFound && !barred:
		return "", ErrPluginGaveUp
	case answer.StatusCode >= http.StatusBadRequest:
		return "", errors.New(answer.Status)
	}
	var said struct {
		Status Status `json:"status"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, jsonMax)).Decode(&said); err != nil {
		return "", fmt.Errorf("no JSON: %w", err)
	}
	if said.Status == "" {
		return "", errors.New("no status")
	}
	return said.Status, nil
}
