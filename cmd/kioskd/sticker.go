package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"kioskd/internal/config"
	"kioskd/internal/drivers"
	"kioskd/internal/sticker"
	"kioskd/ups"
)

func stickerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "sticker --pdf FILE",
		Short: "Draw the machine's code for a printer",
		Long: `Draw the code that hangs on this machine, with its id in letters, 60 mm wide: the static code of a machine
that Glase asks (by [glase] merchant_id and [machine] token), or the terminal's sticker ([payment] seqr_id). Its
error correction is M and its quiet zone whole.

A PDF and an SVG are lines, which any printer draws as finely as it can; a PNG is a picture for 400 dots an inch.
"-" writes to standard output. A file that is there already is left alone.`,
		Example: "  kioskd sticker --pdf sticker.pdf\n  kioskd sticker --png sticker.png --svg sticker.svg",
		Args:    cobra.NoArgs,
	}
	file := configFlag(c)
	kinds := []struct {
		name  string
		write func(sticker.Sticker, io.Writer) error
		file  *string
	}{
		{name: "pdf", write: sticker.Sticker.PDF}, {name: "png", write: sticker.Sticker.PNG},
		{name: "svg", write: sticker.Sticker.SVG},
	}
	for n, k := range kinds {
		kinds[n].file = c.Flags().String(k.name, "", "write a "+k.name+" to this `FILE`")
	}
	c.MarkFlagsOneRequired("pdf", "png", "svg")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := config.Load(*file, drivers.All())
		if err != nil {
			return err
		}
		payload, id, err := code(cfg)
		if err != nil {
			return err
		}
		s, err := sticker.New(payload, id)
		if err != nil {
			return err
		}
		for _, k := range kinds {
			switch *k.file {
			case "":
			case "-":
				err = k.write(s, c.OutOrStdout())
			default:
				err = create(*k.file, func(w io.Writer) error { return k.write(s, w) })
				if err == nil {
					fmt.Fprintf(c.ErrOrStderr(), "%s shows %s\n", *k.file, payload)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

// code is what hangs on the config's machine, and the id in it.
func code(cfg config.Config) (payload, id string, err error) {
	switch {
	case cfg.Payment.Flow == "reservation":
		return ups.StaticQR(cfg.Glase.MerchantID, cfg.Machine.Token), cfg.Machine.Token, nil
	case cfg.Payment.SeqrID != "":
		return ups.StickerQR(cfg.Payment.SeqrID), cfg.Payment.SeqrID, nil
	}
	return "", "", fmt.Errorf(
		"with payment.flow = %q the display shows a new code each time, and nothing hangs on the "+
			"machine: set payment.seqr_id for a sticker", cfg.Payment.Flow)
}

// create writes a file that is not there yet, or leaves none.
func create(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: take it away, or name another file", path)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
