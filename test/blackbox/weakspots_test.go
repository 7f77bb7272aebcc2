package blackbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// weakSpots of the existing system must not be true of ours. Each names the tests
// that show it, or says after "why:" what keeps it from occurring.
var weakSpots = map[string]string{
	// Crashes and deadlocks.
	"C1 requested_fields that are no list":              "TestGarbageGetsErrors TestParse",
	"C2 a unit on disk that is not in memory":           "TestUnitsCopiedByHand",
	"C3 work-signing without tokenexpiration":           "TestSigningWithoutALifetime",
	"C4 a log line without a blank":                     "TestLinesWithoutStamp",
	"C5 a remote reply of less than five bytes":         "TestRepliesOfAllKinds",
	"C6 a remote unit whose ExtraData is null":          "TestDecodeRefuses TestUnreadableUnitsAreSetAside TestDirectoryTakenAway",
	"D1 a status that is truncated, then written":       "TestSaveReplacesWhole TestCrashBetweenWriteAndRename",
	"D2 a payload or status that is never synced":       "why: store.Create and store.Save sync file and folder before they return, storePayload the payload before the unit starts; no test here can take the power away",
	"D3 a payload that is truncated by its client":      "TestClientKilledAmidItsPayload TestClientThatIsGoneBeforeTheAnswer TestResetIsNoEndOfPayload TestCutAtEveryStepOfASubmission",
	"D4 results of canceled units that never end":       "TestResultsOfCanceledUnitsEnd TestRemoteCancel",
	"D5 a stale object of unknown type":                 "why: types are known before units are loaded, and a reader follows the one feed of a unit ID for as long as it exists",
	"D6 results that stall after a remote restart":      "TestResultsFlowThroughKillOfTheMiddle TestARestartedNodeEndsItsSessionsAtOnce TestNothingIsLostOrDoubled",
	"D7 a remote unit that disappears":                  "TestRemoteUnitGone TestAnnouncedOutputNeverComes",
	"D8 failed pods whose output is not announced":      "why: a pod's unit announces what is in its output file in every final state; TestPodTransitions",
	"D9 log lines lost or cut at a reconnect":           "TestBrokenStreamsMakeOneOutput TestLinesWithoutStamp",
	"D10 a pod's exit code is ignored":                  "TestStates",
	"D11 a log that is rotated, or read from 0 again":   "TestRotationWhileNobodyReads TestShortLogIsNotComplete",
	"D12 a second attach that sends only the rest":      "TestInputIsCounted",
	"D13 tracing that drops a last line":                "TestPayloadIsStoredWhole",
	"D14 read errors that look like an end":             "TestResultsSayWhenTheyAreNotComplete TestResultsThatBreakOffAreAskedForAnew",
	"D15 output appended without a check":               "TestOutputResumesAtTheByte TestNothingIsLostOrDoubled",
	"P1 grandchildren survive a cancel":                 "TestCancelEndsGrandchildren TestStopEndsEverybody",
	"P2 a runner that was killed":                       "TestRunnerKilled TestNothingIsLostOrDoubled",
	"P3 a stale process number is signalled":            "TestIdentityIsNotTheNumber",
	"P4 cancel and release during the payload":          "TestPayloadPhase",
	"P5 cancel after a restart":                         "TestRestartFindsItsUnits",
	"P6 a runner that gives up on a bad disk":           "TestFullDisk TestEndOnAFullDisk TestReleasedUnitDoesNotHoldItsRunner",
	"P7 a runner that is a whole node":                  "TestCommandsHaveASmallRunner",
	"P8 a runner whose program was replaced":            "TestTheSmallProgramOutlivesItsFile TestASmallProgramThatIsWrittenOverIsNotUsed TestCommandsHaveASmallRunner",
	"P9 parameters in the list of processes":            "TestRunningIsShown",
	"P10 runners that are large and write all the time": "TestCommandsHaveASmallRunner TestRunningIsShown",
	"R1 an error after a background connect":            "TestLostAnswerDoesNotDoubleTheUnit TestTimeToStartIsOver",
	"R2 an orphan on the remote node":                   "TestHalfSubmittedUnitIsReplacedAfterRestart TestRemoteLoad TestNothingIsLostOrDoubled",
	"R3 a retry that starts a second unit":              "TestCutAtEveryStepOfASubmission TestKeysSurviveARestart TestPayloadCutByADeathOfTheFarNode",
	"R4 pending submits that a restart fails":           "TestHalfSubmittedUnitIsReplacedAfterRestart TestNothingIsLostOrDoubled",
	"R5 release of a vanished remote unit":              "TestRemoteUnitGone",
	"R6 a background cancel that is refused":            "TestRemoteTransitions",
	"R7 a cancel that becomes a release":                "TestCanceledUnitStaysAfterRestart",
	"R8 a status error that ends all monitoring":        "TestRemoteTransitions TestRepliesOfAllKinds",
	"R9 work of type remote on the own node":            "TestRefusals",
	"R10 refused submits that leave something":          "TestRefusedSubmitsLeaveNothing",
	"R11 streams per unit, and polling":                 "TestOneStreamCarriesAllStates",
	"R12 a banner that only contains the name":          "TestBannerIsExact",
	"M1 an inotify instance per unit":                   "TestFileWatchersAreFew",
	"M2 no limits, and clients that vanish":             "TestLongLinesShareABudget TestTooManyClientsAreToldSo TestIdleSessionsEnd TestBadClientsCostNobodyElse TestSlowReaderHoldsUpNobodyElse TestResultsReaderLeaves TestUnitsWaitForTheirTurn TestTooMuchOutput",
	"M3 finished units stay, and fill the disk":         "TestFinishedUnitsAreReleased TestDiskFloor",
	"M4 canceled units that are watched for ever":       "TestLocalLoad",
	"M5 accept errors that spin":                        "TestListenerOutlivesPassingErrorsAndRestartsAfterOthers TestOutOfFileDescriptorsIsNotTheEnd",
	"S1 unit IDs that are paths":                        "TestUnitsCopiedByHand TestIDs",
	"S2 tokens of any algorithm, or without an end":     "TestRecordedTokens TestTokenHoldsNothingElse",
	"S3 secrets in status files":                        "TestSecretsAreNotShown TestNobodyElseReadsUnits",
	"S4 Unix sockets need no signature":                 "why: this is kept, existing controllers rely on it; TestSignedCommandsAreVerified and TestSignedUnits for the others",
	"S5 whatever is in the socket's place is removed":   "TestSocketPathIsNoSocket TestStaleSocketIsReplaced",
	"S6 a default data folder under /tmp":               "why: this is kept, a node without datadir must find its units; TestNobodyElseReadsUnits",
	"S7 the tcp stream of pods is open to strangers":    "why: this is kept, such a pod is told a host and a port and no more; its exit code decides about success, not the connection",
	"K1 release after a restart leaves the pod":         "TestPodsFoundAtStart",
	"K2 a namespace that is not saved":                  "TestPodRecord TestPodOfText",
	"K3 canceled pods that fail at a restart":           "TestPodsFoundAtStart",
	"K4 pending pods that fail at a restart":            "TestPodsFoundAtStart",
	"K5 an environment that is replaced":                "TestPodOfText",
	"K6 finished pods stay":                             "why: this is kept, a pod can be looked at until its unit is released; what no unit owns is swept up; TestPodTransitions",

	// What may happen to any program.
	"a full disk":                            "TestFullDisk TestEndOnAFullDisk TestFullDiskIsNamedAndPayloadIsNoCommand",
	"a read-only data folder":                "TestReadOnlyDataFolder TestDirectoryThatStays",
	"a clock that jumps":                     "TestClockThatIsSetBack TestTimes",
	"numbers of processes that come again":   "TestIdentityIsNotTheNumber",
	"half a payload":                         "TestClientKilledAmidItsPayload",
	"readers of results that go away":        "TestResultsReaderLeaves TestResultsGoOnAfterHalfCloseAndEndWithTheClient",
	"two gigabytes of output":                "TestHugeOutput",
	"ten thousand units":                     "TestTenThousandUnits",
	"death of daemon, runner, child or link": "TestNothingIsLostOrDoubled TestUnitSurvivesKillOfEachDaemon",
}

var (
	testName = regexp.MustCompile(`\bTest[A-Z]\w+`)
	testFunc = regexp.MustCompile(`(?m)^func (Test[A-Z]\w+)\(`)
)

// Every weak spot has tests that are there, or a reason.
func TestWeakSpotsAreNamed(t *testing.T) {
	known := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range testFunc.FindAllSubmatch(text, -1) {
			known[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for spot, shown := range weakSpots {
		names := testName.FindAllString(shown, -1)
		if len(names) == 0 && !strings.HasPrefix(shown, "why: ") {
			t.Errorf("nothing shows that ours does without: %s", spot)
		}
		for _, name := range names {
			if !known[name] {
				t.Errorf("%s: there is no test %s", spot, name)
			}
		}
	}
}
