// Package describe helps actors to say what they stand for. What goes in is read by
// operators, so secrets and payloads stay out.
package describe

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	inspectv1 "receptor/proto/inspect/v1"
)

// Text is a fact in words; nil, which Of leaves out, when there are none.
func Text(name, text string) *inspectv1.Attribute {
	if text == "" {
		return nil
	}
	return &inspectv1.Attribute{Name: name, Value: &inspectv1.Attribute_Text{Text: text}}
}

// Number is a count or an identifier.
func Number[N ~int | ~int32 | ~int64 | ~uint32 | ~uint64](name string, n N) *inspectv1.Attribute {
	return &inspectv1.Attribute{Name: name, Value: &inspectv1.Attribute_Number{Number: int64(n)}}
}

// Quantity is a measure.
func Quantity(name string, q float64) *inspectv1.Attribute {
	return &inspectv1.Attribute{Name: name, Value: &inspectv1.Attribute_Quantity{Quantity: q}}
}

// Flag is a yes; nil for no.
func Flag(name string, yes bool) *inspectv1.Attribute {
	if !yes {
		return nil
	}
	return &inspectv1.Attribute{Name: name, Value: &inspectv1.Attribute_Flag{Flag: true}}
}

// Duration is a span of time.
func Duration(name string, d time.Duration) *inspectv1.Attribute {
	return &inspectv1.Attribute{Name: name, Value: &inspectv1.Attribute_Duration{Duration: durationpb.New(d)}}
}

// Time is an instant; nil for the zero time.
func Time(name string, t time.Time) *inspectv1.Attribute {
	if t.IsZero() {
		return nil
	}
	return &inspectv1.Attribute{Name: name, Value: &inspectv1.Attribute_Time{Time: timestamppb.New(t)}}
}

// Of puts facts together, without those that are none.
func Of(facts ...*inspectv1.Attribute) *inspectv1.Description {
	d := &inspectv1.Description{}
	for _, f := range facts {
		if f != nil {
			d.Attributes = append(d.Attributes, f)
		}
	}
	return d
}

// Node refers to a node; nothing for an empty name.
func Node(name string) *inspectv1.Reference {
	if name == "" {
		return nil
	}
	return &inspectv1.Reference{To: &inspectv1.Reference_Node{Node: name}}
}

// Unit refers to a unit of work.
func Unit(id string) *inspectv1.Reference {
	return &inspectv1.Reference{To: &inspectv1.Reference_Unit{Unit: id}}
}

// Service refers to a service of a node.
func Service(node, service string) *inspectv1.Reference {
	return &inspectv1.Reference{To: &inspectv1.Reference_Service{
		Service: &inspectv1.Service{Node: node, Service: service},
	}}
}

// Refer adds references, without those that are none.
func Refer(d *inspectv1.Description, to ...*inspectv1.Reference) *inspectv1.Description {
	for _, r := range to {
		if r != nil {
			d.References = append(d.References, r)
		}
	}
	return d
}
