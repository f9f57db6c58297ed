// SPDX-License-Identifier: Apache-2.0

package kiro

import (
	"io"

	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/capture/qcli"
)

// about is what is kept beside a session's log, in either form.
type about struct {
	SessionID lax.String           `json:"session_id"`
	CWD       lax.String           `json:"cwd"`
	ParentID  lax.String           `json:"parent_session_id"`
	State     lax.Object[stateful] `json:"session_state"`

	ID       lax.String  `json:"id"`
	ModelID  lax.String  `json:"modelId"`
	Folders  lax.Strings `json:"workspacePaths"`
	ParentOf lax.String  `json:"parentSessionId"`
}

type stateful struct {
	Model lax.Object[modelState] `json:"rts_model_state"`
}

type modelState struct {
	Info lax.Object[modelInfo] `json:"model_info"`
}

type modelInfo struct {
	ModelID lax.String `json:"model_id"`
}

const maxSidecar = 32 << 20

// beside reads the named file in the folder of f. A session is read without it where it is not there, or no such file.
func beside(f capture.File, name string) (a about) {
	root, err := f.Root(0)
	if err != nil || root == nil {
		return a
	}
	defer root.Close()
	info, err := root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return a
	}
	file, err := root.Open(name)
	if err != nil {
		return a
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxSidecar+1))
	if err != nil || len(b) > maxSidecar || !lax.Decode(b, &a) {
		return about{}
	}
	return a
}

// session begins the session that a describes.
func (a *about) session(id string, c *capture.Counts) *qcli.Session {
	s := &qcli.Session{Tool: Name, ID: id, Repository: string(a.CWD), Model: string(a.ModelID + a.State.V.Model.V.Info.V.ModelID), Counts: c}
	if s.Repository == "" && len(a.Folders) > 0 {
		s.Repository = a.Folders[0]
	}
	if own := string(a.SessionID + a.ID); own != "" {
		s.ID = own
	}
	s.Helper = a.ParentID+a.ParentOf != ""
	return s
}
