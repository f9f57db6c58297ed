// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/headrace/headrace/episode"
)

// ErrNotFound is what a source returns for an id that it does not know: the page answers 404.
var ErrNotFound = errors.New("not found")

// ErrChanged is what a source returns, in a Problem, where what a person decided on is not any more what they saw: the page
// is shown anew, and says so.
var ErrChanged = errors.New("changed meanwhile")

// EdgeSource is what the edge shows, and the two things that a person can do there: rule on what leaves, take back.
// Every method may be called at the same time as any other. A *episode.Problem is shown with its code and hint.
type EdgeSource interface {
	Published
	Audited
	// EdgeStages returns the stages capture, scrub, consent, bundle, edge and lever, as far as they run here.
	EdgeStages(ctx context.Context) ([]Stage, error)
	// Histories returns the tool histories found on this machine; none means that there is nothing to read yet.
	Histories(ctx context.Context) ([]History, error)

	Episodes(ctx context.Context, f EpisodeFilter) (EpisodePage, error)
	// Episode opens one episode for who; a look at raw text is audited by the source.
	Episode(ctx context.Context, who, id string) (*EpisodeView, error)

	Batches(ctx context.Context) ([]Batch, error)
	// Batch opens one outgoing batch at q.After. Only with q.Raw is the seal opened, and then the look is audited.
	Batch(ctx context.Context, who, id string, q BatchQuery) (*BatchView, error)
	// Rule approves, refuses, holds or releases records of a batch: those that the person saw, and none that has come or
	// changed since. Where some of them are no longer there to rule on it rules on the others and says so with ErrChanged.
	Rule(ctx context.Context, who string, r Ruling) error
	// RuleFrom says what records share and what a rule of it would change; it changes nothing.
	RuleFrom(ctx context.Context, who string, d RuleDraft) (*RuleTrial, error)
	// ProposeRule proposes the policy that a rule would make, where it still is the one that was seen, and returns its version.
	ProposeRule(ctx context.Context, who string, d RuleDraft, seen string) (version int64, err error)
	// SeeFlag says that who has seen to a developer's flag; StartRule lets a stopped rule approve again.
	SeeFlag(ctx context.Context, who, id string) error
	StartRule(ctx context.Context, who, batch, rule string) error

	// Own, OwnRecord, OwnAct, Preferences and SetPreferences are of who's own records alone: of others' they know as little as
	// of such as never were.
	Own(ctx context.Context, who, after string, limit int) (OwnPage, error)
	OwnRecord(ctx context.Context, who, id string) (*OwnView, error)
	// Where a yes was given to what is no longer what would leave, OwnAct says so with ErrChanged.
	OwnAct(ctx context.Context, who, id string, a OwnSaid) error
	Preferences(ctx context.Context, who string) (Preferences, error)
	SetPreferences(ctx context.Context, who string, p Preferences) error

	PolicyVersions(ctx context.Context) (PolicyPage, error)
	// PolicyVersion returns one version; with try, also what it would change for recorded episodes.
	PolicyVersion(ctx context.Context, version int64, try bool) (*PolicyView, error)
	// DecidePolicy approves or refuses a version that waits, in the name of who is signed in.
	DecidePolicy(ctx context.Context, version int64, choice Choice) error

	// Alarms says where the hub's log broke its promise, newest first.
	Alarms(ctx context.Context) ([]Alarm, error)
	Bundles(ctx context.Context) ([]Bundle, error)
	Bundle(ctx context.Context, id string) (*BundleView, error)
	// Counts are those that were made of periods that are over, newest first.
	Counts(ctx context.Context) ([]Counts, error)

	Withdrawals(ctx context.Context) ([]Withdrawal, error)
	Withdrawal(ctx context.Context, id string) (*Withdrawal, error)
	// WouldWithdraw says what a withdrawal of this scope would reach.
	WouldWithdraw(ctx context.Context, s Scope) (*Reach, error)
	// Withdraw takes back all that left of a scope and returns the withdrawals' ids.
	Withdraw(ctx context.Context, who string, s Scope) (ids []string, err error)
}

// HubSource is what the hub shows.
type HubSource interface {
	Published
	Audited
	// HubStages returns the stages intake, curate, dataset, learn, gate, release and value, as far as they run here.
	HubStages(ctx context.Context) ([]Stage, error)

	Snapshots(ctx context.Context) ([]Snapshot, error)
	Snapshot(ctx context.Context, id string) (*SnapshotView, error)
	// Export writes a snapshot in a trainer's format, one of Snapshot.Formats.
	Export(ctx context.Context, id, format string, w io.Writer) error
}

