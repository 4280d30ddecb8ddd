package fleet

import (
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// inOwnNetwork says whether the test that calls it is in a network of its own. If not, it runs it once more in one, and
// the outer one is over.
func inOwnNetwork(t *testing.T) bool {
	t.Helper()
	if InOwnNetwork() {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can make networks to cut")
	}
	args := append(os.Args[1:], "-test.run", "^"+t.Name()+"$", "-test.count=1")
	if err := OwnNetwork(args...); err != nil {
		t.Fatalf("in a network of its own: %v", err)
	}
	return false
}

// TestALineIsAsBadAsItIsTold: whole, late, and cut.
func TestALineIsAsBadAsItIsTold(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	if err := Switch(); err != nil {
		t.Fatal(err)
	}
	h, err := NewHost("far", 11)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", Here+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// the far host's program connects, and sends back what it gets
	_, port, _ := net.SplitHostPort(l.Addr().String())
	p := &Process{Name: "echo", Dir: t.TempDir(), Program: "bash", Host: h,
		Args: []string{"-c", fmt.Sprintf("exec 3<>/dev/tcp/%s/%s; cat <&3 >&3", Here, port)}}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	trip := func(most time.Duration) (time.Duration, error) {
		began := time.Now()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(began.Add(most))
		_, err := io.ReadFull(c, make([]byte, 1))
		return time.Since(began), err
	}
	if _, err := trip(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	const late = 300 * time.Millisecond
	h.Line(LineState{Delay: late})
	if took, err := trip(5 * time.Second); err != nil || took < 2*late {
		t.Fatalf("over a slow line it took %v, %v", took, err)
	}
	h.Line(LineState{Cut: true})
	if _, err := trip(time.Second); err == nil {
		t.Fatal("something came over a line that is cut")
	}
	h.Line(LineState{Loss: 0.2})
	if _, err := io.ReadFull(c, make([]byte, 0)); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatalf("what was sent in vain did not come once the line was mended: %v", err)
	}
	if _, err := trip(20 * time.Second); err != nil {
		t.Fatalf("a line that loses a fifth: %v", err)
	}
}
