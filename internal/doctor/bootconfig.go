package doctor

import (
	"maps"
	"slices"
	"strings"
)

// setting is one thing that config.txt says: "dtparam" with the parameter's name, "dtoverlay" with the overlay's name
// and its own parameters, or any other key with its value.
type setting struct {
	key, name, value string
	params           map[string]string // of a dtoverlay
	only             string            // the section's filter that it stands under; "": it holds for every machine
}

// bootSettings reads the firmware's config.txt: "key=value" lines under [filters], with # for comments. A line that is
// none of these says nothing to the firmware, nor here. Parameters of an overlay in lines of their own (dtparam) that
// follow it are its own until the next overlay.
func bootSettings(text string) []setting {
	var all []setting
	overlay, only := -1, ""
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if filter, ok := strings.CutPrefix(line, "["); ok {
			only = strings.ToLower(strings.TrimSpace(strings.TrimSuffix(filter, "]")))
			if only == "all" {
				only = ""
			}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		s := setting{key: strings.TrimSpace(key), value: strings.TrimSpace(value), only: only}
		switch s.key {
		case "dtoverlay", "device_tree_overlay":
			s.key = "dtoverlay"
			name, params := s.value, ""
			if at := strings.IndexAny(s.value, ",:"); at >= 0 { // a colon is the older spelling
				name, params = s.value[:at], s.value[at+1:]
			}
			s.name, s.params = strings.TrimSuffix(strings.TrimSpace(name), ".dtbo"), parameters(params)
			if overlay = -1; s.name != "" { // without a name it ends the parameters of the one before
				overlay = len(all)
				all = append(all, s)
			}
		case "dtparam", "device_tree_param":
			params := parameters(s.value)
			for _, name := range slices.Sorted(maps.Keys(params)) {
				if overlay >= 0 && !slices.Contains(baseParams, name) {
					all[overlay].params[name] = params[name]
					continue
				}
				all = append(all, setting{key: "dtparam", name: name, value: params[name], only: only})
			}
		default:
			all = append(all, s)
		}
	}
	return all
}

// baseParams belong to the machine itself wherever they stand.
var baseParams = []string{"i2c", "i2c_arm", "i2c1", "i2c_vc", "i2c0", "spi", "i2s", "uart0", "uart1", "audio"}

// parameters reads "a=1,b,c=2"; one without a value is on.
func parameters(s string) map[string]string {
	m := map[string]string{}
	for _, p := range strings.Split(s, ",") {
		name, value, given := strings.Cut(strings.TrimSpace(p), "=")
		if !given {
			value = "on"
		}
		if name != "" {
			m[name] = value
		}
	}
	return m
}

// isOn reads a switch of config.txt.
func isOn(value string) bool {
	switch strings.ToLower(value) {
	case "on", "1", "true", "yes", "y", "okay":
		return true
	}
	return false
}

// models are the filters that name machines, and words of the names that their device trees have.
var models = map[string][]string{
	"pi0": {"Zero"}, "pi0w": {"Zero W"}, "pi02": {"Zero 2"}, "pi1": {"Raspberry Pi Model", "Compute Module Rev"},
	"pi2": {"Pi 2 "},
	"pi3": {"Pi 3 ", "Compute Module 3"}, "pi3+": {"Pi 3 Model B Plus", "Pi 3 Model A Plus", "Compute Module 3 Plus"},
	"pi4": {"Pi 4 ", "Pi 400", "Compute Module 4"}, "pi400": {"Pi 400"}, "pi5": {"Pi 5 ", "Pi 500", "Compute Module 5"},
	"pi500": {"Pi 500"},
	"cm1":   {"Compute Module Rev"}, "cm3": {"Compute Module 3"}, "cm3+": {"Compute Module 3 Plus"},
	"cm4":  {"Compute Module 4"},
	"cm4s": {"Compute Module 4S"}, "cm5": {"Compute Module 5"},
}

// holds reports whether a filter is for this model; sure: whether that is known.
func holds(filter, model string) (holds, sure bool) {
	words, known := models[filter]
	switch {
	case filter == "":
		return true, true
	case filter == "none":
		return false, true
	case !known || model == "":
		return true, false
	}
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(model, w) }), true
}