// Published is what the hub gives out and the edge has fetched: both show it. Where both are there, the hub is asked.
type Published interface {
	// Gates returns the reports that are here, newest first: at a hub all, at an edge those of the releases that it fetched.
	Gates(ctx context.Context) ([]Gate, error)
	Gate(ctx context.Context, id string) (*Gate, error)
	// GateDocument returns the signed bytes of a report.
	GateDocument(ctx context.Context, id string) ([]byte, error)
	Releases(ctx context.Context) ([]Release, error)
	Release(ctx context.Context, id string) (*Release, error)
	Statements(ctx context.Context) ([]Statement, error)
	Statement(ctx context.Context, id string) (*Statement, error)
}

// Health says how a stage does.
type Health string

// The healths of a stage.
const (
	HealthOK      Health = "ok"      // working, nothing to do
	HealthWaiting Health = "waiting" // waits for a person
	HealthTrouble Health = "trouble" // something was set aside or refused; Note says what
	HealthIdle    Health = "idle"    // nothing came yet
)

// Stage is one stage of the loop, live.
type Stage struct {
	Name     string // "capture", "scrub", … as in the picture
	Count    int
	Unit     string // "episodes", "bundles", …: plural
	SetAside int
	Health   Health
	Note     string    // one short sentence, or empty
	Last     time.Time // when something last came through
}

// History is one tool history found on this machine.
type History struct {
	Tool     string
	Path     string
	Files    int
	Bytes    int64
	Episodes int     // read so far
	Done     float64 // share read, 0 to 1
	Problem  string  // why it cannot be read, or empty
}

// EpisodeFilter narrows the list; an empty field lets all through.
type EpisodeFilter struct {
	Tool    string
	Verdict episode.Verdict
	Level   episode.Level
	State   string
	After   string // EpisodePage.Next of the page before
	Limit   int    // set by the page
}

// EpisodePage is one page of the list, newest first.
type EpisodePage struct {
	Rows   []EpisodeRow
	Total  int      // that match the filter
	All    int      // without a filter
	Tools  []string // to choose from
	States []string // to choose from
	Next   string   // opaque; empty on the last page
	Few    bool     // what matches is of fewer than ten developers: Total and All are not shown
}

// FewDevelopers is how many developers a figure must be of to be shown to others.
const FewDevelopers = 10

// EpisodeRow is one line of the list. It holds no person.
type EpisodeRow struct {
	ID          string
	StartedAt   time.Time
	Tool        string
	Surface     episode.Surface
	Repository  string
	Title       string // first words of the scrubbed instruction, where it leaves at level clean; else empty
	Suggestions int
	Verdicts    map[episode.Verdict]int
	Level       episode.Level
	State       string // "settling", "waiting", "approved", "held", "refused", "sent", "stays", "withdrawn"
}

// EpisodeView is one episode with all that is known of it here.
type EpisodeView struct {
	// Episode is the raw one where Raw is RawShown, else what remains of it.
	Episode *episode.Episode
	Raw     RawState
	RawTill time.Time // when raw text goes, or went; zero when unknown
	State   string
	Level   episode.Level // set by consent; empty when not yet decided
	Terms   *episode.Terms
	Why     string // the policy rule that decided, or empty
	Bundle  string // id of the bundle that it left in, or empty
	History []Event
}

// RawState says why raw text is there, or not.
type RawState string

// The states of raw text.
const (
	RawShown     RawState = "shown"
	RawSealed    RawState = "sealed"    // held, not asked for
	RawExpired   RawState = "expired"   // erased when its time was over
	RawForbidden RawState = "forbidden" // this person may not see it
)

// Event is one thing that happened, newest last.
type Event struct {
	At   time.Time
	What string
	Who  string // a person or a rule, or empty
}

// Batch is a set of records that would leave together for one recipient.
type Batch struct {
	ID        string
	Recipient string
	Records   int
	Waiting   int // records not yet ruled on
	Flagged   int // of those that wait: with a reason to look
	Approved  int
	Refused   int
	Held      int
	Asked     int // wait for their developers
	Bytes     int64
	Levels    map[episode.Level]int
	Findings  map[string]int // what was replaced, by kind
}

