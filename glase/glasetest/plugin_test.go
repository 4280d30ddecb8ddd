package glasetest_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/glase/glasetest"
)

// TestThePluginFollowsAPaymentByTheDocumentedRules: each second, until a status that is not ISSUED, or 404.
func TestThePluginFollowsAPaymentByTheDocumentedRules(t *testing.T) {
	type answer struct {
		code        int
		allow, body string
	}
	issued, say := answer{200, "*", `{"status": "ISSUED", "resultCode": 0}`}, func(status string) answer {
		return answer{200, "https://shop.example", `{"resultCode": 0, "status": "` + status + `"}`}
	}
	for name, c := range map[string]struct {
		answers []answer
		status  glasetest.Status
		err     error
	}{
		"paid":              {[]answer{issued, issued, say("PAID")}, glasetest.Paid, nil},
		"reserved":          {[]answer{say("RESERVED")}, glasetest.Reserved, nil},
		"cancelled":         {[]answer{issued, say("CANCELED")}, glasetest.Canceled, nil},
		"nothing more":      {[]answer{issued, {404, "*", ""}}, "", glasetest.ErrPluginGaveUp},
		"hidden 404":        {[]answer{{404, "", ""}, say("PAID")}, glasetest.Paid, nil},
		"trouble":           {[]answer{{500, "", ""}, {503, "*", ""}, {400, "", ""}, say("PAID")}, glasetest.Paid, nil},
		"no JSON":           {[]answer{{200, "*", "<html>"}, {200, "*", "{}"}, say("PAID")}, glasetest.Paid, nil},
		"another's page":    {[]answer{{200, "", `{"status": "PAID"}`}}, "", glasetest.ErrPluginBarred},
		"for another alone": {[]answer{{200, "https://other.example", `{}`}}, "", glasetest.ErrPluginBarred},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			shop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.Header.Get("Origin") != "https://shop.example" {
					t.Errorf("%s: asked by %s from %q", name, r.Method, r.Header.Get("Origin"))
				}
				a := c.answers[min(asked, len(c.answers)-1)]
				asked++
				if a.allow != "" {
					w.Header().Set("Access-Control-Allow-Origin", a.allow)
				}
				w.WriteHeader(a.code)
				_, _ = w.Write([]byte(a.body))
			})
			began := time.Now()
			p := glasetest.Plugin{StatusURL: "http://kiosk.test/seqr/notify/x", Origin: "https://shop.example",
				Client: &http.Client{Transport: glasetest.InProcess(shop)}}
			status, n, err := p.Run(t.Context())
			if status != c.status || !errors.Is(err, c.err) || n != len(c.answers) || asked != n {
				t.Errorf("%s: %s after %d, %v", name, status, n, err)
			}
			if took := time.Since(began); took != time.Duration(n-1)*time.Second {
				t.Errorf("%s: %d questions in %v", name, n, took)
			}
		})
	}
}

// TestThePluginOnTheShopsOwnSite needs no leave, and no address is asked again that is none.
func TestThePluginOnTheShopsOwnSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header["Origin"] != nil {
				t.Errorf("asked from %q", r.Header["Origin"])
			}
			_, _ = w.Write([]byte(`{"status": "PAID"}`))
		})
		client := &http.Client{Transport: glasetest.InProcess(shop)}
		p := glasetest.Plugin{StatusURL: "http://kiosk.test/status", Client: client}
		if status, n, err := p.Run(t.Context()); status != glasetest.Paid || n != 1 || err != nil {
			t.Errorf("%s after %d, %v", status, n, err)
		}
	})
	if _, n, err := (glasetest.Plugin{StatusURL: "://"}).Run(t.Context()); err == nil || n != 0 {
		t.Errorf("an address that is none: asked %d times, %v", n, err)
	}
}
