// SPDX-License-Identifier: Apache-2.0

package export

import "github.com/headrace/headrace/episode"

// trlKTO is the unpaired preference format of TRL's KTOTrainer: prompt, completion, label.
type trlKTO struct{}

type ktoExample struct {
	Prompt     string `json:"prompt"`
	Completion string `json:"completion"`
	Label      bool   `json:"label"`
}

// add writes one example: accepted is desirable, rejected is not, and of what was modified the person's own text is
// desirable. A modified suggestion itself is neither good nor bad, so without the person's text it gives nothing.
func (trlKTO) add(l label, out *writer) error {
	ex := ktoExample{Prompt: l.prompt, Completion: l.after, Label: l.verdict == episode.Accepted}
	if l.verdict == episode.Modified {
		if l.final == "" {
			out.rep.Skipped[SkippedNoText]++
			return nil
		}
		ex.Completion, ex.Label = l.final, true
	}
	return out.example(ex)
}

func (trlKTO) flush(*writer) error { return nil }
