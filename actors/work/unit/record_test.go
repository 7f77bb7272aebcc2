package unit

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// The contents of real status files decode, and encode to the same bytes.
func TestStatusFilesOfTheExistingSystem(t *testing.T) {
	text, err := os.ReadFile("testdata/status-files.json")
	if err != nil {
		t.Fatal(err)
	}
	var captured struct {
		Sequences []struct {
			Title    string
			Contents []string `json:"status_file_contents_in_order"`
		}
	}
	if err := json.Unmarshal(text, &captured); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, s := range captured.Sequences {
		for _, content := range s.Contents {
			r, err := Decode([]byte(content))
			if err != nil {
				t.Errorf("%s: %v in %s", s.Title, err, content)
				continue
			}
			again, err := r.Encode()
			if err != nil || !sameJSON(t, again, []byte(content)) {
				t.Errorf("%s: %s became %s (%v)", s.Title, content, again, err)
			}
			// Only runners sort the members of ExtraData.
			if !strings.Contains(content, `{"Params"`) && r.Other == nil && !bytes.Equal(again, []byte(content)) {
				t.Errorf("%s: %s became %s", s.Title, content, again)
			}
			seen++
		}
	}
	if seen < 30 {
		t.Errorf("only %d status files in testdata", seen)
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	xs, err1 := json.Marshal(x)
	ys, err2 := json.Marshal(y)
	return err1 == nil && err2 == nil && bytes.Equal(xs, ys)
}

func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":             "",
		"cut":               `{"State":0,"Detail":"Unit Cre`,
		"no type":           `{"State":0,"Detail":"","StdoutSize":0,"WorkType":"","ExtraData":null}`,
		"no such state":     `{"State":9,"Detail":"","StdoutSize":0,"WorkType":"cat","ExtraData":null}`,
		"remote and null":   `{"State":1,"Detail":"","StdoutSize":0,"WorkType":"remote","ExtraData":null}`,
		"remote and string": `{"State":1,"Detail":"","StdoutSize":0,"WorkType":"remote","ExtraData":"x"}`,
	} {
		if r, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s: decoded to %+v", name, r)
		}
	}
}

// What this node does not know stays in the file, and nobody is shown it.
func TestDataOfUnknownTypes(t *testing.T) {
	for name, c := range map[string]struct{ extra, kept, shown string }{
		"stranger":          {`,"ExtraData":{"Image":"x"}`, `{"Image":"x"}`, UnknownType},
		"none":              {``, `null`, `null`},
		"null":              {`,"ExtraData":null`, `null`, `null`},
		"without parameter": {`,"ExtraData":{"Pid":4}`, `{"Pid":4}`, UnknownType},
	} {
		r, err := Decode([]byte(`{"State":1,"Detail":"x","StdoutSize":2,"WorkType":"pod"` + c.extra + `}`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if shown, err := r.Shown(); err != nil || shown != c.shown {
			t.Errorf("%s: shown is %s, %v", name, shown, err)
		}
		want := `{"State":1,"Detail":"x","StdoutSize":2,"WorkType":"pod","ExtraData":` + c.kept + "}\n"
		if kept, err := r.Encode(); err != nil || string(kept) != want {
			t.Errorf("%s: the file is %s, %v", name, kept, err)
		}
	}
}

// The existing system wants an object, and a date that JSON can't have is no file.
func TestRemoteDataInTheFile(t *testing.T) {
	kept, err := NewRemote(RemoteData{RemoteNode: "b"}).Encode()
	if err != nil || !bytes.Contains(kept, []byte(`"RemoteParams":{}`)) {
		t.Errorf("the file is %s, %v", kept, err)
	}
	r := NewRemote(RemoteData{Expiration: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}).Record
	if kept, err := r.Encode(); err == nil {
		t.Errorf("the file is %s", kept)
	}
	if shown, err := r.Shown(); err == nil {
		t.Errorf("shown is %s", shown)
	}
}

func TestStateNames(t *testing.T) {
	for state, want := range map[State]string{
		-1: "Unknown: -1", Pending: "Pending", Running: "Running", Succeeded: "Succeeded", Failed: "Failed", Canceled: "Canceled", 5: "Unknown: 5",
	} {
		if got := state.String(); got != want {
			t.Errorf("state %d is %s", int(state), got)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	r := NewRemote(RemoteData{RemoteParams: map[string]string{"Secret_b": "1", "secret_": "2", "params": "3"}}).Record
	shown, err := r.Shown()
	if err != nil || strings.Contains(strings.ToLower(shown), "secret_") || !strings.Contains(shown, `"params":"3"`) {
		t.Errorf("shown is %s, %v", shown, err)
	}
	kept, err := r.Encode()
	if err != nil || !bytes.Contains(kept, []byte("Secret_b")) {
		t.Errorf("the file is %s, %v", kept, err)
	}
	stranger := Record{WorkType: "pod", Other: []byte(`{"KubePod":"secret"}`)}
	if shown, err := stranger.Shown(); err != nil || shown != UnknownType {
		t.Errorf("a stranger shows %s, %v", shown, err)
	}
}

func TestIDs(t *testing.T) {
	random := bytes.NewReader(append([]byte{255, 248, 0, 61, 62}, bytes.Repeat([]byte{9}, 8)...))
	if id, err := NewID(random); err != nil || id != "0Z099999" {
		t.Errorf("got %q, %v", id, err)
	}
	if _, err := NewID(bytes.NewReader(nil)); err == nil {
		t.Error("an ID without randomness")
	}
	for id, want := range map[string]bool{
		"": false, "..": false, "a/b": false, "../..": false, "aBc09Zz1": true, "äöüäöüäö": false, "a\x00b": false,
		strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
		"0": true, "9": true, "a": true, "z": true, "A": true, "Z": true, "/": false, ":": false, "@": false, "[": false, "`": false, "{": false,
	} {
		if ValidID(id) != want {
			t.Errorf("%q: want %v", id, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"State":1,"Detail":"x","StdoutSize":0,"WorkType":"cat","ExtraData":{"Pid":1,"Params":""}}`))
	f.Add([]byte(`{"State":1,"WorkType":"remote","ExtraData":{"RemoteParams":{"secret_a":"b"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Decode(text)
		if err != nil {
			return
		}
		if _, err := r.Shown(); err != nil {
			t.Fatal(err)
		}
		once, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(once)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := again.Encode(); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s became %s (%v)", once, twice, err)
		}
	})
}
