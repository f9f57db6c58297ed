// SPDX-License-Identifier: Apache-2.0

package main

type pushCmd struct {
	Bundle      string `arg:"" optional:"" help:"Folder that holds the bundle." type:"path" placeholder:"DIR"`
	To          string `help:"Leave it here for the hub to take in: REGISTRY/REPOSITORY, or a folder." placeholder:"PLACE"`
	Credentials string `help:"With --to, a file in docker's form with what the registry asks for." type:"existingfile" placeholder:"FILE"`
	Hub         string `help:"With --to, what is for this hub (default: the only one that was joined)." placeholder:"NAME"`
	Recipient   string `help:"With --to, encrypt the records to this key of the hub (default with encrypt: true in edge.yaml: the one that joining settled)." placeholder:"AGE1…"`
	Config      string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (c *pushCmd) Help() string {
	return `Sends a packed bundle to the hub that it was made for and prints the hub's signed receipt with the proof that its log
holds the bundle. The bundle must carry the edge's signature and its name at the hub, so pack it with the edge's keys, which
are in the folder edge of the state folder. Sending it again changes nothing and prints the same receipt. What this edge has
withdrawn or refused since is not sent.

With --to it goes to a registry that you run, or into a folder that somebody carries to the hub, together with what was taken
back; without a bundle, all goes that the edge has packed. headrace edge receive takes the hub's answers from there.

Example: headrace --dir STATE/edge pack --contributor alder-bank --out bundle < leaving.jsonl
Example: headrace --dir STATE push bundle > receipt.json
Example: headrace --dir STATE log verify --receipt receipt.json
Example: headrace push --to /media/stick/alder-bank`
}

func (c *pushCmd) Run(e *env) error {
	if c.To != "" {
		return carryJob{Place: place(c.To), Credentials: absolute(c.Credentials), Hub: c.Hub, Recipient: c.Recipient, Bundle: c.Bundle, Leave: true}.carry(e, c.Config)
	}
	if c.Bundle == "" {
		return usagef("name the bundle's folder, or say with --to where to leave all that is packed")
	}
	return carryJob{Bundle: c.Bundle, Push: true}.carry(e, c.Config)
}
