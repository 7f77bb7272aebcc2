package route

// label is a way found to a node; it may not be the best.
type label struct {
	cost float64
	hops int
	via  string
	to   *node
}

func (l label) before(o label) bool {
	switch {
	case l.cost != o.cost:
		return l.cost < o.cost
	case l.hops != o.hops:
		return l.hops < o.hops
	default:
		return l.via < o.via
	}
}

// heap is a binary heap of labels, the best one on top. The standard library's
// would allocate for each label.
type heap []label

func (h *heap) push(l label) {
	*h = append(*h, l)
	s := *h
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if !s[i].before(s[up]) {
			return
		}
		s[i], s[up] = s[up], s[i]
		i = up
	}
}

func (h *heap) pop() label {
	s := *h
	top, last := s[0], len(s)-1
	s[0], s[last] = s[last], label{}
	s = s[:last]
	*h = s
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s); child++ {
			if s[child].before(s[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
}
