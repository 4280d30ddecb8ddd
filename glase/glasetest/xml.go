package glasetest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	soapNS  = "http://schemas.xmlsoap.org/soap/envelope/"
	glaseNS = "http://external.interfaces.ers.seamless.com/"
	xsiNS   = "http://www.w3.org/2001/XMLSchema-instance"

	// depthMax bounds nesting: the deepest documented request has eight levels.
	depthMax = 32
	// nodesMax bounds the tree that one request becomes: rowsMax rows of fifteen elements, and some room.
	nodesMax = 20_000
)

// node is one element of a request. Text is what stands directly in it.
type node struct {
	name  xml.Name
	attrs []xml.Attr
	text  []byte
	kids  []*node
}

// parse reads a document of one root element. No DTD is accepted, so there are no entities to expand.
func parse(body []byte) (*node, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	var root *node
	var open []*node
	for count := 0; ; {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if count++; count > nodesMax || len(open) == depthMax {
				return nil, errors.New("the message is too large")
			}
			n := &node{name: t.Name, attrs: t.Attr}
			if len(open) > 0 {
				above := open[len(open)-1]
				above.kids = append(above.kids, n)
			} else if root != nil {
				return nil, errors.New("a second root element")
			} else {
				root = n
			}
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				top := open[len(open)-1]
				top.text = append(top.text, t...)
			} else if strings.TrimSpace(string(t)) != "" {
				return nil, errors.New("text outside the root element")
			}
		case xml.Directive:
			return nil, errors.New("a DTD is not accepted")
		}
	}
	if root == nil {
		return nil, errors.New("no element at all")
	}
	return root, nil
}

// operation takes the one element of an envelope's body.
func operation(root *node) (*node, error) {
	if root.name != (xml.Name{Space: soapNS, Local: "Envelope"}) {
		return nil, fmt.Errorf("{%s}%s is not a SOAP 1.1 envelope", root.name.Space, root.name.Local)
	}
	for _, k := range root.kids {
		if k.name != (xml.Name{Space: soapNS, Local: "Body"}) {
			continue
		}
		if len(k.kids) != 1 {
			return nil, fmt.Errorf("the body holds %d elements instead of one", len(k.kids))
		}
		if op := k.kids[0]; op.name.Space == glaseNS {
			return op, nil
		}
		return nil, fmt.Errorf("{%s}%s is not of Glase's namespace", k.kids[0].name.Space, k.kids[0].name.Local)
	}
	return nil, errors.New("the envelope has no body")
}

// child is the first child of that name without a namespace, in whatever order they came, or nil. Children are
// unqualified in this interface: one that is in a namespace is another element, and not seen.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name.Space == "" && k.name.Local == name {
			return k
		}
	}
	return nil
}

// children are all the children of that name, in the order they came.
func (n *node) children(name string) []*node {
	var all []*node
	if n != nil {
		for _, k := range n.kids {
			if k.name.Space == "" && k.name.Local == name {
				all = append(all, k)
			}
		}
	}
	return all
}

// value is the trimmed text of the named child, "" when it is missing.
func (n *node) value(name string) string {
	if k := n.child(name); k != nil {
		return strings.TrimSpace(string(k.text))
	}
	return ""
}
