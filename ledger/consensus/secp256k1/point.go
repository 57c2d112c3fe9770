package secp256k1

// affine is a point of the curve y^2 = x^3 + 7 that is not infinity.
type affine struct{ x, y fe }

// jacobian is the point (x/z^2, y/z^3), infinity if inf.
type jacobian struct {
	x, y, z fe
	inf     bool
}

func (p *affine) jacobian() jacobian { return jacobian{p.x, p.y, fe{1}, false} }

// lift finds the point of an x-coordinate and a parity of y; false if there is none.
func lift(x fe, odd bool) (p affine, ok bool) {
	var rhs fe
	rhs.square(&x)
	rhs.mul(&rhs, &x)
	rhs.add(&rhs, &fe{7})
	p.x = x
	if !p.y.root(&rhs) {
		return p, false
	}
	if p.y.isOdd() != odd {
		p.y.neg(&p.y)
	}
	return p, true
}

// double sets r = 2p. No point of the curve has order two.
func (r *jacobian) double(p *jacobian) {
	if p.inf {
		r.inf = true
		return
	}
	var l, s, t, x fe
	l.square(&p.x)
	t.add(&l, &l)
	l.add(&l, &t)
	l.half(&l) // 3/2 x^2
	s.square(&p.y)
	t.mul(&s, &p.x) // x y^2
	r.z.mul(&p.z, &p.y)
	x.square(&l)
	x.sub(&x, &t)
	x.sub(&x, &t)
	t.sub(&t, &x)
	t.mul(&t, &l)
	s.square(&s)
	r.x = x
	r.y.sub(&t, &s)
	r.inf = false
}

// add sets r = p + q, whatever they are.
func (r *jacobian) add(p, q *jacobian) {
	if p.inf || q.inf {
		if p.inf {
			*r = *q
		} else {
			*r = *p
		}
		return
	}
	var pz2, qz2, u1, u2, s1, s2 fe
	pz2.square(&p.z)
	qz2.square(&q.z)
	u1.mul(&p.x, &qz2)
	u2.mul(&q.x, &pz2)
	s1.mul(&p.y, &qz2)
	s1.mul(&s1, &q.z)
	s2.mul(&q.y, &pz2)
	s2.mul(&s2, &p.z)
	var z fe
	z.mul(&p.z, &q.z)
	r.chord(p, &u1, &u2, &s1, &s2, &z)
}

// addAffine sets r = p + q, whatever they are.
func (r *jacobian) addAffine(p *jacobian, q *affine) {
	if p.inf {
		*r = q.jacobian()
		return
	}
	var z2, u2, s2 fe
	z2.square(&p.z)
	u2.mul(&q.x, &z2)
	s2.mul(&q.y, &z2)
	s2.mul(&s2, &p.z)
	u1, s1, z := p.x, p.y, p.z
	r.chord(p, &u1, &u2, &s1, &s2, &z)
}

// chord sets r to the sum of two points that have x-coordinates u1 and u2 and y-coordinates s1 and s2 over the common
// denominator z; p is the first of them.
func (r *jacobian) chord(p *jacobian, u1, u2, s1, s2, z *fe) {
	var h, d fe
	h.sub(u2, u1)
	d.sub(s2, s1)
	if h.isZero() {
		if d.isZero() {
			r.double(p)
		} else {
			r.inf = true
		}
		return
	}
	var h2, h3, v, x fe
	h2.square(&h)
	h3.mul(&h2, &h)
	v.mul(u1, &h2)
	x.square(&d)
	x.sub(&x, &h3)
	x.sub(&x, &v)
	x.sub(&x, &v)
	v.sub(&v, &x)
	v.mul(&v, &d)
	h3.mul(&h3, s1)
	r.z.mul(z, &h)
	r.x = x
	r.y.sub(&v, &h3)
	r.inf = false
}

// flatten brings points, none of them infinity, to affine form with a single inversion.
func flatten(out []affine, ps []jacobian) {
	// out[i].x is the product of the denominators before i for now.
	product := fe{1}
	for i := range ps {
		out[i].x = product
		product.mul(&product, &ps[i].z)
	}
	var inv fe
	inv.inverse(&product)
	for i := len(ps) - 1; i >= 0; i-- {
		var z, z2 fe
		z.mul(&inv, &out[i].x)
		inv.mul(&inv, &ps[i].z)
		z2.square(&z)
		out[i].x.mul(&ps[i].x, &z2)
		z2.mul(&z2, &z)
		out[i].y.mul(&ps[i].y, &z2)
	}
}

// odds fills a table with p, 3p, 5p, and so on, with as many points of room to work in.
func odds(out []affine, ps []jacobian, p *jacobian) {
	var twice jacobian
	twice.double(p)
	ps[0] = *p
	for i := 1; i < len(ps); i++ {
		ps[i].add(&ps[i-1], &twice)
	}
	flatten(out, ps)
}
