package glase

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// The bounds of an answer. With the body's own they keep the work and the memory of the worst one small.
const (
	depthMax    = 32   // elements within elements; an answer with a receipt has nine levels
	nodesMax    = 8192 // elements; a receipt of rowsMax rows has some three thousand
	bindingsMax = 64   // namespace declarations in force
)

// space is an element's namespace, as far as it matters.
type space byte

const (
	spaceOther space = iota
	spaceNone
	spaceGlase
	spaceSOAP
)

// node is an element. Its name and text are slices of the document where nothing had to be replaced.
type node struct {
	name  []byte // without prefix
	text  []byte // its own character data, joined
	end   int    // the index after its last descendant; its first child, if any, is the next node
	space space
}

type binding struct {
	prefix []byte
	space  space
}

// document reads an XML document from bytes: a small parser instead of encoding/xml, which takes more time than the
// rest of a call together. It takes elements, namespaces, character data, CDATA, the five entities and character
// references, and skips comments, processing instructions and attributes. It refuses a document type, so no entity can
// expand, and everything that is not nested properly. Text between elements is no concern of anybody's.
type document struct {
	b        []byte
	i        int
	most     int    // elements
	nodes    []node // in document order
	bindings []binding
	few      [4]binding // room for those of most documents
}

// nodesHint is what most answers have room in.
const nodesHint = 16

var (
	errTruncated = errors.New("xml: ends too early")
	byteOrder    = []byte("\xef\xbb\xbf")
)

const whiteSpace = " \t\r\n"

// parse reads a whole document of an answer's size and gives its elements, the root first.
func parse(b []byte) ([]node, error) { return parseUpTo(nodesMax, b) }

// parseUpTo reads a whole document of at most so many elements.
func parseUpTo(most int, b []byte) ([]node, error) {
	b = bytes.TrimPrefix(b, byteOrder)
	if err := checkChars(b); err != nil {
		return nil, err
	}
	d := document{b: b, most: most, nodes: make([]node, 0, nodesHint)}
	d.bindings = d.few[:0]
	if bytes.HasPrefix(b, []byte("<?xml")) && len(b) > 5 && bytes.IndexByte([]byte(whiteSpace), b[5]) >= 0 {
		if err := d.declaration(); err != nil {
			return nil, err
		}
	}
	if err := d.misc(); err != nil {
		return nil, err
	}
	if d.i == len(b) {
		return nil, errTruncated
	}
	if err := d.element(1); err != nil {
		return nil, err
	}
	if err := d.misc(); err != nil {
		return nil, err
	}
	if d.i != len(b) {
		return nil, errors.New("xml: something after the root element")
	}
	return d.nodes, nil
}

// declaration passes the XML declaration, and refuses an encoding other than UTF-8.
func (d *document) declaration() error {
	end := bytes.Index(d.b, []byte("?>"))
	if end < 0 {
		return errTruncated
	}
	if _, after, ok := bytes.Cut(d.b[:end], []byte("encoding")); ok {
		name := bytes.TrimLeft(after, whiteSpace+`='"`)
		if i := bytes.IndexAny(name, whiteSpace+`'"`); i >= 0 {
			name = name[:i]
		}
		if !readable(string(name)) {
			return fmt.Errorf("xml: the encoding %.40q; only UTF-8 is read", name)
		}
	}
	d.i = end + 2
	return nil
}

// misc passes white space, comments and processing instructions outside the root element.
func (d *document) misc() error {
	for {
		for d.i < len(d.b) && isSpace(d.b[d.i]) {
			d.i++
		}
		switch {
		case d.at("<!--"), d.at("<?"):
			if err := d.aside(); err != nil {
				return err
			}
		case d.at("<!"):
			return errors.New("xml: a document type is not accepted")
		case d.i < len(d.b) && d.b[d.i] != '<':
			return errors.New("xml: text outside the root element")
		default:
			return nil
		}
	}
}

// aside passes a comment or a processing instruction.
func (d *document) aside() error {
	if d.at("<!--") {
		d.i += 4
		end := bytes.Index(d.b[d.i:], []byte("--"))
		if end < 0 {
			return errTruncated
		}
		if d.i += end; !d.at("-->") {
			return errors.New("xml: -- within a comment")
		}
		d.i += 3
		return nil
	}
	d.i += 2
	target, err := d.qname()
	if err != nil {
		return err
	}
	if bytes.EqualFold(target, []byte("xml")) {
		return errors.New("xml: a declaration that is not at the beginning")
	}
	end := bytes.Index(d.b[d.i:], []byte("?>"))
	if end < 0 {
		return errTruncated
	}
	d.i += end + 2
	return nil
}

// element reads the element whose '<' is at hand.
func (d *document) element(depth int) error {
	if depth > depthMax {
		return errors.New("xml: nested too deep")
	}
	if len(d.nodes) >= d.most {
		return errors.New("xml: too many elements")
	}
	d.i++
	tag, err := d.qname()
	if err != nil {
		return err
	}
	outer := len(d.bindings)
	empty, err := d.attributes()
	if err != nil {
		return err
	}
	n := node{}
	if n.space, n.name, err = d.resolve(tag); err != nil {
		return err
	}
	at := len(d.nodes)
	d.nodes = append(d.nodes, n)
	if !empty {
		if err := d.content(at, tag, depth); err != nil {
			return err
		}
	}
	d.nodes[at].end = len(d.nodes)
	d.bindings = d.bindings[:outer]
	return nil
}