// BatchQuery pages through a batch.
type BatchQuery struct {
	State string // of the records; empty: waiting, or the first state there is any in
	After string // BatchView.Next of the page before
	Limit int    // set by the page
	Raw   bool   // open the seal, audited
}

// BatchView is one batch with a page of its records.
type BatchView struct {
	Batch
	State   string        // of the records shown
	Flags   []Flag        // of developers, to which nobody has seen
	Stopped []StoppedRule // rules that approve nothing until somebody lets them
	Seen    string        // opaque: what waited when the page was made. To rule on all that wait names it
	Terms   *episode.Terms
	Policy  string // digest
	Records []BatchRecord
	Raw     RawState // RawSealed until asked for
	Next    string   // opaque; empty on the last page
}

// StoppedRule is a rule that approved by itself, and does not until a steward lets it again.
type StoppedRule struct {
	Rule, Why string
	At        time.Time
}

// BatchRecord is one record as it would leave.
type BatchRecord struct {
	ID      string   // local id of the episode
	Digest  string   // of Out
	State   string   // "waiting", "approved", "refused", "held"
	Why     []string // to look at it: what stands out, most first
	Risk    int      // how much that comes to
	Drawn   bool     // a rule would have let it go; it was drawn to be looked at
	Note    string   // why it is held
	Rule    string   // of the policy, that lets it leave
	Tool    string
	Level   episode.Level
	Out     []byte // the exact bytes that leave: canonical JSON
	Marks   []Mark // where in Out something was replaced, in order, not overlapping
	Raw     []byte // the raw episode as JSON when it may be seen and is still held
	RawSeen []Mark // where in Raw something was found
}

// Mark is one replacement: a range of bytes, its kind, and by which rule of the filter, where that is known.
type Mark struct {
	Start, End int
	Kind       string
	Rule       string
}

// Choice is what a person says to a record.
type Choice string

// The choices.
const (
	Approve Choice = "approve"
	Refuse  Choice = "refuse"
	Hold    Choice = "hold"    // with a reason, until it is released
	Unhold  Choice = "release" // what was held waits again
)

// Ruling is a choice on some records of a batch, or on all that wait.
type Ruling struct {
	Batch  string
	Choice Choice
	Note   string // why it is held
	// Records are digests of the records ruled on; when empty, the ruling is on all that wait. Seen is the BatchView.Seen of the
	// page that the person saw: what has changed or come since is not ruled on.
	Records []string
	Seen    string
	// Plain is, of all that wait, those without a reason to look; the others wait on.
	Plain bool
}

// Bundle is one that was packed here.
type Bundle struct {
	ID        string // digest
	PackedAt  time.Time
	Recipient string
	Records   int
	Bytes     int64
	Levels    map[episode.Level]int
	State     string // "packed", "sent", "received", "refused"
	Receipt   *Receipt
	Incident  *Incident // where the hub refused it for what it found in it
}

// Incident is the hub's signed word on why it refused a bundle: where and of what kind, never what.
type Incident struct {
	ID       string
	Day      string
	RotateBy string
	Kinds    string // in words, with counts
	Findings []IncidentFinding
	More     int
	Signer   string // key id
}

// IncidentFinding is one place in a record.
type IncidentFinding struct {
	Record      int // in the bundle's order, from 0
	Field, Kind string
}

// Receipt is the hub's signed answer.
type Receipt struct {
	At       time.Time
	Signer   string // key id
	Accepted int
	SetAside []Reason
	LogIndex int64
	LogSize  int64
	Proof    string // "verified", "pending", "failed"
	ProofWhy string // one sentence
	// Witnesses vouch for the log beside the hub; none: not witnessed.
	Witnesses []string
}

// Alarm is evidence that the hub's log broke its promise.
type Alarm struct {
	At  time.Time
	Why string
	Dir string // where both checkpoints are kept
	Hub string // whose, where the edge knows several hubs
}

// BundleView is one bundle in full.
type BundleView struct {
	Bundle
	Root      string // Merkle root of the records
	Policy    string // digest
	Scrubber  string
	Findings  map[string]int
	Terms     *episode.Terms
	Signer    string // key id
	SignedOK  bool   // checked when the page was made
	Manifest  []byte // exact bytes
	Withdrawn int    // records taken back since
	Onward    []Onward
}

