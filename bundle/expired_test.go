// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
)

func TestExpiredTermsAreFoundFromTheMomentOn(t *testing.T) {
	end := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	m := &Manifest{Records: 9, Terms: []TermsCount{{&episode.Terms{ExpiresAt: end}, 4}, {&episode.Terms{ExpiresAt: end.AddDate(1, 0, 0)}, 3}, {&episode.Terms{RetentionDays: 1}, 2}}}
	if err := m.Expired(end.Add(-time.Nanosecond)); err != nil {
		t.Error(err)
	}
	for now, want := range map[time.Time]string{end: "4 of 9 records have expired, the first on 2026-03-01", end.AddDate(2, 0, 0): "7 of 9"} {
		if err := m.Expired(now); !errors.Is(err, &episode.Problem{Code: CodeExpired}) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", now, err)
		}
	}
}
