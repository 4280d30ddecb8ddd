package gate

import (
	"net/http"
	"testing"
)

// TestOneKioskReachesNothingThatABrowserKeepsOfOthers: all have the gateway's origin.
func TestOneKioskReachesNothingThatABrowserKeepsOfOthers(t *testing.T) {
	h := http.Header{}
	_, _, err := readAnswer([]byte("HTTP/1.1 200 OK\r\nService-Worker-Allowed: /\r\nclear-site-data: \"*\"\r\n"+
		"Access-Control-Allow-Origin: *\r\nContent-Type: text/html\r\n\r\n"), h)
	if err != nil || len(h) != 1 || h.Get("Content-Type") != "text/html" {
		t.Errorf("the browser gets %v, %v", h, err)
	}
	for cookie, good := range map[string]bool{
		"page=1; Path=/k/K1/s/; HttpOnly": true, "page=1; Path=/x/k/K1/s/": true,
		"page=1; Path=/": false, "page=1": false, "page=1; Path=/k/K2/s/": false, "page=1; Path=/k/K1": false,
		"page=1; Path=/k/K1/s/; Domain=example.com": false, "=": false,
	} {
		if own(cookie, "K1") != good {
			t.Errorf("%s: own is %v", cookie, !good)
		}
	}
}
