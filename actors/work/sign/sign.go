// Package sign makes and checks the tokens by which one node shows another that
// it may ask for work. Keys are read at each use, and parsed when they changed.
package sign

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"receptor/transport/secure/cert"
)

// DefaultExpiration is how long a token is good for.
const DefaultExpiration = 5 * time.Minute

// Signer makes tokens. Its zero value has no key.
type Signer struct {
	PrivateKeyFile string
	Expiration     time.Duration // 0 means DefaultExpiration

	key cached[*rsa.PrivateKey]
}

// Token makes a token for one request to a node.
func (s *Signer) Token(node string, now time.Time) (string, error) {
	if s == nil || s.PrivateKeyFile == "" {
		return "", errors.New("cannot sign work: signing key is empty")
	}
	key, err := s.key.read(s.PrivateKeyFile, privateKey)
	if err != nil {
		return "", fmt.Errorf("could not load signing key file: %w", err)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS512, jwt.RegisteredClaims{
		Audience: jwt.ClaimStrings{node}, ExpiresAt: jwt.NewNumericDate(now.Add(s.Lifetime())),
	})
	text, err := token.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("cannot sign work: %w", err)
	}
	return text, nil
}

// Lifetime is how long a token is good for.
func (s *Signer) Lifetime() time.Duration {
	if s.Expiration == 0 {
		return DefaultExpiration
	}
	return s.Expiration
}

// cached is a key and the bytes it was parsed from. It may be used by all.
type cached[K any] struct {
	mu   sync.Mutex
	text []byte
	key  K
}

// read returns the key that is in the file now. Comparing all of it costs less
// than parsing, and misses no change, however fast the clock of the disk is.
func (c *cached[K]) read(file string, parse func([]byte) (K, error)) (K, error) {
	text, err := os.ReadFile(file)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || c.text != nil && bytes.Equal(text, c.text) {
		return c.key, err
	}
	key, err := parse(text)
	if err == nil {
		c.text, c.key = text, key
	}
	return key, err
}

func privateKey(text []byte) (*rsa.PrivateKey, error) {
	key, err := cert.ReadKey(text)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("private key is of type %T, not RSA", key)
	}
	return private, nil
}

func publicKey(text []byte) (*rsa.PublicKey, error) {
	key, err := cert.ReadPublicKey(text)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("public key is of type %T, not RSA", key)
	}
	return public, nil
}
