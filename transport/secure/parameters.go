package secure

import "crypto/tls"

// suites of TLS 1.2 are those of existing nodes, and those with ECDSA keys and
// longer ones; without the exchange of keys by RSA, which has no forward secrecy
// and nobody needs.
var suites = []uint16{
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
}

// curves are those of existing nodes. Another one offered first would cost a
// round trip with each of them.
var curves = []tls.CurveID{tls.CurveP521, tls.CurveP384, tls.CurveP256}

// parameters are the versions and algorithms: with min13 those of the library.
func parameters(min13 bool) *tls.Config {
	cfg := &tls.Config{
		MinVersion:                  tls.VersionTLS12,
		CipherSuites:                suites,
		CurvePreferences:            curves,
		DynamicRecordSizingDisabled: true, // links carry much, and are written in batches
	}
	if min13 {
		cfg.MinVersion, cfg.CipherSuites, cfg.CurvePreferences = tls.VersionTLS13, nil, nil
	}
	return cfg
}
