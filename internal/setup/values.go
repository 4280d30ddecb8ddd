package setup

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"kioskd/hw/vend"
)

// value is one that a file says, by the key of its answer.
type value struct {
	Answer
	derived bool // it follows from others, and stands in no line
	odd     bool // it is of a type that nothing in a config has
}

type values []value

// texts are the values as they would be typed.
func (v values) texts() map[string]string {
	all := map[string]string{}
	for _, one := range v {
		if !one.odd {
			all[one.Key] = one.Text
		}
	}
	return all
}

// fileMax bounds a config and a file of answers, in bytes.
const fileMax = 1 << 20

// flatten reads what a config, or a file of answers that is written like one, says.
func flatten(b []byte, kinds []vend.Kind) (values, error) {
	if len(b) > fileMax {
		return nil, fmt.Errorf("it is larger than %d KiB", fileMax>>10)
	}
	var top map[string]any
	if err := toml.Unmarshal(b, &top); err != nil {
		return nil, err
	}
	var all values
	for _, name := range slices.Sorted(maps.Keys(top)) {
		switch v := top[name].(type) {
		case map[string]any:
			all = all.table(name, v)
		case []any:
			if name == repeated {
				all = all.slots(v, kinds)
			}
		default:
			return nil, fmt.Errorf("%.60q stands in no table", name)
		}
	}
	return append(all, all.derived()...), nil
}

// list is the form of a list of texts, as TOML. Only files have it: no question asks for one.
const list Form = -2

// table adds a table's values.
func (v values) table(prefix string, t map[string]any) values {
	for _, key := range slices.Sorted(maps.Keys(t)) {
		a := Answer{Key: prefix + "." + key}
		switch x := t[key].(type) {
		case string:
			a.Text = x
		case int64:
			a.Text, a.Form = strconv.FormatInt(x, 10), Number
		case bool:
			a.Text, a.Form = strconv.FormatBool(x), flag
		case map[string]any:
			v = v.table(a.Key, x)
			continue
		case []any:
			text, ok := listOf(x)
			a.Text, a.Form = text, list
			if !ok {
				v = append(v, value{Answer: a, odd: true})
				continue
			}
		default:
			v = append(v, value{Answer: a, odd: true})
			continue
		}
		v = append(v, value{Answer: a})
	}
	return v
}

// listOf is a list of texts as TOML; false: it has something else in it.
func listOf(all []any) (string, bool) {
	texts := make([]string, len(all))
	for n, one := range all {
		text, ok := one.(string)
		if !ok {
			return "", false
		}
		texts[n] = quoted(text)
	}
	return "[" + strings.Join(texts, ", ") + "]", true
}

func (v values) slots(list []any, kinds []vend.Kind) values {
	for n, one := range list[:min(len(list), slotsMax)] {
		t, ok := one.(map[string]any)
		if !ok {
			continue
		}
		prefix := fmt.Sprint(repeated, ".", n+1)
		v = v.table(prefix, t)
		own, _ := t["vend"].(map[string]any)
		driver, _ := own["driver"].(string)
		has := func(key string) bool { _, ok := own[key]; return ok }
		if name := kindOf(kinds, driver, has); name != "" {
			v = append(v, value{Answer: Answer{Key: prefix + ".kind", Text: name}, derived: true})
		}
	}
	return append(v, value{Answer: Answer{Key: slotsKey, Text: strconv.Itoa(len(list)), Form: Number}, derived: true})
}

// derived are the answers that follow from what a file says.
func (v values) derived() (all values) {
	said := v.texts()
	add := func(key, text string) {
		if said[key] == "" {
			all = append(all, value{Answer: Answer{Key: key, Text: text}, derived: true})
		}
	}
	switch {
	case said["glase.terminal_id"] != "":
		add("glase.account", Terminal)
	case said["glase.reseller_id"] != "":
		add("glase.account", Register)
	}
	switch {
	case said["ups.behind_proxy"] == "true":
		add("ups.reach", Proxy)
	case said["ups.tls_cert"] != "":
		add("ups.reach", TLS)
	case said["ups.listen"] != "":
		add("ups.reach", Local)
	}
	return all
}

// Unattended answers everything from a file of answers, which is written like a config: as much of it as there is to
// say, and besides it [glase] account, password and reseller_password, [ups] reach, and [[slot]] kind. What the file
// does not say is what would be offered; what cannot be offered must be there. Any other key of the config may stand
// there too.
func (s *Setup) Unattended(file []byte) error {
	said, err := flatten(file, s.o.Kinds)
	if err != nil {
		return err
	}
	texts := said.texts()
	used := map[string]bool{}
	for _, v := range said { // first, for what it makes of other answers
		if strings.HasPrefix(v.Key, "fleet.") && !v.odd {
			s.o.Fixed, used[v.Key] = append(s.o.Fixed, v.Answer), true
		}
	}
	s.fleet = s.fleet || texts["fleet.servers"] != ""
	for _, key := range []string{"glase.password", "glase.reseller_password"} {
		if file := texts[key+"_file"]; file != "" { // it is there already
			s.before[key+"_file"], texts[key] = file, Kept
			used[key+"_file"] = true
		}
	}
	for {
		_, q, more := s.Next()
		if !more {
			break
		}
		text, ok := texts[q.Key]
		if used[q.Key] = true; !ok {
			if text = s.suggested(q); text == "" && !q.Optional {
				return fmt.Errorf("%s is missing: %s", q.Key, q.Ask)
			}
		}
		if q.Form == Secret {
			err = s.Password(q.Key, text)
		} else {
			err = s.Answer(q.Key, text)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", q.Key, err)
		}
	}
	for _, v := range said {
		if v.odd {
			return fmt.Errorf("%s is of a type that nothing in a config has", v.Key)
		}
		if used[v.Key] || v.derived || s.written(v.Key) {
			continue
		}
		if q, asked := s.question(v.Key); asked || v.Key == "glase.password" || v.Key == "glase.reseller_password" {
			return fmt.Errorf("%s is answered, and with these answers nobody asks for it: leave it out %s", v.Key, q.Why)
		}
		s.o.Fixed = append(s.o.Fixed, v.Answer)
		s.changed()
	}
	for _, c := range s.complaints() {
		if !c.later {
			return errors.New(c.said())
		}
	}
	return nil
}

// written reports whether a key of the config is set by the answer to another question.
func (s *Setup) written(key string) bool {
	return key == "ups.path_prefix" && s.has("ups.public_url") || key == "ups.behind_proxy" && s.has("ups.reach") ||
		len(key) > len(".vend.driver") && key[len(key)-len(".vend.driver"):] == ".vend.driver"
}
