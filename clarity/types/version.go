package types

import (
	"errors"
	"fmt"
)

// Version is the version of the language that a contract is written in: 1 to 6.
type Version uint8

// The versions of the language.
const (
	Clarity1 Version = 1 + iota
	Clarity2
	Clarity3
	Clarity4
	Clarity5
	Clarity6
)

// Epoch is a set of rules of the network that the language comes from, written as ten times its number: 2.1 is 21. Of
// the rules of one language version some depend on it, costs above all.
type Epoch uint8

// The epochs that are known. Rules before 2.1 are not.
const (
	Epoch21 Epoch = 21
	Epoch22 Epoch = 22
	Epoch23 Epoch = 23
	Epoch24 Epoch = 24
	Epoch25 Epoch = 25
	Epoch30 Epoch = 30
	Epoch31 Epoch = 31
	Epoch32 Epoch = 32
	Epoch33 Epoch = 33
	Epoch34 Epoch = 34
	Epoch40 Epoch = 40
)

// Latest are the newest version and epoch.
const (
	LatestVersion = Clarity6
	LatestEpoch   = Epoch40
)

func (v Version) String() string { return fmt.Sprintf("Clarity %d", uint8(v)) }

func (e Epoch) String() string { return fmt.Sprintf("%d.%d", e/10, e%10) }

// Epochs returns the epochs that are known, oldest first.
func Epochs() []Epoch {
	return []Epoch{Epoch21, Epoch22, Epoch23, Epoch24, Epoch25, Epoch30, Epoch31, Epoch32, Epoch33, Epoch34, Epoch40}
}

// ErrEpoch says that a text is the number of no epoch that is known.
var ErrEpoch = errors.New("unknown epoch")

// ParseEpoch reads an epoch as String writes it.
func ParseEpoch(s string) (Epoch, error) {
	for _, e := range Epochs() {
		if e.String() == s {
			return e, nil
		}
	}
	return 0, fmt.Errorf("%w: %.20q", ErrEpoch, s)
}

// MaxVersion is the newest version of the language that the epoch runs.
func (e Epoch) MaxVersion() Version {
	switch {
	case e >= Epoch40:
		return Clarity6
	case e >= Epoch34:
		return Clarity5
	case e >= Epoch33:
		return Clarity4
	case e >= Epoch30:
		return Clarity3
	default:
		return Clarity2
	}
}
