package diff

// Replay plays a program here and holds it to what the reference implementation answered before; nil is agreement.
func Replay(p *Program, want *Answer) *Difference {
	want.tidy()
	return Compare(p, want, play(p))
}
