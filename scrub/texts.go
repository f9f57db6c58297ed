// SPDX-License-Identifier: Apache-2.0

package scrub

import "github.com/go-json-experiment/json/jsontext"

// Texts scrubs the texts of a record of any shape as one, as [Scrubber.Episode] does for episodes: what is found in one text
// is looked for in all of them, and the result is verified. Each must hand every text of the record to visit, with the name it
// stands under (such as "password", or empty), and put what visit returns in its place; it is called up to three times. An
// error is ErrUnsafe, or each's own: throw the record away.
func (s *Scrubber) Texts(each func(visit func(key, text string) (string, error)) error) (found []Finding, err error) {
	defer closed(&err)
	w := s.recordWorker()
	defer s.done(w)
	p := newPass(w)
	err = p.run(func() error {
		return each(func(key, text string) (string, error) { return p.visit(key, text) })
	})
	if err != nil {
		return nil, err
	}
	return p.found, nil
}

// JSON scrubs every key, string and number of a JSON value of any shape as one. It returns the same bytes where nothing is
// found. An error is ErrUnsafe, or says that the value is not JSON.
func (s *Scrubber) JSON(v jsontext.Value) (out jsontext.Value, found []Finding, err error) {
	out = v
	found, err = s.Texts(func(visit func(key, text string) (string, error)) (err error) {
		out, err = visitJSON(out, "", visit)
		return err
	})
	return out, found, err
}