// content reads up to and with the end tag.
func (d *document) content(at int, tag []byte, depth int) error {
	for {
		lt := bytes.IndexByte(d.b[d.i:], '<')
		if lt < 0 {
			return errTruncated
		}
		if lt > 0 {
			text, err := unescape(d.b[d.i : d.i+lt])
			if err != nil {
				return err
			}
			d.nodes[at].add(text)
			d.i += lt
		}
		switch {
		case d.at("</"):
			return d.endTag(tag)
		case d.at("<!--"), d.at("<?"):
			if err := d.aside(); err != nil {
				return err
			}
		case d.at("<![CDATA["):
			d.i += len("<![CDATA[")
			end := bytes.Index(d.b[d.i:], []byte("]]>"))
			if end < 0 {
				return errTruncated
			}
			d.nodes[at].add(lineFeeds(d.b[d.i : d.i+end]))
			d.i += end + 3
		case d.at("<!"):
			return errors.New("xml: a declaration within an element")
		default:
			if err := d.element(depth + 1); err != nil {
				return err
			}
		}
	}
}

func (n *node) add(text []byte) {
	if n.text == nil {
		n.text = text[:len(text):len(text)] // so that a later append copies
		return
	}
	n.text = append(n.text, text...)
}

func (d *document) endTag(tag []byte) error {
	d.i += 2
	if !bytes.HasPrefix(d.b[d.i:], tag) {
		return errors.New("xml: an end tag that does not match")
	}
	d.i += len(tag)
	d.spaces()
	if d.i >= len(d.b) {
		return errTruncated
	}
	if d.b[d.i] != '>' {
		return errors.New("xml: an end tag that does not match")
	}
	d.i++
	return nil
}

// attributes passes the attributes, keeping namespace declarations, up to and with the tag's end; empty says that it
// was "/>".
func (d *document) attributes() (empty bool, err error) {
	for {
		blank := d.spaces()
		switch {
		case d.i >= len(d.b):
			return false, errTruncated
		case d.b[d.i] == '>':
			d.i++
			return false, nil
		case d.at("/>"):
			d.i += 2
			return true, nil
		case !blank:
			return false, errors.New("xml: a malformed tag")
		}
		name, err := d.qname()
		if err != nil {
			return false, err
		}
		d.spaces()
		if !d.at("=") {
			return false, errors.New("xml: an attribute without a value")
		}
		d.i++
		d.spaces()
		if !d.at(`"`) && !d.at("'") {
			return false, errors.New("xml: an attribute without quotes")
		}
		end := bytes.IndexByte(d.b[d.i+1:], d.b[d.i])
		if end < 0 {
			return false, errTruncated
		}
		value, err := unescape(d.b[d.i+1 : d.i+1+end])
		if err != nil || bytes.IndexByte(d.b[d.i+1:d.i+1+end], '<') >= 0 {
			return false, errors.New("xml: a malformed attribute")
		}
		d.i += end + 2
		if err := d.bind(name, value); err != nil {
			return false, err
		}
	}
}

// bind keeps a namespace declaration and lets other attributes go.
func (d *document) bind(name, value []byte) error {
	prefix, ok := bytes.CutPrefix(name, []byte("xmlns"))
	if !ok || len(prefix) > 0 && prefix[0] != ':' {
		return nil
	}
	if len(d.bindings) >= bindingsMax {
		return errors.New("xml: too many namespaces")
	}
	b := binding{prefix: bytes.TrimPrefix(prefix, []byte(":"))}
	switch string(value) {
	case "":
		b.space = spaceNone
	case glaseSpace:
		b.space = spaceGlase
	case soapSpace:
		b.space = spaceSOAP
	}
	d.bindings = append(d.bindings, b)
	return nil
}

// resolve splits an element's name and looks up its prefix, which must have been declared.
func (d *document) resolve(tag []byte) (space, []byte, error) {
	prefix, local, prefixed := bytes.Cut(tag, []byte(":"))
	if !prefixed {
		prefix, local = nil, tag
	}
	for i := len(d.bindings) - 1; i >= 0; i-- {
		if bytes.Equal(d.bindings[i].prefix, prefix) {
			return d.bindings[i].space, local, nil
		}
	}
	if prefixed && string(prefix) != "xml" {
		return spaceOther, nil, errors.New("xml: a prefix that was not declared")
	}
	if prefixed {
		return spaceOther, local, nil
	}
	return spaceNone, local, nil
}

// qname reads a name with at most one prefix. It lets every character beyond ASCII pass.
func (d *document) qname() ([]byte, error) {
	start, colon := d.i, -1
	for ; d.i < len(d.b); d.i++ {
		c := d.b[d.i]
		if c == ':' && colon < 0 {
			colon = d.i
			continue
		}
		first := d.i == start || d.i == colon+1
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf ||
			!first && (c >= '0' && c <= '9' || c == '-' || c == '.') {
			continue
		}
		break
	}
	if d.i == start || colon == start || colon == d.i-1 {
		return nil, errors.New("xml: a malformed name")
	}
	return d.b[start:d.i], nil
}

func (d *document) at(s string) bool {
	return len(d.b)-d.i >= len(s) && string(d.b[d.i:d.i+len(s)]) == s
}

func (d *document) spaces() bool {
	start := d.i
	for d.i < len(d.b) && isSpace(d.b[d.i]) {
		d.i++
	}
	return d.i > start
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
