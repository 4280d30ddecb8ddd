package gate

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
	"kioskd/ups"
)

var errNoAnswer = errors.New("gate: a kiosk's answer is no HTTP")

// readAnswer reads the head of a kiosk's answer into h, and gives the beginning of its body.
func readAnswer(data []byte, h http.Header) (status int, body []byte, err error) {
	end := bytes.Index(data, []byte("\r\n\r\n"))
	const first = "HTTP/1.1 200"
	if end < len(first) || string(data[:9]) != "HTTP/1.1 " {
		return 0, nil, errNoAnswer
	}
	status, err = strconv.Atoi(string(data[9:len(first)]))
	if err != nil || status < 200 || status > 599 {
		return 0, nil, errNoAnswer
	}
	head := string(data[:end])
	for _, rest, more := strings.Cut(head, "\r\n"); more; {
		var line string
		line, rest, more = strings.Cut(rest, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t\r\n") || strings.ContainsAny(value, "\r\n\x00") {
			return 0, nil, errNoAnswer
		}
		name = http.CanonicalHeaderKey(name)
		if !foreign(name) {
			h[name] = append(h[name], strings.Trim(value, " \t"))
		}
	}
	return status, data[end+4:], nil
}

// foreign are headers by which one kiosk's answer would reach what a browser keeps of the others: they all have one
// origin, the gateway's.
func foreign(name string) bool {
	switch name {
	case "Service-Worker-Allowed", "Clear-Site-Data", "Strict-Transport-Security", "Alt-Svc", "Nel", "Report-To",
		"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials":
		return true
	}
	return false
}

// own reports whether a cookie is for a kiosk's own pages.
func own(cookie, kiosk string) bool {
	c, err := http.ParseSetCookie(cookie)
	return err == nil && c.Domain == "" && strings.Contains(c.Path, "/k/"+kiosk+"/")
}

// deliver writes a kiosk's answer, of which m is the first piece.
func (g *Gate) deliver(w http.ResponseWriter, r *http.Request, k *link, a *answer, m *nats.Msg, p passing) outcome {
	h := w.Header()
	status, body, err := readAnswer(m.Data, h)
	length := h["Content-Length"]
	for name := range h {
		if hop(name) || err != nil {
			delete(h, name)
		}
	}
	if err != nil {
		return g.nobody(w, p.kind, malformed)
	}
	if h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(s string) bool { return !own(s, p.kiosk) }); len(
		h["Set-Cookie"]) == 0 {
		delete(h, "Set-Cookie")
	}
	more := m.Header[protocol.HeaderMore] != nil
	if r.Method == http.MethodHead && length != nil {
		h["Content-Length"] = length
	} else if !more && status != http.StatusNoContent && status != http.StatusNotModified {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	if !more {
		w.WriteHeader(status)
		_, _ = w.Write(body) // a caller that has gone asks again
		return answered
	}
	if p.kind != protocol.Page {
		return g.nobody(w, p.kind, malformed)
	}
	g.numbers.streams.Add(1)
	defer g.numbers.streams.Add(-1)
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // nothing more is read; without a connection there is no deadline
	h["X-Accel-Buffering"] = []string{"no"}
	w.WriteHeader(status)
	if g.follow(w, r, out, k, a, body) {
		return answered
	}
	k.gone(protocol.Request(p.kiosk, p.kind), a)
	return left
}

// follow writes the pieces of an answer as they come, and reports whether the kiosk has ended it.
func (g *Gate) follow(w http.ResponseWriter, r *http.Request, out *http.ResponseController, k *link, a *answer,
	body []byte) (whole bool) {
	end := time.NewTimer(streamMax)
	defer end.Stop()
	silent := time.NewTimer(silentMax)
	defer silent.Stop()
	for last := false; ; {
		_ = out.SetWriteDeadline(time.Now().Add(sendMax))
		if _, err := w.Write(body); err != nil {
			return last
		}
		if last {
			return true
		}
		if out.Flush() != nil || a.choked.Load() {
			return false
		}
		silent.Reset(silentMax)
		select {
		case m := <-a.pieces:
			if noResponders(m) || m.Header[protocol.HeaderStatus] != nil {
				return true
			}
			body, last = m.Data, m.Header[protocol.HeaderMore] == nil
		case <-silent.C:
			return false
		case <-end.C:
			return false
		case <-k.lost:
			return true // there is nobody to be told
		case <-g.drained:
			return false
		case <-r.Context().Done():
			return false
		}
	}
}

// writeCode answers a createPurchase with an error of Glase's.
func writeCode(w http.ResponseWriter, status int, code ups.ErrorCode) {
	body := protocol.Unavailable
	if code != ups.DeviceUnavailable {
		body = `{"errorCode":"` + string(code) + `"}`
	}
	h := w.Header()
	h.Set("Content-Type", protocol.JSON)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // a caller that has gone asks again
}

// sorry is what a customer reads. It asks again by itself: of a POST too the browser then gets the page.
const sorry = `<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>One moment</title>
<meta http-equiv="refresh" content="4">
<body style="font-family:sans-serif;margin:2em;max-width:30em">
<h1>The machine does not answer</h1>
<p>It may be without network for a moment: this page asks it again. Or scan the code on its screen once more.
<p>If you have paid already, nothing is lost: you get what you paid for, or your money back.
</html>
`

// nobody answers for a kiosk that does not.
func (g *Gate) nobody(w http.ResponseWriter, kind string, why outcome) outcome {
	switch kind {
	case protocol.Purchase:
		writeCode(w, http.StatusOK, ups.DeviceUnavailable)
	case protocol.Notify:
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusOK) // the kiosk asks Glase by itself
	default:
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("Retry-After", retryPages)
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(sorry)) // a browser that has gone asks again
	}
	return why
}

// crowd answers who asks too often, or a kiosk that is asked too much. Glase's app lets the customer try again.
func crowd(w http.ResponseWriter, kind string) {
	if kind == protocol.Purchase {
		writeCode(w, http.StatusOK, ups.DeviceInUse)
		return
	}
	w.Header().Set("Retry-After", retryLimits)
	http.Error(w, "too many requests: wait a moment", http.StatusTooManyRequests)
}
