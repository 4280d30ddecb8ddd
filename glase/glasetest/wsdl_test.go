package glasetest_test

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"kioskd/internal/money"
)

// xsdElement is one element of the served interface.
type xsdElement struct {
	Name  string       `xml:"name,attr"`
	Type  string       `xml:"type,attr"`
	Min   string       `xml:"minOccurs,attr"`
	Max   string       `xml:"maxOccurs,attr"`
	Kids  []xsdElement `xml:"complexType>sequence>element"`
	Mine  []xsdElement `xml:"sequence>element"`
	Words []struct {
		Value string `xml:"value,attr"`
	} `xml:"restriction>enumeration"`
	Extends struct {
		Base  string       `xml:"base,attr"`
		Added []xsdElement `xml:"sequence>element"`
	} `xml:"complexContent>extension"`
}

// xsdTypes reads the types out of the interface's own file, once.
var xsdTypes = sync.OnceValue(func() map[string]xsdElement {
	raw, err := os.ReadFile("cashregister-2.wsdl")
	if err != nil {
		panic(err)
	}
	var w struct {
		Types []xsdElement `xml:"types>schema>complexType"`
		Enums []xsdElement `xml:"types>schema>simpleType"`
	}
	if err := xml.Unmarshal(raw, &w); err != nil {
		panic(err)
	}
	all := map[string]xsdElement{}
	for _, k := range append(w.Types, w.Enums...) {
		all["tns:"+k.Name] = k
	}
	return all
})

// sequenceOf is what an element may hold, in order; nil for a simple type.
func sequenceOf(types map[string]xsdElement, e xsdElement) []xsdElement {
	if len(e.Kids) > 0 {
		return e.Kids
	}
	k, ok := types[e.Type]
	if !ok {
		return nil
	}
	if k.Extends.Base != "" {
		return append(append([]xsdElement{}, sequenceOf(types, xsdElement{Type: k.Extends.Base})...),
			k.Extends.Added...)
	}
	return k.Mine
}

type anyElement struct {
	XMLName xml.Name
	Kids    []anyElement `xml:",any"`
	Text    string       `xml:",chardata"`
}

// valid holds an answer against the interface: each element known, in its place, the required ones there.
func (s stranger) valid(op, body string) {
	s.Helper()
	var env struct {
		Body struct {
			Any anyElement `xml:",any"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
	}
	if err := xml.Unmarshal([]byte(body), &env); err != nil {
		s.Fatalf("%s: %v in %s", op, err, body)
	}
	if env.Body.Any.XMLName != (xml.Name{Space: "http://external.interfaces.ers.seamless.com/", Local: op +
		"Response"}) {
		s.Fatalf("%s was answered with %v", op, env.Body.Any.XMLName)
	}
	if err := holds(xsdTypes(), xsdElement{Name: op, Type: "tns:" + op + "Response"}, env.Body.Any); err != nil {
		s.Errorf("%s: %v in %s", op, err, body)
	}
}

// ofType knows the simple types that the interface uses.
func ofType(types map[string]xsdElement, kind, text string) bool {
	var err error
	switch kind {
	case "xs:int":
		_, err = strconv.ParseInt(text, 10, 32)
	case "xs:long":
		_, err = strconv.ParseInt(text, 10, 64)
	case "xs:decimal":
		_, err = money.ParseXML(text, "KWD")
	case "xs:dateTime":
		_, err = time.Parse(time.RFC3339, text)
	case "xs:base64Binary":
		_, err = base64.StdEncoding.DecodeString(text)
	}
	words := types[kind].Words
	for _, w := range words {
		if w.Value == text {
			return true
		}
	}
	return err == nil && len(words) == 0
}

func holds(types map[string]xsdElement, e xsdElement, got anyElement) error {
	kids := got.Kids
	if !ofType(types, e.Type, got.Text) {
		return fmt.Errorf("%s is no %s", got.Text, e.Type)
	}
	for _, want := range sequenceOf(types, e) {
		n := 0
		for len(kids) > 0 && kids[0].XMLName == (xml.Name{Local: want.Name}) && (n == 0 || want.Max == "unbounded") {
			if err := holds(types, want, kids[0]); err != nil {
				return err
			}
			kids, n = kids[1:], n+1
		}
		if n == 0 && want.Min != "0" {
			return fmt.Errorf("%s lacks %s", e.Name, want.Name)
		}
	}
	if len(kids) > 0 {
		return fmt.Errorf("%s does not expect %s there", e.Name, kids[0].XMLName.Local)
	}
	return nil
}
