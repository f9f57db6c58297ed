// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
)

// loop is the way round, as in the picture: each stage, where a click leads, and what it does in a few words.
func loop() []place {
	return []place{
		{Name: "capture", To: "/episodes", Does: "reads what the tools record"},
		{Name: "scrub", To: "/episodes", Does: "takes out secrets and personal data"},
		{Name: "consent", To: "/preview", Does: "asks the policy, and you"},
		{Name: "bundle", To: "/bundles", Does: "packs, signs and sends"},
		{Name: "intake", To: "/snapshots", Does: "checks what arrives, signs a receipt", Hub: true},
		{Name: "curate", To: "/snapshots", Does: "sets aside what must not be used", Hub: true},
		{Name: "dataset", To: "/snapshots", Does: "freezes a snapshot", Hub: true},
		{Name: "learn", To: "/gates", Does: "makes a candidate", Hub: true},
		{Name: "gate", To: "/gates", Does: "lets through what helps", Hub: true},
		{Name: "release", To: "/releases", Does: "signs it for its channels", Hub: true},
		{Name: "edge", To: "/releases", Does: "fetches and checks it"},
		{Name: "lever", To: "/releases", Does: "moves the tool"},
	}
}

// place is a stage in the picture; Here says whether it runs in this process.
type place struct {
	Stage
	Name, To, Does string
	Hub            bool
	Here           bool
}

type overviewData struct {
	Loop      []place
	Value     *Stage
	Waiting   []Batch // batches that wait for a person
	Alarms    []Alarm // of the hub's log
	Held      string  // why the edge lets nothing leave
	Gate      *Gate   // the latest
	SeesGate  bool
	Turns     []turned  // what the loop has come to, a line each
	Histories []History // only while no episode is here
	First     bool      // nothing was captured yet
	Edge, Hub bool
}

func (s *Site) overview(r *http.Request) (view, error) {
	ctx := r.Context()
	d := overviewData{Loop: loop(), Edge: s.cfg.Edge != nil, Hub: s.cfg.Hub != nil}
	var stages []Stage
	if s.cfg.Edge != nil {
		l, err := s.cfg.Edge.EdgeStages(ctx)
		if err != nil {
			return view{}, err
		}
		stages = l
		batches, err := s.cfg.Edge.Batches(ctx)
		if err != nil {
			return view{}, err
		}
		for _, b := range batches {
			if b.Waiting > 0 {
				d.Waiting = append(d.Waiting, b)
			}
		}
		if d.Alarms, err = s.cfg.Edge.Alarms(ctx); err != nil {
			return view{}, err
		}
		p, err := s.cfg.Edge.PolicyVersions(ctx)
		if err != nil {
			return view{}, err
		}
		d.Held = p.Held
	}
	if s.cfg.Hub != nil {
		l, err := s.cfg.Hub.HubStages(ctx)
		if err != nil {
			return view{}, err
		}
		stages = append(stages, l...)
	}
	if err := s.turns(r, &d); err != nil {
		return view{}, err
	}
	d.place(stages)
	if d.First = s.cfg.Edge != nil && d.Loop[0].Count == 0; d.First {
		h, err := s.cfg.Edge.Histories(ctx)
		if err != nil {
			return view{}, err
		}
		d.Histories = h
	}
	return view{Title: "Overview", Data: d}, nil
}

// place puts each live stage where it stands in the picture. A stage that runs here and tells nothing is idle.
func (d *overviewData) place(stages []Stage) {
	for i, p := range d.Loop {
		d.Loop[i].Here = p.Hub && d.Hub || !p.Hub && d.Edge
	}
	for _, st := range stages {
		if st.Name == "value" {
			d.Value = &st
		}
		for i := range d.Loop {
			if d.Loop[i].Name == st.Name {
				d.Loop[i].Stage = st
			}
		}
	}
}
