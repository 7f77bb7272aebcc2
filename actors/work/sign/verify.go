package sign

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Verifier checks tokens. Its zero value has no key and accepts none.
type Verifier struct {
	PublicKeyFile string
	// Tolerance is how far the clocks of two nodes may be apart.
	Tolerance time.Duration

	key cached[*rsa.PublicKey]
}

// Verify checks that a token is good on this node now. The texts of its errors
// are those of the existing system.
func (v *Verifier) Verify(token, node string, now time.Time) error {
	switch {
	case token == "":
		return errors.New("could not verify signature: signature is empty")
	case v == nil || v.PublicKeyFile == "":
		return errors.New("could not verify signature: verifying key not specified")
	}
	key, err := v.key.read(v.PublicKeyFile, publicKey)
	if err != nil {
		return fmt.Errorf("could not load verifying key file: %w", err)
	}
	var claims jwt.RegisteredClaims
	// Times are checked below: the existing system says by how much a token is late.
	parser := jwt.NewParser(jwt.WithoutClaimsValidation())
	if _, err = parser.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return key, nil }); err != nil {
		return fmt.Errorf("could not verify signature: %s", reason(err))
	}
	if text := untimely(claims, now, v.Tolerance); text != "" {
		return fmt.Errorf("could not verify signature: %s", text)
	}
	if !slices.Contains(claims.Audience, node) {
		return errors.New("token audience did not match node ID")
	}
	return nil
}

// untimely says why a token is not good at this time; empty if it is. Times that
// a token does not name don't matter.
func untimely(c jwt.RegisteredClaims, now time.Time, tolerance time.Duration) string {
	late, early := now.Add(tolerance), now.Add(-tolerance)
	switch {
	case c.NotBefore != nil && late.Before(c.NotBefore.Time):
		return "token is not valid yet"
	case c.IssuedAt != nil && late.Before(c.IssuedAt.Time):
		return "token used before issued"
	case c.ExpiresAt != nil && !early.Before(c.ExpiresAt.Time):
		return "token is expired by " + now.Sub(c.ExpiresAt.Time).String()
	default:
		return ""
	}
}

// stages are what the library puts before the reason.
var stages = []string{
	"token is malformed: ", "token signature is invalid: ", "token is unverifiable: ",
	"could not base64 decode header: ", "could not base64 decode claim: ", "could not base64 decode signature: ",
	"could not JSON decode header: ", "could not JSON decode claim: ",
}

// reason is the last part of the library's error, which is all that clients know.
func reason(err error) string {
	if errors.Is(err, jwt.ErrInvalidKeyType) {
		return jwt.ErrInvalidKeyType.Error()
	}
	text := err.Error()
	for _, stage := range stages {
		text = strings.TrimPrefix(text, stage)
	}
	return text
}
