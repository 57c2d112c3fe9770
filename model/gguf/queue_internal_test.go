package gguf

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"funai/model"

	"pgregory.net/rapid"
)

func always(*job) bool { return true }
func never(*job) bool  { return false }

// wish is a job of a client that needs so many tokens.
func wish(client string, need int) *job {
	return &job{client: client, prompt: make([]int32, need), max: 1, out: newMailbox()}
}

func pushAll(t *testing.T, q *queue, jobs ...*job) {
	t.Helper()
	for _, j := range jobs {
		if err := q.push(j); err != nil {
			t.Fatal(err)
		}
	}
}

// drain takes what is next until nothing waits, of which so many run at once, and says whose they were.
func drain(q *queue, running int) (clients []string) {
	var run []*job
	for j := q.next(always, never); j != nil; j = q.next(always, never) {
		if len(run) == running {
			q.done(run[0])
			run = run[1:]
			continue
		}
		q.take(j)
		run, clients = append(run, j), append(clients, j.client)
	}
	return clients
}

func TestClientsTakeTurns(t *testing.T) {
	q := newQueue(20)
	for range 6 {
		pushAll(t, q, wish("a", 5))
	}
	pushAll(t, q, wish("b", 5), wish("b", 5), wish("c", 5))
	if got := fmt.Sprint(drain(q, 1)); got != "[a b c a b a a a a]" {
		t.Fatal(got)
	}
	q = newQueue(20)
	for range 3 { // who asks for much is given it less often
		pushAll(t, q, wish("big", 100), wish("small", 30), wish("small", 30))
	}
	if got := fmt.Sprint(drain(q, 4)); got != "[big small small small big small small small big]" {
		t.Fatal(got)
	}
}

func TestScoringGoesFirstWhileItIsUrgent(t *testing.T) {
	q := newQueue(20)
	score := wish("v", 5)
	score.given = []int32{1}
	pushAll(t, q, wish("a", 5), wish("v", 5), score)
	if got := q.next(always, never); got.client != "a" {
		t.Fatal("out of turn")
	}
	if got := q.next(always, func(j *job) bool { return j.kind() == toScore }); got != score {
		t.Fatal("not first")
	}
	if got := q.next(func(j *job) bool { return j.kind() == toScore }, never); got != score {
		t.Fatal("kinds wait for one another")
	}
}

func TestQueueIsBoundedForEachAndForAll(t *testing.T) {
	q := newQueue(10)
	for i := range 8 {
		pushAll(t, q, wish("a", i+1))
	}
	if err := q.push(wish("a", 1)); !errors.Is(err, model.ErrBusy) {
		t.Fatal(err)
	}
	first := q.next(always, never)
	if !q.take(first) || q.take(first) {
		t.Fatal("taken never, or twice")
	}
	if err := q.push(wish("a", 1)); !errors.Is(err, model.ErrBusy) { // what runs counts, too
		t.Fatal(err)
	}
	last := wish("c", 1)
	pushAll(t, q, wish("b", 1), last)
	if err := q.push(wish("d", 1)); !errors.Is(err, model.ErrBusy) {
		t.Fatal(err)
	}
	q.forget(last)
	q.forget(last)
	pushAll(t, q, wish("d", 1))
	q.done(first)
	pushAll(t, q, wish("a", 1))
}

// TestQueueIsFairWhateverComes holds the order to what its documentation promises.
func TestQueueIsFairWhateverComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue(30)
		waiting := map[string][]*job{}
		passed := map[string]map[string]int{} // by a client with nothing running: how often each other was served meanwhile
		var run []*job
		holds := func(client string) bool {
			return slices.ContainsFunc(run, func(j *job) bool { return j.client == client })
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				j := wish(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "client"), rapid.IntRange(1, 50).Draw(t, "need"))
				if q.push(j) == nil {
					waiting[j.client] = append(waiting[j.client], j)
				}
			},
			"take": func(t *rapid.T) {
				j := q.next(always, never)
				if j == nil {
					return
				}
				if !q.take(j) || waiting[j.client][0] != j {
					t.Fatal("not the client's first")
				}
				for client, jobs := range waiting {
					if client == j.client || len(jobs) == 0 || holds(client) {
						continue
					}
					if passed[client] == nil {
						passed[client] = map[string]int{}
					}
					if passed[client][j.client]++; passed[client][j.client] > 1 {
						t.Fatalf("%s was served twice while %s had nothing running and waited", j.client, client)
					}
				}
				delete(passed, j.client)
				waiting[j.client], run = waiting[j.client][1:], append(run, j)
			},
			"done": func(t *rapid.T) {
				if len(run) > 0 {
					at := rapid.IntRange(0, len(run)-1).Draw(t, "which")
					q.done(run[at])
					run = slices.Delete(run, at, at+1)
				}
			},
			"forget": func(t *rapid.T) {
				for client, jobs := range waiting {
					if len(jobs) > 0 && client == "a" {
						q.forget(jobs[len(jobs)-1])
						if waiting[client] = jobs[:len(jobs)-1]; len(jobs) == 1 {
							delete(passed, client)
						}
					}
				}
			},
			"": func(t *rapid.T) {
				n := len(run)
				for _, jobs := range waiting {
					n += len(jobs)
				}
				if q.taken != n || n > 30 || q.empty() != (n == len(run)) {
					t.Fatalf("%d places are taken, %d jobs are there", q.taken, n)
				}
			},
		})
		for _, j := range run {
			q.done(j)
		}
		drain(q, 1)
	})
}
