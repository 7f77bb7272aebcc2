package main

import "testing"

func TestListIsNarrowed(t *testing.T) {
	asked := `{"command": "work", "subcommand": "list", "state": "failed,running", "worktype": "cat", "node": "bar", "after": "a", "limit": 2}`
	one := func(state, extra string) string {
		return `{"Detail":"","ExtraData":` + extra + `,"State":3,"StateName":"` + state + `","StdoutSize":0,"WorkType":"remote"}`
	}
	far := `{"RemoteNode":"bar","RemoteWorkType":"cat"}`
	// What an existing node sends, which does not know how to narrow a list.
	all := `{"a":` + one("Failed", far) + `,"b":` + one("Failed", "null") + `,"c":` + one("Running", far) +
		`,"d":` + one("Succeeded", far) + `,"e":` + one("Failed", far) + `,"f":` + one("Failed", far) + `}`
	node := startFake(t, script{asked: {says(all)}, "work list": {says(all)}})
	narrow := []string{"work", "list", "-q", "--state", "failed,running", "--type", "cat", "--runs-on", "bar", "--after", "a"}
	node.ctl(t, append(narrow, "--limit", "2")...).want(t, "c\ne\n", "", 0)
	node.ctl(t, "work", "list", "-q").want(t, "a\nb\nc\nd\ne\nf\n", "", 0)
	node.ctl(t, "work", "list", "--limit", "0").want(t, "", "ERROR: --limit must be at least 1\nSee receptorctl work list --help.\n", 1)
	node.ctl(t, "work", "list", "--unit_id", "a", "--state", "failed").want(t, "",
		"ERROR: --unit_id shows one unit: it can't be narrowed by --state, --type, --runs-on, --after or --limit\nSee receptorctl work list --help.\n", 1)
}
