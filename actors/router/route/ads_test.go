package route

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	routerv1 "receptor/proto/router/v1"
)

func ad(node, service string, after time.Duration) *routerv1.Advertisement {
	return &routerv1.Advertisement{Node: node, Service: service, Time: timestamppb.New(start.Add(after))}
}

func withdrawal(node, service string, after time.Duration) *routerv1.Advertisement {
	a := ad(node, service, after)
	a.Cancel = true
	return a
}

func names(a *Ads) string {
	var all []string
	for _, ad := range a.List() {
		all = append(all, ad.GetNode()+":"+ad.GetService())
	}
	return strings.Join(all, " ")
}

func TestWhichAdvertisementsAreNews(t *testing.T) {
	type step struct {
		ad    *routerv1.Advertisement
		flood bool
	}
	const sec = time.Second
	cases := map[string]struct {
		steps []step
		left  string
	}{
		"first":            {[]step{{ad("b", "x", 0), true}}, "b:x"},
		"same time":        {[]step{{ad("b", "x", 0), true}, {ad("b", "x", 0), false}}, "b:x"},
		"later":            {[]step{{ad("b", "x", 0), true}, {ad("b", "x", 1), true}}, "b:x"},
		"earlier":          {[]step{{ad("b", "x", sec), true}, {ad("b", "x", 0), false}}, "b:x"},
		"others":           {[]step{{ad("c", "x", 0), true}, {ad("b", "y", 0), true}, {ad("b", "x", 0), true}}, "b:x b:y c:x"},
		"our own":          {[]step{{ad("a", "x", sec), false}, {withdrawal("a", "x", 2*sec), false}}, ""},
		"without node":     {[]step{{ad("", "x", 0), false}}, ""},
		"without service":  {[]step{{ad("b", "", 0), false}}, ""},
		"without anything": {[]step{{&routerv1.Advertisement{Cancel: true}, false}}, ""},
		"withdrawn once": {[]step{{ad("b", "x", 0), true}, {withdrawal("b", "x", sec), true},
			{withdrawal("b", "x", sec), false}, {withdrawal("b", "x", 0), false}, {ad("b", "x", sec), false}}, ""},
		"withdrawn before it began":    {[]step{{withdrawal("b", "x", sec), true}, {withdrawal("b", "x", sec), false}, {ad("b", "x", 0), false}}, ""},
		"a withdrawal that is too old": {[]step{{ad("b", "x", sec), true}, {withdrawal("b", "x", sec), false}}, "b:x"},
		"offered again":                {[]step{{withdrawal("b", "x", 0), true}, {ad("b", "x", sec), true}}, "b:x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := NewAds("a")
			for i, s := range c.steps {
				if got := a.Receive(s.ad, start); got != s.flood {
					t.Errorf("step %d: flood %v, want %v", i, got, s.flood)
				}
			}
			if got := names(a); got != c.left {
				t.Errorf("left %q, want %q", got, c.left)
			}
		})
	}
}

func TestAdvertisementsAgeOut(t *testing.T) {
	a := NewAds("a")
	a.Receive(ad("b", "x", 0), start)
	a.Receive(ad("b", "y", 0), start)
	a.Receive(ad("b", "y", time.Minute), start.Add(time.Minute))
	a.Age(start.Add(AdTTL))
	if got := names(a); got != "b:y" {
		t.Errorf("left %q, want only what was repeated", got)
	}
}

func TestAdvertisementsAreBounded(t *testing.T) {
	a := NewAds("a")
	for i := range maxAds {
		if !a.Receive(ad("b", fmt.Sprint("s", i), 0), start) {
			t.Fatalf("service %d is no news", i)
		}
	}
	if a.Receive(ad("b", "x", 0), start) {
		t.Error("one more is news")
	}
	if !a.Receive(ad("b", "s0", time.Minute), start) {
		t.Error("a known one is no news")
	}
}

func TestTombstoneLivesAsLongAsCopiesArrive(t *testing.T) {
	a := NewAds("a")
	a.Receive(withdrawal("b", "x", 0), start)
	a.Receive(withdrawal("b", "x", 0), start.Add(TombstoneTTL-1))
	a.Age(start.Add(TombstoneTTL))
	if a.Receive(withdrawal("b", "x", 0), start.Add(TombstoneTTL)) {
		t.Error("a circling withdrawal is passed on again")
	}
	a.Age(start.Add(2 * TombstoneTTL))
	if len(a.entries) != 0 {
		t.Error("the tombstone never ages")
	}
}
