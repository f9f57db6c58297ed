// SPDX-License-Identifier: Apache-2.0

package aggregate

import (
	"crypto/rand"
	"io"
	"math"
	"math/big"
)

// noise draws integers exactly: no floating point takes part, so its rounding gives nothing away (Mironov, "On
// significance of the least significant bits for differential privacy", CCS 2012). The samplers are those of Canonne, Kamath
// and Steinke, "The discrete Gaussian for differential privacy", NeurIPS 2020, algorithms 1 to 3.
type noise struct {
	random io.Reader // crypto/rand but in tests
}

func systemNoise() noise { return noise{rand.Reader} }

// below returns an integer of [0, n), each as likely as the others.
func (z noise) below(n *big.Int) (*big.Int, error) { return rand.Int(z.random, n) }

// with returns true with probability p, a fraction in [0, 1].
func (z noise) with(p *big.Rat) (bool, error) {
	u, err := z.below(p.Denom())
	return err == nil && u.Cmp(p.Num()) < 0, err
}

// withExp returns true with probability exp(-g), g ≥ 0 (algorithm 1).
func (z noise) withExp(g *big.Rat) (bool, error) {
	one := big.NewRat(1, 1)
	rest := new(big.Rat).Set(g)
	for rest.Cmp(one) > 0 {
		if yes, err := z.withExp(one); !yes || err != nil {
			return false, err
		}
		rest.Sub(rest, one)
	}
	for k := int64(1); ; k++ {
		yes, err := z.with(new(big.Rat).Quo(rest, big.NewRat(k, 1)))
		if err != nil {
			return false, err
		}
		if !yes {
			return k%2 == 1, nil
		}
	}
}

// laplace draws from the discrete Laplace distribution, also called two-sided geometric, of this scale, which is positive:
// P(x) ∝ exp(-|x|/scale) (algorithm 2).
func (z noise) laplace(scale *big.Rat) (int64, error) {
	t, s := scale.Num(), scale.Denom()
	one := big.NewRat(1, 1)
	for {
		u, err := z.below(t)
		if err != nil {
			return 0, err
		}
		if yes, err := z.withExp(new(big.Rat).SetFrac(u, t)); err != nil {
			return 0, err
		} else if !yes {
			continue
		}
		v := new(big.Int)
		for {
			yes, err := z.withExp(one)
			if err != nil {
				return 0, err
			}
			if !yes {
				break
			}
			v.Add(v, big.NewInt(1))
		}
		x := v.Mul(v, t)
		y := x.Add(x, u).Div(x, s)
		negative, err := z.with(big.NewRat(1, 2))
		if err != nil {
			return 0, err
		}
		if negative && y.Sign() == 0 {
			continue
		}
		if negative {
			y.Neg(y)
		}
		return y.Int64(), nil
	}
}

// gaussian draws from the discrete Gaussian distribution, P(x) ∝ exp(-x²/2σ²), for a positive σ² (algorithm 3).
func (z noise) gaussian(variance *big.Rat) (int64, error) {
	f, _ := variance.Float64()
	t := big.NewRat(int64(math.Sqrt(f))+1, 1) // any integer near σ will do: it sets the speed, not the distribution
	for {
		y, err := z.laplace(t)
		if err != nil {
			return 0, err
		}
		d := new(big.Rat).SetInt64(max(y, -y))
		d.Sub(d, new(big.Rat).Quo(variance, t))
		d.Mul(d, d).Quo(d, new(big.Rat).Mul(big.NewRat(2, 1), variance))
		if yes, err := z.withExp(d); err != nil || yes {
			return y, err
		}
	}
}
