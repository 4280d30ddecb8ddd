package child

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inItsOwnThread runs do in a thread that ends with it, and gives the thread's number.
func inItsOwnThread(do func()) int {
	thread := make(chan int)
	go func() {
		runtime.LockOSThread()
		if syscall.Gettid() == os.Getpid() { // a process's first thread never ends: this keeps it from the next try
			defer runtime.UnlockOSThread()
			thread <- inItsOwnThread(do)
			return
		}
		do()
		thread <- syscall.Gettid()
	}()
	return <-thread
}

// TestAChildOutlivesTheThreadThatStartedIt: the kernel takes that thread's end for the parent's.
func TestAChildOutlivesTheThreadThatStartedIt(t *testing.T) {
	c := exec.Command("cat")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c.Stdout = w
	var child *Child
	thread := inItsOwnThread(func() { child, err = Start(c, syscall.SIGKILL) })
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(child.Kill)
	for err == nil { // it ends soon after its goroutine
		_, err = os.Stat(fmt.Sprintf("/proc/self/task/%d", thread))
		runtime.Gosched()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(in, "still there?"); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "still there?\n" {
		t.Errorf("it says %q, %v", said, err)
	}
}

// asParent has this test's program start a sleeper, tell its number, and wait to be killed.
const asParent = "KIOSKD_CHILD_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(asParent) == "" {
		os.Exit(m.Run())
	}
	child, err := Start(exec.Command("sleep", "1000"), syscall.SIGKILL)
	if err != nil {
		panic(err)
	}
	fmt.Println(child.PID())
	fmt.Fprintln(os.Stderr, child.Err())
}

// TestAChildDoesNotOutliveItsParent, although that was killed and could not end it.
func TestAChildDoesNotOutliveItsParent(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c := exec.Command(self)
	c.Env, c.Stdout = append(os.Environ(), asParent+"=1"), w
	parent, err := Start(c, syscall.SIGKILL)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(parent.Kill)
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	parent.Kill()
	for end := time.Now().Add(time.Minute); alive(pid); runtime.Gosched() {
		if time.Now().After(end) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("its parent is gone, and it is not")
		}
	}
}

// alive says whether a process is there, and no zombie that waits for whoever inherits it.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(text), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

func TestTheLastLinesOfTheDeadAreTold(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c := exec.Command("sh", "-c", "seq 5000; exit 3")
	c.Stdout = log
	child, err := Start(c, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for n := 5000 - tailLines + 1; n <= 5000; n++ {
		fmt.Fprintf(&want, "\n  %d", n)
	}
	told := "the counter ended by itself (exit status 3). The end of its log:" + want.String()
	if err := child.Died("the counter", log.Name()); err.Error() != told {
		t.Errorf("%v", err)
	}
	if said := Tail(log.Name() + ".none"); !strings.Contains(said, "cannot be read") {
		t.Errorf("of no log it says %q", said)
	}
}

func TestWhatIsNotThereDoesNotStart(t *testing.T) {
	_, err := Start(exec.Command(filepath.Join(t.TempDir(), "none")), syscall.SIGKILL)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
