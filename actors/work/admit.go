package work

import (
	"math"
	"strings"
	"time"

	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

func refused(code workv1.Code, text string) *workv1.Refused {
	return &workv1.Refused{Code: code, Text: text}
}

func unknownUnit(id string) *workv1.Refused {
	return refused(workv1.Code_CODE_UNKNOWN_UNIT, ErrUnknownUnit.Error()+" "+id)
}

// permit checks what a session shows of itself; nil means it may go on.
func (f *family) permit(needs bool, access *workv1.Access) *workv1.Refused {
	switch {
	case !needs && access.GetSignature() != "":
		return refused(workv1.Code_CODE_DENIED, "work type did not expect a signature")
	case !needs || access.GetTrusted():
		return nil
	}
	if err := f.terms().verifier.Verify(access.GetSignature(), f.NodeID, time.Now()); err != nil {
		return refused(workv1.Code_CODE_DENIED, err.Error())
	}
	return nil
}

// admit decides about a new unit before anything of it exists.
func (f *family) admit(m *workv1.Submit, now time.Time) (*workv1.Create, *workv1.Refused) {
	if no := f.permit(f.terms().types[m.GetWorkType()].VerifySignature, m.GetAccess()); no != nil {
		return nil, no
	}
	if m.GetNode() == "" {
		return nil, refused(workv1.Code_CODE_BAD_REQUEST, "work submit requires a target node and work type")
	}
	if m.GetNode() == f.NodeID || strings.EqualFold(m.GetNode(), "localhost") {
		return f.admitLocal(m)
	}
	return f.admitRemote(m, now)
}

func (f *family) admitLocal(m *workv1.Submit) (*workv1.Create, *workv1.Refused) {
	if m.GetTtl() != "" {
		return nil, refused(workv1.Code_CODE_BAD_REQUEST, "ttl option is intended for remote work only")
	}
	t, ok := f.terms().types[m.GetWorkType()]
	if !ok {
		return nil, refused(workv1.Code_CODE_UNKNOWN_TYPE, "unknown work type "+m.GetWorkType())
	}
	if t.kube != nil {
		return f.admitPod(t, m.GetParams())
	}
	params := m.GetParams()["params"]
	if params != "" && !t.AllowRuntimeParams {
		return nil, refused(workv1.Code_CODE_BAD_REQUEST, "extra params provided but not allowed")
	}
	return &workv1.Create{WorkType: t.Type, Params: joinParams(t.Params, params)}, nil
}

func joinParams(configured, runtime string) string {
	if configured == "" || runtime == "" {
		return configured + runtime
	}
	return configured + " " + runtime
}

// expiry is when the time to start is over, in nanoseconds since 1970: who means never
// may say more than fits.
func expiry(now time.Time, ttl time.Duration) int64 {
	last := time.Unix(0, math.MaxInt64)
	if at := now.Add(ttl); at.Before(last) {
		return at.UnixNano()
	}
	return last.UnixNano()
}

func (f *family) admitRemote(m *workv1.Submit, now time.Time) (*workv1.Create, *workv1.Refused) {
	for name := range m.GetParams() {
		if unit.Secret(name) && m.GetTlsClient() == "" {
			return nil, refused(workv1.Code_CODE_BAD_REQUEST, "cannot send secrets over a non-TLS connection")
		}
	}
	remote := &workv1.RemoteWork{
		Node: m.GetNode(), WorkType: m.GetWorkType(), Params: m.GetParams(),
		TlsClient: m.GetTlsClient(), SignWork: m.GetSignWork(),
	}
	if m.GetTtl() != "" {
		ttl, err := time.ParseDuration(m.GetTtl())
		if err != nil {
			return nil, refused(workv1.Code_CODE_BAD_REQUEST, err.Error()+" (ttl is written like 30s, 10m or 1h20m30s)")
		}
		remote.ExpiresUnixNs = expiry(now, ttl)
		if m.GetSignWork() && ttl > f.terms().signer.Lifetime() {
			f.Log.Warn().Str("node", m.GetNode()).Dur("ttl", ttl).Msg("signatures expire before the time to start is over")
		}
	}
	return &workv1.Create{WorkType: unit.TypeRemote, Remote: remote}, nil
}
