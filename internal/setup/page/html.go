package page

import (
	"fmt"
	"net/http"
	"time"

	"kioskd/internal/markup"
	"kioskd/internal/setup"
)

// pictureWithin is how long a display has to fail before it is said to show something.
const pictureWithin = time.Second

// outcome is what came of something.
type outcome struct {
	title string
	lines []string
	found []setup.Finding
	pins  []setup.Pin
	wrong string
	shown bool // the display's picture is there
	once  bool // the page is an answer to a button: it is not shown anew by itself
}

// document writes a page. head stands in its head as it is.
func document(w http.ResponseWriter, status int, title, head string, body func(*markup.Builder)) {
	var b markup.Builder
	b.Add("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
	b.Add(`<meta name="viewport" content="width=device-width, initial-scale=1">`)
	b.Add(`<title>%s</title><link rel="stylesheet" href="/style.css">`, title)
	b.WriteString(head)
	b.Add("</head><body><main><h1>%s</h1>", title)
	body(&b)
	b.Add("</main></body></html>")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(b.String()))
}

// askCode asks for the code. One in the address is filled in: the code beside the machine leads here with it.
func (p *Pages) askCode(w http.ResponseWriter, r *http.Request, status int, wrong string) {
	document(w, status, "Set this machine up", "", func(b *markup.Builder) {
		b.Some(`<p class="fail" role="alert">%s</p>`, wrong)
		b.Add(`<form method="post" action="/code"><label for="code">The code that the machine shows</label>`)
		b.Add(`<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="16" value="%s" `+
			`required autofocus><button>Go on</button></form>`, r.URL.Query().Get("code"))
	})
}

// parts is the list of sections, with this one marked.
func (p *Pages) parts(b *markup.Builder, here string) {
	b.Add(`<nav><ol>`)
	for _, s := range p.Files.Sections() {
		class := ""
		if s.Done {
			class = "done"
		}
		if s.Name == here {
			b.Add(`<li class="%s"><strong>%s</strong></li>`, class, s.Title)
		} else {
			b.Add(`<li class="%s"><a href="/part/%s">%s</a></li>`, class, s.Name, s.Title)
		}
	}
	b.Add(`</ol></nav>`)
}

// showPart asks a section's questions. wrong says what is wrong with which answer, and typed what was typed there.
func (p *Pages) showPart(w http.ResponseWriter, s setup.Section, wrong, typed map[string]string) {
	status := http.StatusOK
	if len(wrong) > 0 {
		status = http.StatusUnprocessableEntity
	}
	document(w, status, s.Title, "", func(b *markup.Builder) {
		b.Some(`<p class="warn">%s</p>`, p.Files.Note)
		b.Add(`<form method="post" action="/part/%s" autocomplete="off">`, s.Name)
		for _, q := range s.Questions {
			value := p.Files.Value(q)
			if text, ok := typed[q.Key]; ok && wrong[q.Key] != "" {
				value = text
			}
			field(b, q, value, wrong[q.Key])
		}
		b.Add(`<button>Go on</button></form>`)
		p.parts(b, s.Name)
	})
}

func field(b *markup.Builder, q setup.Question, value, wrong string) {
	b.Add(`<div class="field"><label for="%s">%s</label>`, q.Key, q.Ask)
	needed, described := " required", ""
	if q.Optional {
		needed = ""
	}
	if wrong != "" {
		described = ` aria-invalid="true" aria-describedby="wrong-` + q.Key + `"` // keys are ours: letters, digits, points
	}
	switch {
	case len(q.Choices) > 0:
		b.Add(`<select id="%s" name="%s">`, q.Key, q.Key)
		for _, c := range q.Choices {
			means := c.Word
			if c.Means != "" {
				means = c.Means
			}
			selected := ""
			if c.Word == value {
				selected = " selected"
			}
			b.Add(`<option value="%s"`+selected+`>%s</option>`, c.Word, means)
		}
		b.Add(`</select>`)
	case q.Form == setup.Secret:
		if value == setup.Kept {
			needed = ""
			b.Add(`<small>There is one; leave this empty to keep it.</small>`)
		}
		b.Add(`<input id="%s" name="%s" type="password" autocomplete="off"`+needed+described+`>`, q.Key, q.Key)
	case q.Form == setup.Number:
		b.Add(`<input id="%s" name="%s" inputmode="numeric" value="%s"`+needed+described+`>`, q.Key, q.Key, value)
	default:
		b.Add(`<input id="%s" name="%s" value="%s"`+needed+described+`>`, q.Key, q.Key, value)
	}
	if wrong != "" {
		b.Add(`<p class="fail" role="alert" id="wrong-%s">%s</p>`, q.Key, wrong)
	}
	b.Some(`<small>%s</small>`, q.Why)
	b.Add(`</div>`)
}

