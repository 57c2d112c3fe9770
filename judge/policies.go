package judge

// DefaultPolicy returns the policy of a catalogue model, or for any other model one that catches only gross fraud:
// thresholds are only as good as the honest runs that they come from, which docs/judging.md tells and how to repeat them.
func DefaultPolicy(name string) Policy {
	p := Policy{Model: name, Short: 16}
	switch name {
	case "tinyllama-1.1b-chat":
		// Twice what 112 honest answers across kinds of processors reached: 0.73, 0.028, 0.17. At 2 bits a weight the engine
		// rounds its activations too, which is what makes near ties of half a logit fall differently.
		p.Context = 2048
		p.Rescore = Rescore{MaxMargin: 1.5, MeanMargin: 0.06, Swaps: 0.3, Dropped: 0.004}
		p.Ask = Ask{How: AskContrast, Others: 2, Tokens: 16, Least: -0.15}
	case "stories15m":
		// Many times what honest answers reached: 0.004, 0.0001, 0.03. Its rescore finds everything that asking would.
		p.Context = 256
		p.Rescore = Rescore{MaxMargin: 0.25, MeanMargin: 0.01, Swaps: 0.15, Dropped: 0.002}
	default:
		p.Rescore = Rescore{MaxMargin: 2, MeanMargin: 0.1, Swaps: 0.3, Dropped: 0.02}
	}
	return p
}
