// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestALimitIsGivenBackAsTimePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(6, 1, time.Hour)
		take := func(who string, n int, want time.Duration) {
			t.Helper()
			if wait := l.Take(who, n).Round(time.Second); wait != want {
				t.Errorf("%s takes %d: wait %v, want %v", who, n, wait, want)
			}
		}
		take("ada", 4, 0)
		take("ada", 0, 0)
		take("ada", 3, 10*time.Minute) // takes nothing
		take("ada", 2, 0)
		take("ada", 0, 10*time.Minute)
		take("kim", 1, 0)
		time.Sleep(5 * time.Minute)
		take("ada", 1, 5*time.Minute)
		time.Sleep(5 * time.Minute)
		take("ada", 1, 0)
		time.Sleep(24 * time.Hour)
		take("ada", 60, 0) // more than there can be is all there is
		take("ada", 1, 10*time.Minute)
	})
}

func TestNoLimitAndTheDefault(t *testing.T) {
	none := NewLimiter(-1, 1, time.Hour)
	for range 1000 {
		if none.Take("ada", 5) > 0 {
			t.Fatal("a limit where there is none")
		}
	}
	if l := NewLimiter(0, 2, time.Hour); l.Take("ada", 2) > 0 || l.Take("ada", 1) == 0 {
		t.Error("0 is not the default")
	}
}

func TestALimiterRemembersNoMoreThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1, 1, time.Minute)
		for i := range maxRemembered + 10 {
			l.Take(fmt.Sprint(i), 1)
		}
		if len(l.of) > maxRemembered {
			t.Errorf("it remembers %d", len(l.of))
		}
		l.Take("ada", 1)
		time.Sleep(30 * time.Second)
		if l.Take("ada", 1) == 0 {
			t.Error("it forgot who had just asked")
		}
	})
}

func TestAnAddressIsAMachineOrItsNetwork(t *testing.T) {
	for from, want := range map[string]string{"192.0.2.7:1234": "192.0.2.7", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64", "[::ffff:192.0.2.7]:1": "192.0.2.7", "[fe80::1%eth0]:1": "fe80::/64", "@": "@"} {
		if got := Address(&http.Request{RemoteAddr: from}); got != want {
			t.Errorf("%s is %s", from, got)
		}
	}
}

func TestProgramsAreToldWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := http.StatusOK
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) })
		ask := func(h http.Handler, from string) (int, string) {
			r := httptest.NewRequest("POST", "/", nil)
			r.RemoteAddr = from
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code, w.Header().Get("Retry-After")
		}
		apis := Limits{APIRequests: 3}.APIs(h)
		for range 3 {
			ask(apis, "192.0.2.7:1")
		}
		if code, after := ask(apis, "192.0.2.7:2"); code != http.StatusTooManyRequests || after != "20" {
			t.Errorf("%d, Retry-After %q", code, after)
		}
		if code, _ := ask(apis, "192.0.2.8:1"); code != http.StatusOK {
			t.Errorf("another address: %d", code)
		}
		time.Sleep(20 * time.Second)
		if code, _ := ask(apis, "192.0.2.7:2"); code != http.StatusOK {
			t.Errorf("after the wait: %d", code)
		}

		// Codes that are good have no limit; those that are not do, and then nobody from there is heard for a while.
		codes := Limits{Logins: 2}.Codes(h)
		for range 10 {
			if code, _ := ask(codes, "192.0.2.7:1"); code != http.StatusOK {
				t.Fatalf("a good code: %d", code)
			}
		}
		answer = http.StatusForbidden
		for range 2 {
			if code, _ := ask(codes, "192.0.2.7:1"); code != http.StatusForbidden {
				t.Errorf("a wrong code: %d", code)
			}
		}
		answer = http.StatusOK
		if code, after := ask(codes, "192.0.2.7:1"); code != http.StatusTooManyRequests || after != "30" {
			t.Errorf("after two: %d, Retry-After %q", code, after)
		}
		if code, _ := ask(codes, "192.0.2.8:1"); code != http.StatusOK {
			t.Errorf("another address: %d", code)
		}
	})
}
