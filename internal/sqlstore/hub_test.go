// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/registry"
	"github.com/headrace/headrace/internal/sqlstore"
)

func TestAnInviteIsGoodForOne(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleHub)
		ok(t, db.AddInvite(t.Context(), "code", "alder-bank", "", day1.Add(time.Hour)))
		ok(t, db.AddInvite(t.Context(), "old", "birch-telecom", "", day1))
		var joined, refused atomic.Int64
		var g errgroup.Group
		for i := range 8 {
			g.Go(func() error {
				c, err := db.Join(t.Context(), "code", sqlstore.ContributorRow{PublicKey: fmt.Sprint("key", i), TokenDigest: "t", Channel: "early", JoinedAt: day1}, day1)
				switch {
				case errors.Is(err, sqlstore.ErrNotFound):
					refused.Add(1)
					return nil
				case err == nil && c.Name == "alder-bank":
					joined.Add(1)
				}
				return err
			})
		}
		ok(t, g.Wait())
		if joined.Load() != 1 || refused.Load() != 7 {
			t.Errorf("%d joined, %d were refused; want 1 and 7", joined.Load(), refused.Load())
		}
		for _, code := range []string{"old", "never"} {
			if _, err := db.Join(t.Context(), code, sqlstore.ContributorRow{}, day1); !errors.Is(err, sqlstore.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", code, err)
			}
		}
		if list, err := db.Contributors(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("%d contributors, %v; want 1", len(list), err)
		}
	})
}

func admitted(id string) sqlstore.AdmittedRow {
	return sqlstore.AdmittedRow{Bundle: id, Contributor: "alder-bank", Kind: "episodes", Records: 3, Bytes: 9, Shard: "sha256:" + id, LogIndex: 4, Receipt: []byte("r"), AdmittedAt: day1}
}

func TestABundleIsAdmittedOnce(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleHub)
		again := admitted("b1")
		again.Records = 99
		for _, a := range []sqlstore.AdmittedRow{admitted("b1"), again, admitted("b2")} {
			ok(t, db.Admit(t.Context(), a))
		}
		list, err := db.Admitted(t.Context())
		ok(t, err)
		want := []sqlstore.AdmittedRow{admitted("b1"), admitted("b2")}
		want[0].Seq, want[1].Seq = 1, 2
		if diff := cmp.Diff(want, list); diff != "" {
			t.Error(diff)
		}
		if _, err := db.AdmittedBundle(t.Context(), "b3"); !errors.Is(err, sqlstore.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestAnEntryOfTheLogIsRememberedFromBeforeItIsMade(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleHub)
		ask := func(kind, digest string, size uint64, want sqlstore.LogEntry) {
			t.Helper()
			if e, err := db.LogEntry(t.Context(), kind, digest, size); err != nil || e != want {
				t.Errorf("%s %s: %+v, %v; want %+v", kind, digest, e, err, want)
			}
		}
		ask("bundle", "b1", 7, sqlstore.LogEntry{Since: 7, Index: -1, New: true})
		ask("bundle", "b1", 9, sqlstore.LogEntry{Since: 7, Index: -1}) // the first time ended in a crash
		ask("release", "b1", 9, sqlstore.LogEntry{Since: 9, Index: -1, New: true})
		ok(t, db.SetLogIndex(t.Context(), "bundle", "b1", 0))
		ask("bundle", "b1", 12, sqlstore.LogEntry{Since: 7, Index: 0})
		ask("release", "b1", 12, sqlstore.LogEntry{Since: 9, Index: -1})
	})
}

