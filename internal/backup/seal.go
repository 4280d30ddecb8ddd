package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"filippo.io/age"
)

// source is a part that is to be written: its bytes, or where they are read from.
type source struct {
	Part
	open func() (io.ReadCloser, error)
}

// held is a part whose bytes are here.
func held(name string, content []byte) source {
	sum := sha256.Sum256(content)
	return source{Part{name, int64(len(content)), hex.EncodeToString(sum[:])},
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

// write writes a copy: encrypted to these keys, when there are any.
func write(to io.Writer, m Manifest, parts []source, keys []age.Recipient) error {
	if len(keys) == 0 {
		return writePlain(to, m, parts)
	}
	sealed, err := age.Encrypt(to, keys...)
	if err != nil {
		return fmt.Errorf("age: %w", err)
	}
	if err := writePlain(sealed, m, parts); err != nil {
		return err
	}
	return sealed.Close()
}

func writePlain(to io.Writer, m Manifest, parts []source) error {
	m.Parts = nil
	for _, p := range parts {
		m.Parts = append(m.Parts, p.Part)
	}
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	sum := sha256.New()
	both := io.MultiWriter(to, sum)
	if _, err := fmt.Fprintf(both, "%s%d\n", magic, Format); err != nil {
		return err
	}
	zipped, err := gzip.NewWriterLevel(both, gzip.BestSpeed)
	if err != nil {
		return err
	}
	files := tar.NewWriter(zipped)
	for _, p := range append([]source{held(manifestName, text)}, parts...) {
		if err := p.into(files, m.Made); err != nil {
			return err
		}
	}
	if err := errors.Join(files.Close(), zipped.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(to, "%s%x\n", trailer, sum.Sum(nil))
	return err
}

// into writes a part, and holds that it is what the manifest says.
func (s source) into(files *tar.Writer, made time.Time) error {
	from, err := s.open()
	if err != nil {
		return err
	}
	defer from.Close()
	err = files.WriteHeader(&tar.Header{Name: s.Name, Mode: 0o600, Size: s.Size, ModTime: made, Format: tar.FormatPAX})
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(files, sum), from); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != s.SHA256 {
		return fmt.Errorf("%s changed while it was copied", s.Name)
	}
	return nil
}

// opener reads the parts of a copy one after the other. What it has given is only to be believed after end.
type opener struct {
	Manifest
	tail  *tail
	zip   *gzip.Reader
	files *tar.Reader
	given int // parts
}

// openCopy begins to read a copy, with the keys of whoever may; ErrSealed when none of them does.
func openCopy(from io.Reader, keys []age.Identity) (*opener, error) {
	buffered := bufio.NewReader(from)
	if start, _ := buffered.Peek(len(ageMagic)); string(start) == ageMagic {
		if len(keys) == 0 {
			return nil, fmt.Errorf("%w: name the file of your age key, as age-keygen wrote it: --key FILE", ErrSealed)
		}
		plain, err := age.Decrypt(buffered, keys...)
		var none *age.NoIdentityMatchError
		if errors.As(err, &none) {
			return nil, fmt.Errorf("%w to another key than this: use the one whose public half stood in [backup] recipients",
				ErrSealed)
		}
		if err != nil {
			return nil, damaged("age: %v", err)
		}
		buffered = bufio.NewReader(plain)
	}
	o := &opener{tail: &tail{from: buffered, sum: sha256.New()}}
	line := make([]byte, 0, len(magic)+2)
	for len(line) < cap(line) && !bytes.HasSuffix(line, []byte("\n")) {
		b, err := o.tail.ReadByte()
		if err != nil {
			return nil, damaged("it does not begin like one")
		}
		line = append(line, b)
	}
	var format int
	if n, err := fmt.Sscanf(string(line), magic+"%d\n", &format); n != 1 || err != nil || format < 1 ||
		string(line) != fmt.Sprintf("%s%d\n", magic, format) {
		return nil, damaged("it does not begin like one")
	}
	if format > Format {
		return nil, fmt.Errorf("its format is %d, and this program knows %d: %w", format, Format, ErrNewer)
	}
	var err error
	if o.zip, err = gzip.NewReader(o.tail); err != nil {
		return nil, damaged("%v", err)
	}
	o.zip.Multistream(false)
	o.files = tar.NewReader(o.zip)
	text, err := o.small(manifestName, manifestMax)
	if err != nil {
		return nil, err
	}
	o.Manifest, err = readManifest(text)
	return o, err
}

// small gives the next file, which must have this name and at most so many bytes.
func (o *opener) small(name string, most int64) ([]byte, error) {
	h, err := o.files.Next()
	if err != nil {
		return nil, damaged("%s is not in it: %v", name, err)
	}
	if h.Name != name || h.Typeflag != tar.TypeReg || h.Size > most {
		return nil, damaged("%s should be where %.40q is", name, h.Name)
	}
	content, err := io.ReadAll(o.files)
	if err != nil {
		return nil, damaged("%s: %v", name, err)
	}
	return content, nil
}

// next writes the next part, which must be what the manifest says, to where it belongs; io.EOF: there is none.
func (o *opener) next(to func(Part) (io.Writer, error)) error {
	if o.given == len(o.Parts) {
		return io.EOF
	}
	p := o.Parts[o.given]
	o.given++
	h, err := o.files.Next()
	if err != nil {
		return damaged("%s is not in it: %v", p.Name, err)
	}
	if h.Name != p.Name || h.Typeflag != tar.TypeReg || h.Size != p.Size {
		return damaged("%s should be where %.40q is", p.Name, h.Name)
	}
	w, err := to(p)
	if err != nil {
		return err
	}
	sum := sha256.New()
	out := &noted{to: w}
	if _, err := io.Copy(io.MultiWriter(out, sum), o.files); err != nil {
		if out.err != nil {
			return out.err
		}
		return damaged("%s: %v", p.Name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != p.SHA256 {
		return damaged("%s is not what was copied", p.Name)
	}
	return nil
}

// end holds that nothing follows and that every byte is as it was written.
func (o *opener) end() error {
	if _, err := o.files.Next(); err != io.EOF {
		return damaged("more is in it than its manifest says, or it is cut short")
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(o.zip, smallMax)); err != nil || n == smallMax {
		return damaged("its end is no end: %v", err)
	}
	if _, err := o.tail.ReadByte(); err != io.EOF {
		return damaged("something follows it, or it is cut short")
	}
	return o.tail.check()
}

// noted remembers that it was the writing that failed.
type noted struct {
	to  io.Writer
	err error
}

func (n *noted) Write(b []byte) (int, error) {
	done, err := n.to.Write(b)
	n.err = err
	return done, err
}

// tail passes on all but the trailer, and sums up what it passes on.
type tail struct {
	from *bufio.Reader
	sum  hash.Hash
	err  error // of reading, but for the end
}

// more says whether anything is left before the trailer; io.EOF: nothing is.
func (t *tail) more() error {
	ahead, err := t.from.Peek(trailerLen + 1)
	switch {
	case len(ahead) > trailerLen:
		return nil
	case err != io.EOF:
		t.err = err
		return err
	}
	return io.EOF
}

// ReadByte is for gzip, which then reads nothing beyond its own end.
func (t *tail) ReadByte() (byte, error) {
	if err := t.more(); err != nil {
		return 0, err
	}
	b, err := t.from.ReadByte()
	t.sum.Write([]byte{b})
	return b, err
}

// Read gives what is there at once.
func (t *tail) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := t.more(); err != nil {
		return 0, err
	}
	n, err := t.from.Read(b[:min(len(b), max(1, t.from.Buffered()-trailerLen))])
	t.sum.Write(b[:n])
	return n, err
}

// check compares the trailer, which is all that is left.
func (t *tail) check() error {
	if t.err != nil {
		return damaged("%v", t.err)
	}
	rest, err := io.ReadAll(io.LimitReader(t.from, int64(trailerLen)+1))
	if err != nil || string(rest) != fmt.Sprintf("%s%x\n", trailer, t.sum.Sum(nil)) {
		return damaged("it is not as it was written")
	}
	return nil
}
