package app

import (
	"errors"
	"time"

	"kioskd/hw/display"
)

const (
	showMax   = 10 * time.Second // longer than any display takes for a picture; an electronic paper takes some seconds
	showAgain = 10 * time.Second // what a display that failed is shown again after: perhaps it is back
)

var errHangs = errors.New("a picture takes longer than 10 s")

// screen keeps the machine's own display at what the customer should see.
type screen struct {
	driver Driver
	failed func(error) // is told when the display begins or, with nil, ceases to fail
}

// run draws until no more screens come, the last one included.
func (s *screen) run(screens <-chan display.Screen) {
	var picture display.Screen
	var again <-chan time.Time
	broken, more := false, true
	tell := func(err error) {
		if (err != nil) != broken {
			broken = err != nil
			s.failed(err)
		}
	}
	for {
		select {
		case picture, more = <-screens:
			if !more {
				return
			}
		case <-again:
		}
		shown := make(chan error, 1)
		go func() { shown <- s.driver.Show(picture) }()
		select {
		case err := <-shown:
			tell(err)
		case <-time.After(showMax):
			tell(errHangs)
			tell(<-shown)
		}
		again = nil
		if broken {
			again = time.After(showAgain)
		}
	}
}