func TestDocumentsComeNewestFirstAndOnce(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleHub)
		for _, id := range []string{"a", "b", "a"} {
			ok(t, db.SaveDocument(t.Context(), sqlstore.DocumentRow{Kind: sqlstore.DocSnapshot, ID: id, Parent: "p", Envelope: []byte(id), LogIndex: -1, MadeAt: day1}))
		}
		ok(t, db.NoteDocument(t.Context(), sqlstore.DocSnapshot, "a", "settled"))
		list, err := db.Documents(t.Context(), sqlstore.DocSnapshot)
		ok(t, err)
		if len(list) != 2 || list[0].ID != "b" || list[1].Note != "settled" {
			t.Errorf("%+v", list)
		}
		if _, err := db.Document(t.Context(), sqlstore.DocGate, "a"); !errors.Is(err, sqlstore.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

// Each artifact that carried a withdrawal waits for the certificate, from when there is one until it is beside it.
func TestWhatCarriedACertifiedWithdrawalWaitsForItsAnswer(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleHub)
		unanswered := func(withdrawal string) (list []string) {
			t.Helper()
			all, err := db.Unanswered(t.Context(), withdrawal, "certificate")
			ok(t, err)
			for _, c := range all {
				list = append(list, fmt.Sprintf("%s %s %s %d", c.Contributor, c.Withdrawal, c.Manifest, c.Size))
			}
			return list
		}
		for i, manifest := range []string{"m1", "m2", "m2"} {
			ok(t, db.AskCertificate(t.Context(), sqlstore.OpenWithdrawal{ID: "w1", Contributor: "alder", Envelope: []byte("e"), AskedAt: day1}, []string{"ep_1"}, manifest, int64(10+i)))
		}
		ok(t, db.AskCertificate(t.Context(), sqlstore.OpenWithdrawal{ID: "w2", Contributor: "alder", Envelope: []byte("e"), AskedAt: day1}, []string{"ep_2"}, "m3", 1))
		if got := unanswered(""); got != nil {
			t.Errorf("before there is a certificate: %v", got)
		}
		for range 2 {
			ok(t, db.Certify(t.Context(), sqlstore.DocumentRow{Kind: sqlstore.DocCertificate, ID: "w1", Envelope: []byte("e"), LogIndex: 1, MadeAt: day1}, sqlstore.Carrier{Withdrawal: "w1", Manifest: "m4", Size: 7}))
		}
		if diff := cmp.Diff([]string{"alder w1 m1 10", "alder w1 m2 11", "alder w1 m4 7"}, unanswered("")); diff != "" {
			t.Error(diff)
		}
		for _, subject := range []string{"m1", "m4"} {
			ok(t, db.RegistryIndex().PutManifest(t.Context(), registry.Manifest{Repo: "alder/withdrawals", Digest: "c" + subject, ArtifactType: "certificate", Subject: subject}, ""))
		}
		ok(t, db.RegistryIndex().PutManifest(t.Context(), registry.Manifest{Repo: "birch/withdrawals", Digest: "c", ArtifactType: "certificate", Subject: "m2"}, ""))
		if diff := cmp.Diff([]string{"alder w1 m2 11"}, unanswered("w1")); diff != "" {
			t.Error(diff)
		}
		if got := unanswered("w2"); got != nil {
			t.Errorf("of one without a certificate: %v", got)
		}
	})
}

