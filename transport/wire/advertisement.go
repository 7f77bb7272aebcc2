package wire

import (
	"encoding/json"
	"fmt"
	"time"
)

// Advertisement tells the mesh of a service. A received one is flooded on as the
// bytes it came in, never encoded anew.
type Advertisement struct {
	NodeID       string
	Service      string
	Time         time.Time         // version: a later one replaces an earlier one
	TimeText     string            // as the originator wrote it; Encode prefers it to Time
	ConnType     int               // 0 datagram, 1 stream, 2 stream with TLS of the user
	Tags         map[string]string // nil is null on the wire
	WorkCommands []WorkCommand     // nil is null on the wire
	Cancel       bool              // the service is withdrawn
}

// WorkCommand is a work type that a control service offers.
type WorkCommand struct {
	WorkType string
	Secure   bool // units must be signed
}

// advertisement is Advertisement as JSON has it, fields in the order of the wire.
type advertisement struct {
	NodeID       string
	Service      string
	Time         stamp
	ConnType     int
	Tags         map[string]string
	WorkCommands []WorkCommand
	Cancel       bool
}

// stamp is a time that remembers how it was written.
type stamp struct {
	time time.Time
	text string
}

func (s stamp) MarshalJSON() ([]byte, error) {
	if s.text != "" {
		return json.Marshal(s.text)
	}
	return s.time.MarshalJSON()
}

func (s *stamp) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	if err := s.time.UnmarshalJSON(data); err != nil {
		return err
	}
	return json.Unmarshal(data, &s.text)
}

// Encode returns the whole message. The only error is a time beyond RFC 3339.
func (a Advertisement) Encode() ([]byte, error) {
	msg, err := encode(TypeServiceAd, advertisement{
		a.NodeID, a.Service, stamp{a.Time, a.TimeText}, a.ConnType, a.Tags, a.WorkCommands, a.Cancel,
	})
	if err != nil {
		return nil, fmt.Errorf("encode advertisement: %w", err)
	}
	return msg, nil
}

// DecodeAdvertisement reads a whole message. Node and service may be empty: such
// advertisements exist, and mean nothing.
func DecodeAdvertisement(msg []byte) (Advertisement, error) {
	var a advertisement
	if err := decode(TypeServiceAd, msg, &a); err != nil {
		return Advertisement{}, fmt.Errorf("decode advertisement: %w", err)
	}
	return Advertisement{
		NodeID: a.NodeID, Service: a.Service, Time: a.Time.time, TimeText: a.Time.text,
		ConnType: a.ConnType, Tags: a.Tags, WorkCommands: a.WorkCommands, Cancel: a.Cancel,
	}, nil
}