// buttons are the acts of a form, each by its word.
func buttons(b *markup.Builder, action string, acts ...[2]string) {
	b.Add(`<form method="post" action="%s">`, action)
	for _, a := range acts {
		b.Add(`<button name="do" value="%s">%s</button>`, a[0], a[1])
	}
	b.Add(`</form>`)
}

func (p *Pages) showTry(w http.ResponseWriter, s setup.Section, o outcome) {
	head := ""
	working := p.live != nil && p.of == s.Name
	if working && !o.once {
		head = `<meta http-equiv="refresh" content="1">`
	}
	status := http.StatusOK
	if o.wrong != "" {
		status = http.StatusBadGateway
	}
	document(w, status, s.Title+": try it", head, func(b *markup.Builder) {
		o.tell(b)
		at := "/try/" + s.Name
		switch {
		case s.Name == "glase":
			cfg, _ := p.Files.Trial()
			if cfg.Glase.TerminalID == "" && cfg.Glase.ResellerPasswordFile != "" {
				buttons(b, at, [2]string{"register", "Make a terminal for this machine now"})
			}
			b.Add(`<p>Glase is asked whether it knows this terminal. No money moves.</p>`)
			buttons(b, at, [2]string{"ask", "Ask Glase now"})
		case s.Name == "display" && o.shown:
			b.Add(`<p>The display shows what customers will see. Can it be read?</p>`)
			buttons(b, at, [2]string{"read", "Yes"}, [2]string{"unread", "No"})
		case s.Name == "display":
			buttons(b, at, [2]string{"show", "Show a picture on it"})
		default:
			b.Add(`<p>The button moves the motor or the lock of slot %s at once, for one product, and never longer than its `+
				`longest time on.</p>`, p.slotID(s))
			buttons(b, at, [2]string{"move", "Move it now"})
			if !working || o.once {
				buttons(b, at, [2]string{"watch", "Show the pins"})
			}
			if working {
				buttons(b, at, [2]string{"rest", "Enough"})
			}
		}
		b.Add(`<p><a href="/part/%s">Other answers</a> <a class="go" href="/">Go on</a></p>`, s.Name)
		p.parts(b, s.Name)
	})
}

// tell writes what came of something.
func (o outcome) tell(b *markup.Builder) {
	b.Some(`<p class="fail" role="alert">%s</p>`, o.wrong)
	for _, l := range o.lines {
		b.Add(`<p class="line">%s</p>`, l)
	}
	for _, f := range o.found {
		b.Add(`<p class="%s" role="status"><b>%s</b> %s`, f.State, f.State, f.Says)
		if f.State != "ok" {
			b.Some(`<br>%s`, f.Remedy)
		}
		b.Add(`</p>`)
	}
	if len(o.pins) > 0 {
		b.Add(`<table><tr><th>Pin</th><th>What</th><th>Now</th><th>Moved</th></tr>`)
		for _, pin := range o.pins {
			moved := ""
			if !pin.Changed.IsZero() {
				moved = pin.Changed.Local().Format(time.TimeOnly)
			}
			b.Add(`<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>`, pin.Name, pin.Role, pin.Means, moved)
		}
		b.Add(`</table>`)
	}
}

// showEnd is the last page: the config is written, looked at, and tried.
func (p *Pages) showEnd(w http.ResponseWriter, o *outcome, err error) {
	if o == nil {
		o = &outcome{title: "All is answered"}
	}
	status := http.StatusOK
	if err != nil {
		o.wrong, status = err.Error(), http.StatusBadGateway
	}
	document(w, status, o.title, "", func(b *markup.Builder) {
		o.tell(b)
		if !p.done {
			b.Add(`<p>The answers are written to %s. A config that is there is kept beside it.</p>`, p.Path)
			b.Add(`<form method="post" action="/finish"><button>Write the config</button></form>`)
		} else {
			b.Add(`<form method="post" action="/sale"><p>A test sale: a phone that is none pays a Glase that is none, and no ` +
				`money moves. The motor of the slot does.</p><label for="slot">From slot</label><select id="slot" name="slot">`)
			cfg, _ := p.Files.Config()
			for _, s := range cfg.Slots {
				b.Add(`<option>%s</option>`, s.ID)
			}
			b.Add(`</select><button>Move its motor and sell</button></form>`)
			b.Add(`<p>Then let it sell, now and at each start of the machine: <code>sudo systemctl start kioskd</code></p>`)
			b.Add(`<form method="post" action="/end"><button>This is done: end the setup</button></form>`)
		}
		p.parts(b, "")
	})
}

func (p *Pages) showBye(w http.ResponseWriter) {
	document(w, http.StatusOK, "The setup has ended", "", func(b *markup.Builder) {
		says := "Nothing was written. The answers are kept, and the next kioskd setup goes on there."
		if p.done {
			says = fmt.Sprintf("The config is %s.", p.Path)
		}
		b.Add(`<p>%s</p>`, says)
	})
}
