package glase

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// readAll reads a body to its end, so that the connection can be used again, and closes it. Beyond the bound it gives
// up.
func readAll(resp *http.Response, most int64) ([]byte, error) {
	defer resp.Body.Close()
	if resp.ContentLength > most {
		return nil, fmt.Errorf("an answer of %d bytes, more than %d", resp.ContentLength, most)
	}
	if resp.ContentLength > 0 {
		b := make([]byte, resp.ContentLength)
		if _, err := io.ReadFull(resp.Body, b); err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
		return b, nil
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("an answer of more than %d bytes", most)
	}
	return b, nil
}

// decoded is a body without the coding that its header names. The request asked for none, but there are gateways that
// compress all the same, and gzip can be read. Say makes a word of the header fit for an error.
func decoded(header http.Header, body []byte, most int64, say func(string) string) ([]byte, error) {
	switch coding := strings.ToLower(strings.Join(header.Values("Content-Encoding"), ", ")); coding {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		return unzipped(body, most)
	default:
		return nil, fmt.Errorf("the answer is packed as %q, and plain text was asked for: "+switchOff, say(coding))
	}
}

const switchOff = "whoever runs the gateway to Glase must switch that off"

func unzipped(body []byte, most int64) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the answer says that it is gzip, and is not: " + switchOff)
	}
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer's gzip is damaged: %w", err)
	case int64(len(b)) > most:
		return nil, fmt.Errorf("an answer that unpacks to more than %d bytes", most)
	}
	return b, nil
}

// misread says what an answer is that could not be read, by its header and its first bytes, so that a technician knows
// where to look; "" when it looks as it should. Say makes a word of the header fit for an error.
func misread(header http.Header, body []byte, say func(string) string) string {
	kind, parameters, bad := mime.ParseMediaType(header.Get("Content-Type"))
	charset := parameters["charset"]
	switch {
	case bytes.HasPrefix(body, []byte("\x1f\x8b")):
		return "the answer is gzip, and its header does not say so: " + switchOff
	case bytes.HasPrefix(body, []byte("\xfe\xff")), bytes.HasPrefix(body, []byte("\xff\xfe")):
		return "the answer is UTF-16; only UTF-8 is read"
	case kind == "":
		if bad != nil && header.Get("Content-Type") != "" {
			return "the answer's content type cannot be read"
		}
		return ""
	case strings.HasPrefix(kind, "multipart/"):
		return fmt.Sprintf("the answer is %q, as of a service with MTOM or attachments; only text/xml is read",
			say(kind))
	case kind == "text/html":
		return "the answer is a web page, of a proxy or of a hotspot that wants a login: Glase was not reached"
	case kind != "text/xml" && kind != "application/xml" && !strings.HasSuffix(kind, "+xml"):
		return fmt.Sprintf("the answer is %q; only text/xml is read", say(kind))
	case charset != "" && !readable(charset):
		return fmt.Sprintf("the answer is in the charset %q; only UTF-8 is read", say(charset))
	}
	return ""
}

// readable reports whether text in that charset is UTF-8, too.
func readable(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "us-ascii")
}
