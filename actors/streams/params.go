package streams

import (
	"time"

	"github.com/quic-go/quic-go"
)

const (
	// datagramSize is the largest QUIC packet. Peers take up to 1452 bytes; with the
	// headers of the mesh, UDP and IPv6, this is what an Ethernet frame carries whole.
	datagramSize = 1400

	handshakeIdle = 15 * time.Second
	// maxIdle outlives a link that falls silent: that is noticed after 21 s, and what
	// QUIC sends next goes another way, up to 42 s after the cut (its probes come at
	// twice the distance each). A peer with a lower limit has its way.
	maxIdle   = 60 * time.Second
	keepAlive = 15 * time.Second // by the dialer

	// markerWait is how long a peer may take to open its stream and to send the
	// first byte.
	markerWait = 60 * time.Second

	// maxSessions bounds the connections of this node, dialled and accepted.
	maxSessions = 8192
	// maxDialling bounds hand-shakes that this node has begun.
	maxDialling = 1024
	// maxWaiters bounds who waits for one hand-shake.
	maxWaiters = 4096
	// maxStreams bounds the open streams of one session, by direction of opening.
	maxStreams = 4096
	// creditBatch is how many streams are over before the dialer is told.
	creditBatch = 16
	// maxQueue is how many streams wait for Accept; further ones wait in their session.
	maxQueue = 128

	// streamWindow is what may come before anybody has read any of it; it doubles with
	// each round trip that fills it. It begins no larger than that of the TCP links
	// beneath, ten segments: a stream that opens faster than they do sees its packets
	// wait for them, takes that for the end of the way's capacity, and stops doubling
	// at a tenth of it. Measured over 100 ms and 50 Mbit/s: 42 Mbit/s, and 11 with
	// twice the window. And what nobody reads takes no more of the session than that.
	streamWindow    = 16 << 10
	maxStreamWindow = 16 << 20
	// sessionWindow is for all streams of a session together, and large: streams that
	// nobody reads must not use up what others need.
	sessionWindow = 128 << 20
)

// Codes of the application protocol, as existing peers send them.
const (
	codeNormal     quic.ApplicationErrorCode = 0
	codeSetUp      quic.ApplicationErrorCode = 500
	codeCancelRead quic.StreamErrorCode      = 499
	codeAbort      quic.StreamErrorCode      = 500

	// reasonNormal is the text that existing peers take for no error.
	reasonNormal  = "normal close"
	reasonAccept  = "Accept Timeout"
	reasonMarker  = "Read Data Error"
	marker        = 0x00
	errNotAMarker = "first byte is not 0x00"
)

// quicConfig is for both ends; only the dialer keeps the connection alive.
func quicConfig(dialer bool) *quic.Config {
	cfg := &quic.Config{
		InitialPacketSize:              datagramSize,
		DisablePathMTUDiscovery:        true,
		HandshakeIdleTimeout:           handshakeIdle,
		MaxIdleTimeout:                 maxIdle,
		InitialStreamReceiveWindow:     streamWindow,
		MaxStreamReceiveWindow:         maxStreamWindow,
		InitialConnectionReceiveWindow: sessionWindow,
		MaxConnectionReceiveWindow:     sessionWindow,
		MaxIncomingStreams:             maxStreams,
		MaxIncomingUniStreams:          1,
		RequireStreamCreditRelease:     !dialer,
	}
	if dialer {
		cfg.KeepAlivePeriod = keepAlive
		cfg.MaxIncomingStreams = -1
		cfg.MaxIncomingUniStreams = -1
	}
	return cfg
}
