package cert

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/netip"
	"unicode/utf8"
)

var (
	oidAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidNodeID  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 2312, 19, 1}
)

// Tags of a GeneralName.
const (
	tagOther = 0
	tagEmail = 1
	tagDNS   = 2
	tagURI   = 6
	tagIP    = 7
)

// Names are the subject alternative names of a certificate or a request.
type Names struct {
	DNS     []string
	IP      []netip.Addr
	NodeIDs []string
	Other   []string // everything else, as text to show
}

// Empty reports whether a certificate would name nothing.
func (n Names) Empty() bool { return len(n.DNS) == 0 && len(n.IP) == 0 && len(n.NodeIDs) == 0 }

// otherName is the general name that holds a node ID.
type otherName struct {
	Type  asn1.ObjectIdentifier
	Value string `asn1:"tag:0,explicit,utf8"`
}

// Extension encodes the names. Other is left out.
func (n Names) Extension() (pkix.Extension, error) {
	var list []asn1.RawValue
	general := func(tag int, text []byte) {
		list = append(list, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: text})
	}
	for _, name := range n.DNS {
		if !isASCII(name) {
			return pkix.Extension{}, fmt.Errorf("invalid DNS name: %s", name)
		}
		general(tagDNS, []byte(name))
	}
	for _, addr := range n.IP {
		if !addr.IsValid() || addr.Zone() != "" {
			return pkix.Extension{}, fmt.Errorf("invalid IP address: %s", addr)
		}
		general(tagIP, addr.Unmap().AsSlice())
	}
	for _, id := range n.NodeIDs {
		if id == "" || !utf8.ValidString(id) {
			return pkix.Extension{}, fmt.Errorf("invalid node ID: %q", id)
		}
		der, err := asn1.MarshalWithParams(otherName{oidNodeID, id}, "tag:0")
		if err != nil {
			return pkix.Extension{}, fmt.Errorf("encode node ID %s: %w", id, err)
		}
		list = append(list, asn1.RawValue{FullBytes: der})
	}
	der, err := asn1.Marshal(list)
	if err != nil {
		return pkix.Extension{}, fmt.Errorf("encode subject alternative names: %w", err)
	}
	return pkix.Extension{Id: oidAltName, Value: der}, nil
}

func isASCII(text string) bool {
	for _, r := range text {
		if r >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

var errNames = errors.New("malformed subject alternative names")

// ParseNames decodes the value of a subjectAltName extension.
func ParseNames(der []byte) (Names, error) {
	var n Names
	var all asn1.RawValue
	rest, err := asn1.Unmarshal(der, &all)
	if err != nil || len(rest) > 0 || all.Class != asn1.ClassUniversal || all.Tag != asn1.TagSequence || !all.IsCompound {
		return n, errNames
	}
	for rest = all.Bytes; len(rest) > 0; {
		var name asn1.RawValue
		if rest, err = asn1.Unmarshal(rest, &name); err != nil || name.Class != asn1.ClassContextSpecific {
			return Names{}, errNames
		}
		if err := n.add(name); err != nil {
			return Names{}, err
		}
	}
	return n, nil
}

func (n *Names) add(name asn1.RawValue) error {
	switch name.Tag {
	case tagOther:
		return n.addOther(name)
	case tagDNS:
		n.DNS = append(n.DNS, string(name.Bytes))
	case tagIP:
		addr, ok := netip.AddrFromSlice(name.Bytes)
		if !ok {
			return fmt.Errorf("%w: an IP address of %d bytes", errNames, len(name.Bytes))
		}
		n.IP = append(n.IP, addr)
	case tagEmail:
		n.Other = append(n.Other, fmt.Sprintf("Email Address: %q", name.Bytes))
	case tagURI:
		n.Other = append(n.Other, fmt.Sprintf("URI: %q", name.Bytes))
	default:
		n.Other = append(n.Other, fmt.Sprintf("Other Name: type %d, %x", name.Tag, name.Bytes))
	}
	return nil
}

// addOther adds a node ID, in any kind of ASN.1 string, or what another party
// keeps in such a name.
func (n *Names) addOther(name asn1.RawValue) error {
	var oid asn1.ObjectIdentifier
	rest, err := asn1.Unmarshal(name.Bytes, &oid)
	if err != nil {
		return fmt.Errorf("%w: another name without a type", errNames)
	}
	if !oid.Equal(oidNodeID) {
		n.Other = append(n.Other, fmt.Sprintf("Other Name: %s, %x", oid, rest))
		return nil
	}
	var value asn1.RawValue
	rest, err = asn1.Unmarshal(rest, &value)
	if err != nil || len(rest) > 0 || value.Class != asn1.ClassContextSpecific || value.Tag != 0 || !value.IsCompound {
		return fmt.Errorf("%w: a node ID without a value", errNames)
	}
	var id string
	if rest, err = asn1.Unmarshal(value.Bytes, &id); err != nil || len(rest) > 0 {
		return fmt.Errorf("%w: a node ID that is no string", errNames)
	}
	n.NodeIDs = append(n.NodeIDs, id)
	return nil
}

// namesIn finds the names among extensions; none is no error.
func namesIn(extensions []pkix.Extension) (Names, error) {
	for _, ext := range extensions {
		if ext.Id.Equal(oidAltName) {
			return ParseNames(ext.Value)
		}
	}
	return Names{}, nil
}

// NodeIDs returns the node IDs that a certificate names.
func NodeIDs(c *x509.Certificate) ([]string, error) {
	names, err := namesIn(c.Extensions)
	return names.NodeIDs, err
}

// RequestNames returns the names that a request asks for.
func RequestNames(r *x509.CertificateRequest) (Names, error) { return namesIn(r.Extensions) }

// ParseIPs reads addresses as a person writes them.
func ParseIPs(texts []string) ([]netip.Addr, error) {
	addrs := make([]netip.Addr, 0, len(texts))
	for _, text := range texts {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return nil, fmt.Errorf("invalid IP address: %s", text)
		}
		addrs = append(addrs, addr.Unmap())
	}
	return addrs, nil
}

// IsNames reports whether an extension is the one that holds the names.
func IsNames(oid asn1.ObjectIdentifier) bool { return oid.Equal(oidAltName) }
