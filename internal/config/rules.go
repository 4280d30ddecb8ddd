package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rule answers what is wrong with a text and what to write instead, or "".
type rule func(string) string

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// only reports whether a text has no characters but these.
func only(s, chars string) bool { return strings.Trim(s, chars) == "" }

// spoken is the rule of a text that people read.
func spoken(most int) rule {
	return func(s string) string {
		switch n := utf8.RuneCountInString(s); {
		case n > most:
			return fmt.Sprintf("has %d characters: at most %d fit", n, most)
		case strings.TrimSpace(s) == "":
			return "is blank: write what people shall read"
		case strings.TrimSpace(s) != s:
			return fmt.Sprintf("begins or ends with a space: write %s", quote(strings.TrimSpace(s)))
		}
		return ""
	}
}

// shown reads a text that people read on the display.
func (t *table) shown(key string, to *string, most int) {
	if t.text(key, to, spoken(most)); *to != "" {
		t.doc.shown = append(t.doc.shown, shownText{place{dotted(t.path, key), t.lineOf(key)}, *to})
	}
}

// code is the rule of a name that machines read: 1 to most of the characters.
func code(most int, chars, what string) rule {
	return func(s string) string {
		if s == "" || len(s) > most || !only(s, chars) {
			return fmt.Sprintf("%s is not 1 to %d %s", quote(s), most, what)
		}
		return ""
	}
}

// isID is the rule of the names that Glase gives: they stand in its QR codes and messages.
func isID(s string) string {
	return code(64, lower+upper+digits+"_-.", "letters, digits, '_', '-' or '.': copy it as Glase gave it")(s)
}

func isEAN(s string) string {
	if len(s) < 8 || len(s) > 14 || !only(s, digits) {
		return fmt.Sprintf("%s is no EAN: write the 8 to 14 digits below the bar code", quote(s))
	}
	return ""
}

func isPath(s string) string {
	if s == "" || strings.HasSuffix(s, "/") {
		return fmt.Sprintf("%s is no file: write its path, from / or from this file's folder", quote(s))
	}
	return ""
}

// isPrefix is the rule of the path that stands before /createPurchase.
func isPrefix(s string) string {
	if s == "" || len(s) <= prefixMax && s[0] == '/' && s != "/" && path.Clean(s) == s &&
		only(s, lower+upper+digits+"/-._~") {
		return ""
	}
	return fmt.Sprintf("%s is no path prefix: write it like \"/seqr\", with a slash before and none after", quote(s))
}

// prefixMax bounds the path prefix: it is a part of every notification URL.
const prefixMax = 100

// isListen is the rule of an address to listen on. A host's name would need a resolver at boot, before there is a
// network.
func isListen(s string) string {
	host, port, err := net.SplitHostPort(s)
	n, portErr := strconv.ParseUint(port, 10, 16)
	_, ipErr := netip.ParseAddr(host)
	if err != nil || portErr != nil || port != strconv.FormatUint(n, 10) || host != "" && host != "localhost" &&
		ipErr != nil {
		return fmt.Sprintf(
			"%s is no address to listen on: write it like \"127.0.0.1:8081\", or \":8443\" for every network", quote(s))
	}
	return ""
}

// local reports whether a host is this machine alone.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// localListen reports the same of an address that isListen accepts.
func localListen(s string) bool {
	host, _, err := net.SplitHostPort(s)
	return err == nil && local(host)
}

// isWeb is the rule of a URL that payments travel over: absolute, and http only within this machine.
func isWeb(s string) string {
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "@"):
		return "has a user or password in it: write the URL without, passwords are in files of their own"
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		strings.ContainsAny(s, " \\<>\"{}"):
		return fmt.Sprintf("%s is no URL: write it whole, like \"https://example.com/path\"", quote(s))
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return fmt.Sprintf("%s has something after ? or #: leave that out", quote(s))
	case u.Port() == "0" || u.Port() != "" && isListen(":"+u.Port()) != "":
		return fmt.Sprintf("%s has no port between 1 and 65535", quote(s))
	case u.Scheme == "http" && !local(u.Hostname()):
		return fmt.Sprintf("%s would be sent unencrypted: write https", quote(s))
	}
	return ""
}

// isPublic is isWeb for the URL that Glase is given to find this machine.
func isPublic(s string) string {
	if c := isWeb(s); c != "" {
		return c
	}
	if cut, ok := strings.CutSuffix(strings.TrimRight(s, "/"), "/createPurchase"); ok {
		return fmt.Sprintf("%s: write it without createPurchase, which is added: %q", quote(s), cut)
	}
	if strings.HasSuffix(s, "/") {
		return fmt.Sprintf("%s ends with a slash: write it without, as /createPurchase is added", quote(s))
	}
	return ""
}
