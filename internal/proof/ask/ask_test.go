package ask

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestWhatIsNoAnswerIsAnError, and says what came.
func TestWhatIsNoAnswerIsAnError(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /said", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"a": "b"}`) })
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	mux.HandleFunc("GET /refused", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "why", http.StatusConflict)
	})
	mux.HandleFunc("GET /text", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "text") })
	mux.HandleFunc("GET /long", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%q", strings.Repeat("a", answerMax))
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	var got map[string]string
	if err := Get(t.Context(), s.URL+"/said", &got); err != nil || got["a"] != "b" {
		t.Errorf("%v, %v", got, err)
	}
	if err := Post(t.Context(), s.URL+"/echo", map[string]string{"c": "d"}, &got); err != nil || got["c"] != "d" {
		t.Errorf("%v, %v", got, err)
	}
	for path, want := range map[string]string{"/refused": "409 Conflict: why", "/text": "invalid character",
		"/long": "more than"} {
		if err := Get(t.Context(), s.URL+path, new(any)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
