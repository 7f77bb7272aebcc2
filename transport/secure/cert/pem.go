package cert

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Types of PEM blocks.
const (
	pemCertificate = "CERTIFICATE"
	pemRequest     = "CERTIFICATE REQUEST"
	pemRSAKey      = "RSA PRIVATE KEY"
	pemECKey       = "EC PRIVATE KEY"
	pemKey         = "PRIVATE KEY"
	pemPublicKey   = "PUBLIC KEY"
	pemECParams    = "EC PARAMETERS" // openssl puts it before a key, which says the same again
)

// publicKey sets public keys apart from the other items of a file.
type publicKey struct{ key crypto.PublicKey }

// parsePEM returns what a file holds: *x509.Certificate, *x509.CertificateRequest,
// crypto.Signer or publicKey. Text before a block is skipped.
func parsePEM(data []byte) ([]any, error) {
	var items []any
	for len(bytes.TrimSpace(data)) > 0 {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, errors.New("failed to decode PEM block")
		}
		if block.Type == pemECParams {
			continue
		}
		item, err := parseBlock(block)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func parseBlock(block *pem.Block) (any, error) {
	if strings.Contains(block.Type+block.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, errors.New("the key is encrypted (openssl pkey takes the passphrase off)")
	}
	switch block.Type {
	case pemCertificate:
		return x509.ParseCertificate(block.Bytes)
	case pemRequest:
		return x509.ParseCertificateRequest(block.Bytes)
	case pemRSAKey:
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case pemECKey:
		return x509.ParseECPrivateKey(block.Bytes)
	case pemKey:
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("private key of type %T can't sign", key)
		}
		return signer, nil
	case pemPublicKey:
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		return publicKey{key}, err
	}
	return nil, fmt.Errorf("unknown block type %s", block.Type)
}

// only returns the one item of a file.
func only[T any](data []byte, kind string) (T, error) {
	var none T
	items, err := parsePEM(data)
	if err != nil {
		return none, err
	}
	if len(items) != 1 {
		return none, fmt.Errorf("%s file should contain exactly one item", kind)
	}
	item, ok := items[0].(T)
	if !ok {
		return none, fmt.Errorf("%s file does not contain %s data", kind, kind)
	}
	return item, nil
}

// ReadCertificate returns the certificate of a file that holds nothing else.
func ReadCertificate(data []byte) (*x509.Certificate, error) {
	return only[*x509.Certificate](data, "certificate")
}

// ReadRequest returns the request of a file that holds nothing else.
func ReadRequest(data []byte) (*x509.CertificateRequest, error) {
	return only[*x509.CertificateRequest](data, "certificate request")
}

// ReadKey returns the private key of a file that holds nothing else.
func ReadKey(data []byte) (crypto.Signer, error) { return only[crypto.Signer](data, "private key") }

// ReadPublicKey returns the public key of a file that holds nothing else.
func ReadPublicKey(data []byte) (crypto.PublicKey, error) {
	item, err := only[publicKey](data, "public key")
	return item.key, err
}

// FindKey returns the only private key among whatever else a file holds.
func FindKey(data []byte, file string) (crypto.Signer, error) {
	items, err := parsePEM(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var found crypto.Signer
	for _, item := range items {
		key, ok := item.(crypto.Signer)
		switch {
		case ok && found != nil:
			return nil, fmt.Errorf("multiple private keys in file %s", file)
		case ok:
			found = key
		}
	}
	if found == nil {
		return nil, fmt.Errorf("no private keys in file %s", file)
	}
	return found, nil
}

// FirstCertificate parses the first block of a file, which has to be a
// certificate; this is where a node's own certificate stands.
func FirstCertificate(data []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != pemCertificate {
		return nil, errors.New("failed to parse certfifcate PEM") // the spelling is known by others
	}
	return x509.ParseCertificate(block.Bytes)
}

// Certificates returns the certificates of a bundle. Everything else in it is
// skipped, certificates that can't be parsed too.
func Certificates(data []byte) []*x509.Certificate {
	var list []*x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return list
		}
		if block.Type != pemCertificate {
			continue
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			list = append(list, c)
		}
	}
}

// HoldsKey reports whether a file has a private key in it, be it one that can't
// be read here.
func HoldsKey(data []byte) bool { return bytes.Contains(data, []byte("PRIVATE KEY-----")) }

// EncodeCertificate makes a file of a certificate.
func EncodeCertificate(der []byte) []byte { return encode(pemCertificate, der) }

// EncodeRequest makes a file of a request.
func EncodeRequest(der []byte) []byte { return encode(pemRequest, der) }

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
