package strict

import (
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/jwt/v2"
)

// User is who a program is to the fleet's servers by a file of credentials: its inboxes are below that name. Without
// a file it is alone.
func User(file, alone string) (string, error) {
	if file == "" {
		return alone, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("credentials: %w", err)
	}
	token, err := jwt.ParseDecoratedJWT(b)
	if err != nil {
		return "", fmt.Errorf("credentials: %s holds none: put what kioskhub gave there again, whole", file)
	}
	claims, err := jwt.DecodeUserClaims(token)
	if err != nil || claims.Name == "" || strings.ContainsAny(claims.Name, ".*> ") {
		return "", fmt.Errorf("credentials: %s are no user's: put what kioskhub gave there again, whole", file)
	}
	return claims.Name, nil
}
