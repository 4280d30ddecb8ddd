package main

import (
	"context"
	"errors"
	"io"

	"kioskd/internal/setup"
)

func servePage(context.Context, *setup.Files, setup.Acts, setup.Options, string, io.Writer) error {
	return errors.New("not yet")
}