// Onward is what the recipient of a bundle has passed on of it.
type Onward struct {
	Recipient string
	Records   int
	LogIndex  int64 // in the recipient's log
	At        time.Time
	Signer    string // of the recipient's receipt
}

// Reason counts records by why.
type Reason struct {
	Why   string
	Count int
	Hint  string // what would change it, or empty
}

// Snapshot is an immutable version of a dataset.
type Snapshot struct {
	ID           string
	MadeAt       time.Time
	Records      int
	Decisions    int
	Developers   int
	Contributors int
	Incomplete   bool // something in it was withdrawn since
	Formats      []string
}

// SnapshotView is one snapshot with its lineage.
type SnapshotView struct {
	Snapshot
	Digest   string
	In       int // records that came in
	Used     int
	SetAside []Reason
	Bundles  []Lineage
	Splits   []Split
	Gates    []string // ids of reports made from it
}

// Lineage is one bundle that a snapshot was made from.
type Lineage struct {
	Bundle      string
	Contributor string
	Records     int
	Used        int
}

// Split is a part of a snapshot. A developer is in one split only.
type Split struct {
	Name       string
	Decisions  int
	Developers int
}

// Statement is what a contributor gave, what it was worth, what it earns.
type Statement struct {
	Hub         string // whose, where the edge knows several hubs
	ID          string
	Contributor string
	From, To    time.Time
	Given       int // records
	Used        int
	SetAside    []Reason
	HasValue    bool     // false when there was too little to value: the floor only
	Value       Estimate // in the unit of ValueUnit
	ValueUnit   string
	Method      string
	Lines       []StatementLine
	Floor       float64 // percent
	Discount    float64 // percent, all lines together
	RateCard    string  // version or digest
	Recompute   string  // the command that makes the same statement again
	Signer      string
}

// StatementLine is one line of the discount.
type StatementLine struct {
	What    string
	Why     string
	Percent float64
}

// Scope says what a contributor takes back: the records for which all that is given holds.
type Scope struct {
	Records    []string `json:"records,omitempty"` // ids, as the episodes page names them
	Session    string   `json:"session,omitempty"`
	Developer  string   `json:"developer,omitempty"`
	Repository string   `json:"repository,omitempty"`
	From       string   `json:"from,omitempty"` // the first day and the last, in UTC: 2026-11-02
	To         string   `json:"to,omitempty"`
	// All is everything; Confirm must then be the contributor's name.
	All     bool   `json:"all,omitempty"`
	Confirm string `json:"confirm,omitempty"`
	// Mine is everything of the one developer whose machine this is.
	Mine bool `json:"mine,omitempty"`
}

// Reach is what a withdrawal would take back, and where that has gone.
type Reach struct {
	Scope string `json:"scope"` // in words
	// Person says that it is one person's: then nothing is counted, because no page shows a figure of one person.
	Person bool `json:"person,omitempty"`
	// Records have left; Waiting and Packed have not, and will not.
	Records int `json:"records"`
	Waiting int `json:"waiting"`
	Packed  int `json:"packed"`
	// Elsewhere counts the records that left to hubs which this edge is not joined to now.
	Elsewhere map[string]int `json:"elsewhere,omitempty"`
	Bundles   []ReachBundle  `json:"bundles"`
	// Releases came back after the first of the records had left: they may have been learned from them.
	Releases []string `json:"releases,omitempty"`
}

// ReachBundle is a bundle in which some of it left.
type ReachBundle struct {
	ID      string `json:"id"`
	Hub     string `json:"hub,omitzero"` // that it was sent to, where the edge knows several
	Records int    `json:"records"`
}

// Withdrawal is a contributor taking something back, and what became of everything it had reached.
type Withdrawal struct {
	ID          string
	Scope       string // in words: "session 7f6c"
	At          time.Time
	Who         string
	Records     int    // 0: not counted, because they are one person's
	State       string // "not signed yet", "under way", "done"
	Fates       []Fate
	Certificate []byte // exact signed bytes, when done
	Signer      string
	Hub         string // that is asked, where the edge knows several
}

// Fate is what became of one artifact.
type Fate struct {
	Artifact string
	Kind     string // "bundle", "snapshot", "run", "release", "export"
	Fate     string // "erased", "rebuilt", "retired on DATE", "beyond reach at HOLDER"
}
