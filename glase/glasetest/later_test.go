package glasetest_test

import (
	"io"
	"strings"
	"testing"

	"kioskd/glase/glasetest"
)

// TestAnOperationOfALaterReleaseIsUnsupportedAndNoFault: creditUser is for others than merchants, and in no interface
// file that is known.
func TestAnOperationOfALaterReleaseIsUnsupportedAndNoFault(t *testing.T) {
	s := newStranger(t, glasetest.Config{})
	for operation, want := range map[string]int{"creditUser": 200, "robUser": 500} {
		r, err := s.http.Post("http://glase.test/soap/merchant/cashregister-2", "text/xml; charset=utf-8",
			strings.NewReader(`<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x:`+operation+
				` xmlns:x="http://external.interfaces.ers.seamless.com/"></x:`+operation+`></e:Body></e:Envelope>`))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != want ||
			strings.Contains(string(body), "<resultCode>91</resultCode>") != (want == 200) {
			t.Errorf("%s: %d %s, %v", operation, r.StatusCode, body, err)
		}
	}
}
