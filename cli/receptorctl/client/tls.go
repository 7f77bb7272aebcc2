package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLS says how to make sure of the server, and how to prove who we are.
type TLS struct {
	RootCAs    string // file; empty for the system's
	Cert, Key  string // files; used if both are given
	SkipVerify bool   // accept any certificate
}

// Config reads the files. Unset fields give the system's trust and no certificate.
func (t TLS) Config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: t.SkipVerify}
	if t.RootCAs != "" {
		pem, err := os.ReadFile(t.RootCAs)
		if err != nil {
			return nil, fmt.Errorf("root certificates: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("root certificates: %s holds no certificate", t.RootCAs)
		}
	}
	if t.Cert == "" && t.Key == "" {
		return cfg, nil
	}
	if t.Cert == "" || t.Key == "" {
		return nil, errors.New("a client certificate needs both cert and key")
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("client certificate: %w", err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, nil
}
