package cert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"
	"strings"
)

const (
	defaultRSABits   = 2048
	defaultECDSABits = 256
	maxRSABits       = 16384 // finding the primes of a larger key takes hours
)

// Kind is a kind of key.
type Kind string

// The kinds of keys that can be made.
const (
	RSA   Kind = "rsa"
	ECDSA Kind = "ecdsa"
)

// ParseKind reads the name of a kind of key, in any case; empty is RSA.
func ParseKind(name string) (Kind, error) {
	switch kind := Kind(strings.ToLower(name)); kind {
	case "":
		return RSA, nil
	case RSA, ECDSA:
		return kind, nil
	}
	return "", fmt.Errorf("unknown key type %s (known: rsa, ecdsa)", name)
}

// NewKey makes a key of so many bits; 0 is the usual size of its kind.
func NewKey(random io.Reader, kind Kind, bits int) (crypto.Signer, error) {
	if kind == ECDSA {
		return newECDSA(random, bits)
	}
	if bits == 0 {
		bits = defaultRSABits
	}
	if bits < 0 || bits > maxRSABits {
		return nil, fmt.Errorf("an RSA key can't have %d bits (at most %d)", bits, maxRSABits)
	}
	return rsa.GenerateKey(random, bits)
}

func newECDSA(random io.Reader, bits int) (crypto.Signer, error) {
	if bits == 0 {
		bits = defaultECDSABits
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		if curve.Params().BitSize == bits {
			return ecdsa.GenerateKey(curve, random)
		}
	}
	return nil, fmt.Errorf("an ECDSA key can't have %d bits (256, 384 or 521)", bits)
}

// EncodeKey makes a file of a private key: of an RSA key in PKCS #1, which
// existing tools expect, else in PKCS #8.
func EncodeKey(key crypto.Signer) ([]byte, error) {
	if k, ok := key.(*rsa.PrivateKey); ok {
		return encode(pemRSAKey, x509.MarshalPKCS1PrivateKey(k)), nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the private key: %w", err)
	}
	return encode(pemKey, der), nil
}
