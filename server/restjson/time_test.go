package restjson_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/podpass/podpass/server/restjson"
)

func TestTime(t *testing.T) {
	for text, at := range map[string]time.Time{
		"1795336380.123": time.UnixMicro(1795336380_123_987).In(time.FixedZone("", 3600)),
		"1795336380":     time.Unix(1795336380, 0),
		"0":              time.Unix(0, 0),
		"-1.5":           time.UnixMilli(-1500),
		"253402300799":   time.Unix(253402300799, 0),
	} {
		got, err := json.Marshal(restjson.Time(at))
		if err != nil || string(got) != text {
			t.Errorf("%v is %s, %v; want %s", at, got, err, text)
		}
	}
}