func TestErasureIsNotForgottenByACrash(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleHub)
		ok(t, db.Admit(t.Context(), admitted("b1")))
		ok(t, db.SaveDocument(t.Context(), sqlstore.DocumentRow{Kind: sqlstore.DocSnapshot, ID: "s1", Envelope: []byte("e"), LogIndex: -1, MadeAt: day1}))
		ids := make([]string, 12_000) // more than one statement holds
		for i := range ids {
			ids[i] = fmt.Sprint("ep_", i)
		}
		for range 2 {
			ok(t, db.AskCertificate(t.Context(), sqlstore.OpenWithdrawal{ID: "w1", Contributor: "alder-bank", Envelope: []byte("envelope"), AskedAt: day1}, ids, "sha256:m1", 100))
		}
		fates := []bundle.Fate{{Artifact: "b1", Kind: "bundle", Fate: "erased"}, {Artifact: "s1", Kind: "snapshot", Fate: "erased"}}
		ok(t, db.Erase(t.Context(), sqlstore.Erasure{Withdrawal: "w1", Fate: fates[0], Records: 2, Shard: "sha256:less", Doomed: []string{"sha256:b1"}}))
		ok(t, db.Erase(t.Context(), sqlstore.Erasure{Withdrawal: "w1", Fate: fates[1], Doomed: []string{"sha256:f1", "sha256:b1"}}))
		ok(t, db.Close()) // here the process ends before a blob is deleted
		db = open(t, dsn, sqlstore.RoleHub)
		doomed, err := db.Doomed(t.Context())
		ok(t, err)
		if diff := cmp.Diff([]string{"sha256:b1", "sha256:f1"}, doomed); diff != "" {
			t.Error(diff)
		}
		for _, d := range doomed {
			ok(t, db.Gone(t.Context(), d))
		}
		ok(t, db.SetErased(t.Context(), "w1"))
		list, err := db.OpenWithdrawals(t.Context())
		ok(t, err)
		want := []sqlstore.OpenWithdrawal{{ID: "w1", Contributor: "alder-bank", Envelope: []byte("envelope"), AskedAt: day1, Erased: true, Records: 2, Fates: fates}}
		if diff := cmp.Diff(want, list); diff != "" {
			t.Error(diff)
		}
		taken, err := db.Withdrawn(t.Context())
		ok(t, err)
		if len(taken["alder-bank"]) != len(ids) {
			t.Errorf("%d ids are withdrawn, want %d", len(taken["alder-bank"]), len(ids))
		}
		a, err := db.AdmittedBundle(t.Context(), "b1")
		ok(t, err)
		if a.Shard != "sha256:less" {
			t.Errorf("the bundle's records are in %s", a.Shard)
		}
		ok(t, db.SaveDocument(t.Context(), sqlstore.DocumentRow{Kind: sqlstore.DocCertificate, ID: "w1", Envelope: []byte("e"), LogIndex: 1, MadeAt: day1}))
		if list, err := db.OpenWithdrawals(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%d withdrawals are open after the certificate, %v", len(list), err)
		}
	})
}

func TestWhatAnAdmittedBundlePointsToIsNeverDoomed(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleHub)
		doomed := func(want ...string) {
			t.Helper()
			got, err := db.Doomed(t.Context())
			ok(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		ok(t, db.RefuseArrival(t.Context(), "alder-bank/bundles", []string{"sha256:s1", "sha256:s2"}, sqlstore.DocumentRow{}))
		doomed("sha256:s1", "sha256:s2")
		came, less := admitted("b1"), admitted("b2")
		came.Shard, came.Doomed = "sha256:s1", []string{"sha256:s1"}
		less.Shard, less.Doomed = "sha256:less", []string{"sha256:whole"}
		ok(t, db.Admit(t.Context(), came))
		doomed("sha256:s2")
		ok(t, db.Admit(t.Context(), less))
		doomed("sha256:s2", "sha256:whole")
		ok(t, db.RegistryIndex().LinkBlob(t.Context(), "alder-bank/bundles", "sha256:s2"))
		doomed("sha256:whole")
	})
}

func TestDocumentsAreReadNewestFirstAndNoFurtherThanAsked(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleHub)
		for i := range 20 {
			ok(t, db.SaveDocument(t.Context(), sqlstore.DocumentRow{Kind: sqlstore.DocLook, ID: fmt.Sprint(i), Parent: fmt.Sprint("rel_", i%2), LogIndex: -1, Envelope: []byte("{}"), MadeAt: day1}))
		}
		var ids []string
		for doc, err := range db.NewestDocuments(t.Context(), sqlstore.DocLook) {
			ok(t, err)
			ids = append(ids, doc.ID)
		}
		if len(ids) != 20 || ids[0] != "19" || ids[19] != "0" {
			t.Errorf("newest first they are %v", ids)
		}
		for n, want := range map[int]int{0: 10, 1: 1, 3: 3} {
			if docs, err := db.DocumentsBelow(t.Context(), sqlstore.DocLook, "rel_1", n); err != nil || len(docs) != want || docs[0].ID != "19" {
				t.Errorf("of one release the last %d are %+v, %v", n, docs, err)
			}
		}
	})
}
