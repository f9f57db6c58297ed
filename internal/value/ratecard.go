// SPDX-License-Identifier: Apache-2.0

package value

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"

	"github.com/headrace/headrace/episode"
)

//go:embed ratecard.yaml
var defaultRateCard []byte

const maxRateCard = 64 << 10

// RateCard says what taking part earns: a YAML file that the maker publishes. See ratecard.yaml for an example.
type RateCard struct {
	Version     string  `yaml:"version"`
	FlatFloor   float64 `yaml:"flat_floor"`   // percent
	BudgetShare float64 `yaml:"budget_share"` // of the certified relative gain, 0 to 1
	Cap         float64 `yaml:"cap"`          // percent
	// Digest names the file's bytes.
	Digest string `yaml:"-"`
}

// DefaultRateCard is the one that comes with the program.
func DefaultRateCard() *RateCard {
	c, err := DecodeRateCard(defaultRateCard)
	if err != nil {
		panic(err) // the embedded file is tested
	}
	return c
}

// DecodeRateCard reads a rate card. An unknown or repeated key is an error that names its line.
func DecodeRateCard(b []byte) (*RateCard, error) {
	c := new(RateCard)
	if len(b) > maxRateCard {
		return nil, badRateCard(fmt.Errorf("longer than %d bytes", maxRateCard))
	}
	if err := yaml.UnmarshalWithOptions(b, c, yaml.Strict()); err != nil {
		return nil, badRateCard(errors.New(yaml.FormatError(err, false, false)))
	}
	switch {
	case c.Version == "":
		return nil, badRateCard(errors.New("version is missing"))
	case !(c.FlatFloor >= 0 && c.FlatFloor <= c.Cap && c.Cap <= 100):
		return nil, badRateCard(fmt.Errorf("flat_floor %v and cap %v must be percents, the floor not above the cap", c.FlatFloor, c.Cap))
	case !(c.BudgetShare >= 0 && c.BudgetShare <= 1):
		return nil, badRateCard(fmt.Errorf("budget_share %v must be from 0 to 1", c.BudgetShare))
	}
	c.Digest = episode.Digest(b)
	return c, nil
}

func badRateCard(err error) error {
	return &episode.Problem{Code: "value/bad-rate-card", Message: "not a rate card", Hint: "compare it with internal/value/ratecard.yaml", Err: err}
}
