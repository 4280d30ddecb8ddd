package relay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"

	"github.com/nats-io/nats.go"

	"kioskd/internal/fleet/protocol"
)

// bufferMax is enough for the longest line that is usual.
const bufferMax = 512

// readRequest makes the request that a listener would have got. The body is there as a whole: the handler waits for
// nobody.
func readRequest(m *nats.Msg, kind, prefix string) (*http.Request, error) {
	if len(m.Data) > protocol.RequestMax {
		return nil, fmt.Errorf("relay: a request of %d bytes", len(m.Data))
	}
	from := m.Header[protocol.HeaderFrom]
	if len(from) != 1 {
		return nil, errors.New("relay: a request from nobody")
	}
	caller, err := netip.ParseAddr(from[0])
	if err != nil || caller.Zone() != "" {
		return nil, errors.New("relay: a request from no address")
	}
	in := bufio.NewReaderSize(bytes.NewReader(m.Data), min(len(m.Data), bufferMax))
	req, err := http.ReadRequest(in)
	if err != nil {
		return nil, errors.New("relay: no HTTP") // the error itself would repeat what it did not understand
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, errors.New("relay: half a body")
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, errors.New("relay: more than one request")
	}
	if !strings.HasPrefix(req.URL.Path, "/") || protocol.KindOf(req.Method, req.URL.Path) != kind {
		return nil, errors.New("relay: a request of another kind")
	}
	req.Body, req.ContentLength, req.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	req.RemoteAddr = netip.AddrPortFrom(caller.Unmap(), 0).String()
	if req.URL.RawPath != "" {
		req.URL.RawPath = prefix + req.URL.RawPath
	}
	req.URL.Path = prefix + req.URL.Path
	req.RequestURI = req.URL.RequestURI()
	return req, nil
}
