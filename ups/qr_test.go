package ups

import (
	"errors"
	"strings"
	"testing"
)

func TestEachQRIsReadAsWhatItIs(t *testing.T) {
	for text, want := range map[string]QR{
		StaticQR("public_test_shop", "123456"): {Kind: KindUPS, MerchantID: "public_test_shop",
			Token: "123456"},
		"HTTP://SEQR.SE/000/ups?w=merchantId&t=123456":   {Kind: KindUPS, MerchantID: "merchantId", Token: "123456"},
		"http://seqr.se/000/ups?t=1&w=2&utm=x":           {Kind: KindUPS, MerchantID: "2", Token: "1"},
		AppLink(StaticQR("a", "b")):                      {Kind: KindUPS, MerchantID: "a", Token: "b"},
		StickerQR("ABC123"):                              {Kind: KindSticker, SeqrID: "ABC123"},
		"HTTP://SEQR.SE/R1312169763796":                  {Kind: KindInvoice, InvoiceReference: "1312169763796"},
		"seqr://SEQR.SE/R1312169763796":                  {Kind: KindInvoice, InvoiceReference: "1312169763796"},
		"HTTPS://seqr.se/Q" + strings.Repeat("Z", idMax): {Kind: KindSticker, SeqrID: strings.Repeat("Z", idMax)},
		StaticQR("Kiosk & Co", "a=b+c/d%20?é#\x00\xff"): {Kind: KindUPS, MerchantID: "Kiosk & Co",
			Token: "a=b+c/d%20?é#\x00\xff"},
	} {
		if q, err := ParseQR(text); err != nil || q != want {
			t.Errorf("%q is read as %+v, %v", text, q, err)
		}
	}
}

func TestTheWordingOfTheQRsIsGlases(t *testing.T) {
	for got, want := range map[string]string{
		StaticQR("merchantId", "123456"):                         "HTTP://SEQR.SE/000/ups?w=merchantId&t=123456",
		StickerQR("ABC123"):                                      "HTTP://SEQR.SE/QABC123",
		AppLink("HTTP://SEQR.SE/R1"):                             "seqr://SEQR.SE/R1",
		AppLink("http://SEQR.SE/R1"):                             "seqr://SEQR.SE/R1",
		AppLink("seqr://SEQR.SE/R1"):                             "seqr://SEQR.SE/R1",
		AppLink("x"):                                             "x",
		NotificationURL("https://kiosk.example/seqr", "s3cret"):  "https://kiosk.example/seqr/notify/s3cret",
		NotificationURL("https://kiosk.example/seqr/", "s3cret"): "https://kiosk.example/seqr/notify/s3cret",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestWhatIsNoGlaseQRIsRefused(t *testing.T) {
	for _, text := range []string{"", "SEQR.SE/R1", "ftp://SEQR.SE/R1", "HTTP://SEQR.SE.evil.example/R1",
		"HTTP://evil.example/R1", "HTTP://u:p@SEQR.SE/R1",
		"HTTP://SEQR.SE:80/R1", "HTTP://SEQR.SE/R1#x", "HTTP:SEQR.SE/R1", "HTTP://SEQR.SE/", "HTTP://SEQR.SE/R",
		"HTTP://SEQR.SE/Q", "HTTP://SEQR.SE/r1",
		"HTTP://SEQR.SE/X1", "HTTP://SEQR.SE/R1/2", "HTTP://SEQR.SE/R1-2", "HTTP://SEQR.SE/R%00", "HTTP://SEQR.SE/Q" +
			strings.Repeat("Z", idMax+1),
		"HTTP://SEQR.SE/000/ups", "HTTP://SEQR.SE/000/ups?w=1", "HTTP://SEQR.SE/000/ups?w=&t=1",
		"HTTP://SEQR.SE/000/ups?w=1&t=1&t=2",
		"HTTP://SEQR.SE/000/ups?w=1&t=%zz", "HTTP://SEQR.SE/000/UPS?w=1&t=1", "HTTP://SEQR.SE/001/ups?w=1&t=1",
		"HTTP://SEQR.SE/R1\n", " HTTP://SEQR.SE/R1",
		StaticQR("1", strings.Repeat("2", qrMax))} {
		if q, err := ParseQR(text); !errors.Is(err, ErrQR) || q != (QR{}) {
			t.Errorf("%q is read as %+v, %v", text, q, err)
		}
	}
}

func FuzzParseQR(f *testing.F) {
	for _, s := range []string{"HTTP://SEQR.SE/000/ups?w=merchantId&t=123456", "HTTP://SEQR.SE/QABC123",
		"seqr://seqr.se/R1", "https://SEQR.SE/R%31?x#", "HTTP://SEQR.SE/000/ups?w=%FF&t=+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQR(s)
		if err != nil {
			if !errors.Is(err, ErrQR) || q != (QR{}) {
				t.Fatalf("%q: %+v, %v", s, q, err)
			}
			return
		}
		written := map[Kind]string{KindUPS: StaticQR(q.MerchantID, q.Token), KindSticker: StickerQR(q.SeqrID),
			KindInvoice: "HTTP://SEQR.SE/R" + q.InvoiceReference}[q.Kind]
		if len(written) > qrMax {
			return // bytes that a URL may hold as they are, escaped by us
		}
		for _, again := range []string{written, AppLink(written)} {
			if q2, err := ParseQR(again); err != nil || q2 != q {
				t.Errorf("%q → %+v → %q → %+v, %v", s, q, again, q2, err)
			}
		}
	})
}
