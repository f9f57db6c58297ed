// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/binary"

// The forms of a field on the wire. Groups, an old form of nested messages, are in no version of OTLP.
const (
	formVarint = 0
	formI64    = 1
	formBytes  = 2
	formI32    = 5
)

// What the protocol may want of a field besides.
const (
	ids0         = 32        // + the bytes that an id has, if it has any
	ids8         = ids0 + 8  // of a span
	ids16        = ids0 + 16 // of a trace
	packed64     = 64        // numbers, in one field or many
	packedVarint = 65
	anything     = 66 // a field of no version that we know: passed over
)

// field is one field of a message on the wire.
type field struct {
	number uint32
	form   uint8
	value  []byte // of formBytes
}

// uvarint is binary.Uvarint, which the compiler does not put in place: nearly all of these have one byte.
func uvarint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

// take takes the first field off b, and returns what is left of it.
func (f *field) take(b []byte) ([]byte, error) {
	tag, at := uvarint(b)
	if at <= 0 || int32(tag>>3) <= 0 {
		return nil, errTorn
	}
	f.number, f.form, f.value = uint32(int32(tag>>3)), uint8(tag&7), nil
	switch f.form {
	case formBytes:
		length, n := uvarint(b[at:])
		if n <= 0 || length > uint64(len(b)-at-n) {
			return nil, errTorn
		}
		f.value = b[at+n : at+n+int(length)]
		at += n + int(length)
	case formVarint:
		_, n := uvarint(b[at:])
		if n <= 0 {
			return nil, errTorn
		}
		at += n
	case formI64:
		at += 8
	case formI32:
		at += 4
	default:
		return nil, errForm
	}
	if at > len(b) {
		return nil, errTorn
	}
	return b[at:], nil
}

// has reports whether the field is of a form.
func (f *field) has(form uint8) bool {
	switch form {
	case anything:
		return true
	case ids8, ids16:
		return f.form == formBytes && (len(f.value) == 0 || len(f.value) == int(form-ids0))
	case packed64:
		return f.form == formI64 || f.form == formBytes && len(f.value)%8 == 0
	case packedVarint:
		if f.form == formVarint {
			return true
		}
		for b := f.value; len(b) > 0; {
			_, n := binary.Uvarint(b)
			if n <= 0 {
				return false
			}
			b = b[n:]
		}
		return f.form == formBytes
	}
	return f.form == form
}
